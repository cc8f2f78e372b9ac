"""Writes a figure as PNG, SVG and PDF: equal figures have equal bytes."""

import io
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from irislib.report.figures.svg import for_file, for_page
from irislib.report.palette import few_colours
from irislib.report.style import Illustration


def save(drawn: Illustration, pixels: Path, vector: Path, dpi: int) -> str:
    """Writes ``pixels/NAME.png``, ``vector/NAME.svg`` and ``vector/NAME.pdf``.

    Args:
        drawn: the figure and its texts.
        pixels: folder of the PNG file, of at most 256 colours.
        vector: folder of the others.
        dpi: resolution of the PNG file, pixels per inch.

    Returns:
        the figure as an SVG element for the page, without its title; empty if there is nothing to draw.
    """
    figure = drawn.figure
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=dpi)
    with Image.open(data) as picture:
        few_colours(picture).save(pixels / f"{drawn.name}.png", "PNG", optimize=True)
    # What was laid out once stays there, in every format.
    figure.set_layout_engine("none")
    dateless = {"CreationDate": None, "Creator": None, "Producer": None}
    figure.savefig(vector / f"{drawn.name}.pdf", format="pdf", metadata=dateless)
    data = io.BytesIO()
    figure.savefig(data, format="svg", metadata={"Date": None, "Creator": None})
    (vector / f"{drawn.name}.svg").write_bytes(for_file(data.getvalue(), drawn.name))
    return "" if drawn.empty else for_page(data.getvalue(), drawn, _below_title(figure))


def _below_title(figure: Figure) -> float:
    """How far below the upper edge of the figure its title ends, in points."""
    title = figure._suptitle  # type: ignore[attr-defined]
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    low = title.get_window_extent(renderer).y0
    return float(72 * (figure.get_figheight() - low / figure.dpi))
