"""A line chart as inline SVG: positions and numbers; the template draws them in the page's colours."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.ticker import MaxNLocator

WIDE, SMALL = (400, 230), (300, 190)  # sizes of drawings; their letters have a height of 13
LEFT, RIGHT, TOP, BOTTOM = 68, 12, 12, 40
LEAST_SPAN = 0.01  # of the largest number: below it, the marks of an axis would need many digits
Point = tuple[float, float]


@dataclass(frozen=True)
class Tick:
    """A mark of an axis: its position in the drawing, and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A drawn chart.

    Attributes:
        line: path of the line.
        dots: places of the points, where there are few.
        band: path of the range that is drawn behind the line; may be empty.
        across, down: marks of the axes.
        name: what the line shows, in words: for readers who do not see it.
        width, height: of the drawing.
    """

    line: str
    dots: list[Point]
    band: str
    across: list[Tick]
    down: list[Tick]
    name: str
    width: int
    height: int

    @property
    def left(self) -> int:
        """Where the axis stands."""
        return LEFT

    @property
    def right(self) -> int:
        """Where the plot ends."""
        return self.width - RIGHT

    @property
    def bottom(self) -> int:
        """Where the axis lies."""
        return self.height - BOTTOM


def line_chart(
    points: Sequence[Point],
    name: str,
    band: Sequence[tuple[float, float, float]] = (),
    whole: bool = False,
    size: tuple[int, int] = WIDE,
) -> Chart:
    """Draws points from left to right.

    Args:
        points: x and y of each; undefined ones (NaN) leave a gap.
        name: what the line shows.
        band: x, and the range in y, of an area behind the line.
        whole: whether x has whole numbers, such as epochs.
        size: width and height of the drawing.
    """
    width, height = size
    known = [point for point in points if not math.isnan(point[1])]
    xs = [x for x, _ in points] + [x for x, _, _ in band] or [0.0]
    ys = [y for _, y in known] + [y for _, *ends in band for y in ends] or [0.0]
    across, down = _ticks(min(xs), max(xs), whole), _ticks(min(ys), max(ys), False)
    x_of = _scale(min(xs), max(xs), LEFT, width - RIGHT)
    low, high = min(*ys, down[0]), max(*ys, down[-1])
    y_of = _scale(low, high, height - BOTTOM, TOP)
    upper = [(x_of(x), y_of(high)) for x, _, high in band]
    lower = [(x_of(x), y_of(low)) for x, low, _ in reversed(band)]
    return Chart(
        _path([(x_of(x), y_of(y)) for x, y in points]),
        [(round(x_of(x), 1), round(y_of(y), 1)) for x, y in known] if len(known) <= 40 else [],
        f"{_path([*upper, *lower])}Z" if band else "",
        [Tick(round(x_of(x), 1), _text(x)) for x in across if min(xs) <= x <= max(xs)],
        [Tick(round(y_of(y), 1), _text(y)) for y in down],
        name,
        width,
        height,
    )


def _ticks(low: float, high: float, whole: bool) -> list[float]:
    least = LEAST_SPAN * (max(abs(low), abs(high)) or 1)
    if not whole and high - low < least:
        low, high = (low + high - least) / 2, (low + high + least) / 2
    locator = MaxNLocator(4, steps=[1, 2, 5, 10], integer=whole, min_n_ticks=1)
    return [float(tick) for tick in locator.tick_values(low, high)]


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """From a number to a position; the middle where there is only one number."""
    if low == high:
        return lambda value: (start + end) / 2
    return lambda value: start + (end - start) * (value - low) / (high - low)


def _path(points: Sequence[Point]) -> str:
    """Straight lines through the points; a new line begins after each undefined one."""
    commands, pen = [], "M"
    for x, y in points:
        if math.isnan(y):
            pen = "M"
        else:
            commands.append(f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
    return "".join(commands)


def _text(value: float) -> str:
    """Few digits, no rounding errors, a true minus."""
    text = f"{value:.6g}" if abs(value) < 10_000 else f"{value:,.0f}"
    return text.replace("-", "\N{MINUS SIGN}")
