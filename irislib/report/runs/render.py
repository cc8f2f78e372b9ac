"""Fills a template of this folder: one HTML file that loads nothing, in the style of the report's page."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.colors import to_hex

from irislib.report.style import BLUE, GREY, INK, ORANGE
from irislib.report.wording import number, percent

FOLDER = Path(__file__).parent / "templates"
PAGE_STYLES = [
    Path(__file__).parents[1] / "page/templates/styles" / name for name in ("page.css", "surroundings.css")
]
COLOURS = {"ink": INK, "grey": GREY, "blue": to_hex(BLUE), "orange": to_hex(ORANGE)}


def render(template: str, *, script: str = "", **values: Any) -> bytes:
    """The page as HTML in UTF-8.

    Args:
        template: name of a file in the folder templates.
        script: name of its script, if it has one.
        values: what it shows.
    """
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FileSystemLoader(FOLDER),
    )
    files = (*PAGE_STYLES, FOLDER / "runs.css")
    styles = [file.read_text(encoding="utf-8") for file in files]
    page = environment.get_template(template).render(
        colours=COLOURS,
        style=Markup("\n".join(styles)),
        script=Markup((FOLDER / script).read_text(encoding="utf-8") if script else ""),
        number=number,
        percent=percent,
        **values,
    )
    return page.encode()
