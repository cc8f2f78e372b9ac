"""Writes a figure as PNG, SVG and PDF: equal figures have equal bytes."""

import io
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
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
    _lay_out(figure)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=dpi)
    with Image.open(data) as picture:
        few_colours(picture).save(pixels / f"{drawn.name}.png", "PNG", optimize=True)
    dateless = {"CreationDate": None, "Creator": None, "Producer": None}
    figure.savefig(vector / f"{drawn.name}.pdf", format="pdf", metadata=dateless)
    data = io.BytesIO()
    figure.savefig(data, format="svg", metadata={"Date": None, "Creator": None})
    (vector / f"{drawn.name}.svg").write_bytes(for_file(data.getvalue(), drawn.name))
    return "" if drawn.empty else for_page(data.getvalue(), drawn, _below_title(figure))


def _lay_out(figure: Figure) -> None:
    """Lays a figure out once for all formats."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        # The last digits of the solver's result change from one run to the next.
        ends = [round(end, 5) for end in axes.get_position(original=True).bounds]
        axes.set_position(Bbox.from_bounds(*ends))


def _below_title(figure: Figure) -> float:
    """How far below the upper edge of the figure its title ends, in points."""
    title = figure._suptitle  # type: ignore[attr-defined]
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    low = title.get_window_extent(renderer).y0
    return float(72 * (figure.get_figheight() - low / figure.dpi))
