"""The style of all figures: size, colours for colour-blind readers, fonts, and marks that can be picked."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import matplotlib.style
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# The palette of Okabe and Ito from seaborn, without the brown and the grey that seaborn adds.
PALETTE = [tuple(colour) for i, colour in enumerate(sns.color_palette("colorblind", 10)) if i not in (5, 7)]
BLUE, ORANGE = PALETTE[0], PALETTE[1]
# Heatmaps over frames are magenta: games seldom use it, and it is visible on light and on dark ground.
HEAT = (255, 0, 200)
INK, GREY, PALE = "#222222", "#8a8a8a", "#d9d9d9"
PAPER = "#ffffff"

WIDTH = 5.5  # inches: the width of the text of a paper, so that every letter keeps its size in print
TEXT, SMALL, TITLE = 8.0, 7.2, 10.0  # points; nothing may be smaller than 7
TITLE_GID, GROUND_GID = "title", "ground"  # what the page leaves out: it has its own

_SETTINGS = {
    **sns.axes_style("ticks"),
    "font.family": "DejaVu Sans",  # matplotlib brings this font along
    "font.size": TEXT,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.labelsize": TEXT,
    "axes.titlesize": TEXT,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.facecolor": "none",
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "legend.title_fontsize": SMALL,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
    "figure.titlesize": TITLE,
    "figure.titleweight": "bold",
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud, and takes the reader's colours
    "svg.hashsalt": "irislib",  # names inside an SVG file are the same every time
    "pdf.fonttype": 42,
}


@dataclass(frozen=True)
class Choice:
    """Codes that a click on a word of a figure shows in the table, and why these."""

    codes: tuple[int, ...]
    why: str


@dataclass(frozen=True)
class Illustration:
    """A figure and its text on the page.

    Attributes:
        name: name of its files; also the name of the function and of its module.
        heading: heading of the section.
        caption: says what the figure shows; its numbers come from the metrics.
        figure: the matplotlib figure.
        note: how to read the figure, if the caption is not enough.
        names: what each mark is, by the key that `mark` gave it: the text that is shown on the page.
        choices: what a click on a word chooses, by the key that `mark` gave to the word.
        empty: whether there is nothing to draw, so that the page needs no picture.
    """

    name: str
    heading: str
    caption: str
    figure: Figure
    note: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Choice] = field(default_factory=dict)
    empty: bool = False

    @property
    def title(self) -> str:
        """The result, as it stands above the figure."""
        return " ".join(self.figure.get_suptitle().split())


@contextmanager
def publication() -> Iterator[None]:
    """Applies the style and ignores the user's own settings; figures are drawn and saved inside."""
    with matplotlib.style.context(_SETTINGS, after_reset=True):
        yield


def new_figure(height: float, title: str, layout: str | None = "constrained") -> Figure:
    """A figure of `WIDTH` by `height` inches with a bold, left-aligned, wrapped title: its result."""
    figure = Figure(figsize=(WIDTH, height), layout=layout)  # type: ignore[arg-type]
    figure.patch.set_gid(GROUND_GID)
    letters = int(WIDTH * 72 / (TITLE * 0.62))
    # A layout engine places the title itself.
    place = {} if layout else {"y": 1 - 0.1 / height}
    figure.suptitle(textwrap.fill(title, letters), x=0.012, ha="left", gid=TITLE_GID, **place)
    return figure


def nothing_to_show(name: str, heading: str, title: str, reason: str) -> Illustration:
    """The empty form of a figure: panel and caption give the reason why there is nothing to draw."""
    figure = new_figure(1.4, title)
    axes = figure.subplots()
    axes.set_axis_off()
    letters = int(WIDTH * 72 / 5.5)
    axes.text(0.5, 0.5, textwrap.fill(reason, letters), ha="center", va="center", color=GREY, fontsize=TEXT)
    return Illustration(name, heading, reason, figure, empty=True)


def mark(
    artist: Artist, kind: Literal["code", "arm", "choice"], keys: Iterable[Any], part: bool = False
) -> None:
    """Says which code or arm each mark of an artist stands for, so that the page can show and pick it.

    Args:
        artist: draws one mark for each key, in their order: a scatter, a text, a bar, lines.
        kind: a code is linked to its view; an arm is shown beside itself in other figures; a choice is a
            word that chooses codes.
        keys: numbers of codes, names of arms, or keys of `Illustration.choices`.
        part: whether the mark only belongs to another one, such as an interval to its value: it is dimmed
            with the other one, and not linked.
    """
    artist.set_gid(f"{kind}{'-part' if part else ''}:{' '.join(map(str, keys))}")


def bare(axes: Axes) -> None:
    """Removes ticks and frame from axes that show an image."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
