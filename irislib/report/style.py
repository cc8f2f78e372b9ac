"""The style that all figures share: colours for colour-blind readers, fonts, and reproducible PNG files."""

import io
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from irislib.report.palette import few_colours

# The palette of Okabe and Ito from seaborn, without the brown and the grey that seaborn adds.
PALETTE = [tuple(colour) for i, colour in enumerate(sns.color_palette("colorblind", 10)) if i not in (5, 7)]
BLUE, ORANGE = PALETTE[0], PALETTE[1]
# Heatmaps over frames are magenta: games seldom use it, and it is visible on light and on dark ground.
HEAT = (255, 0, 200)
INK, GREY, PALE = "#222222", "#8a8a8a", "#d9d9d9"

TITLE_POINTS = 12.5

_SETTINGS = {
    **sns.axes_style("ticks"),
    "font.family": "DejaVu Sans",  # matplotlib brings this font along
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.labelsize": 9.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.titlesize": TITLE_POINTS,
    "figure.titleweight": "bold",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@dataclass(frozen=True)
class Illustration:
    """A figure and its text on the page.

    Attributes:
        name: file name without ".png"; also the name of the function and of its module.
        heading: heading of the section.
        caption: says what the figure shows; its numbers come from the metrics.
        figure: the matplotlib figure.
        note: how to read the figure, if the caption is not enough.
    """

    name: str
    heading: str
    caption: str
    figure: Figure
    note: str = ""


@contextmanager
def publication() -> Iterator[None]:
    """Applies the style and ignores the user's own settings; figures are drawn and saved inside."""
    with matplotlib.style.context(_SETTINGS, after_reset=True):
        yield


def new_figure(width: float, height: float, title: str, layout: str | None = "constrained") -> Figure:
    """A figure of `width` by `height` inches with a bold, left-aligned, wrapped title."""
    figure = Figure(figsize=(width, height), layout=layout)  # type: ignore[arg-type]
    letters = int(width * 72 / (TITLE_POINTS * 0.6))
    # A layout engine places the title itself.
    place = {} if layout else {"y": 1 - 0.15 / height}
    figure.suptitle(textwrap.fill(title, letters), x=0.012, ha="left", **place)
    return figure


def nothing_to_show(name: str, heading: str, title: str, reason: str) -> Illustration:
    """The empty form of a figure: panel and caption give the reason why there is nothing to draw."""
    width = 7.5
    figure = new_figure(width, 2.2, title)
    axes = figure.subplots()
    axes.set_axis_off()
    letters = int(width * 72 / 6.5)
    axes.text(0.5, 0.5, textwrap.fill(reason, letters), ha="center", va="center", color=GREY, fontsize=11)
    return Illustration(name, heading, reason, figure)


def bare(axes: Axes) -> None:
    """Removes ticks and frame from axes that show an image."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


def save(figure: Figure, path: Path, dpi: int) -> None:
    """Writes a PNG file of at most 256 colours, without a date: equal figures have equal bytes."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=dpi)
    with Image.open(data) as drawn:
        few_colours(drawn).save(path, "PNG", optimize=True)
