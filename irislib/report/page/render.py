"""Fills the templates of the page."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.colors import to_hex

from irislib.report.claims import Claim
from irislib.report.inputs import Inputs
from irislib.report.page.agents import agents_table
from irislib.report.page.answer import answer
from irislib.report.page.code_table import COLUMNS, FIRST_ROWS, CodeTable
from irislib.report.page.comparison import about_agent, about_playing, comparison
from irislib.report.page.differences import differences
from irislib.report.page.explorer.explorer import explore
from irislib.report.page.result_tables import result_tables
from irislib.report.page.sentences import introduction, of_the_paper
from irislib.report.page.sprites import Embedded, embed_file
from irislib.report.page.together import Together
from irislib.report.study.answers import answers
from irislib.report.style import BLUE, GREY, HEAT, INK, ORANGE, Illustration

FOLDER = Path(__file__).parent
PAGE = "templates/page.html.j2"
INCLUDED = ("templates/codes.html.j2", "templates/together.html.j2", "templates/tokens.html.j2")
STYLES = ("templates/page.css", "templates/table.css", "templates/explorer.css")
# Each can use those before it. They share one block, so that nothing of them is global.
SCRIPTS = (
    "templates/scripts/dom.js",
    "templates/scripts/url_state.js",
    "templates/scripts/code_search.js",
    "templates/scripts/facets.js",
    "templates/scripts/table.js",
    "templates/scripts/download.js",
    "templates/scripts/explorer_data.js",
    "templates/scripts/maps.js",
    "templates/scripts/charts.js",
    "templates/scripts/code_panels.js",
    "templates/scripts/code_view.js",
    "templates/scripts/inspector.js",
)
COLOURS = {
    "ink": INK,
    "grey": GREY,
    "blue": to_hex(BLUE),
    "orange": to_hex(ORANGE),
    "heat": f"#{bytes(HEAT).hex()}",
}


@dataclass(frozen=True)
class Plate:
    """A figure as the page shows it; see `Illustration`. `part` is the part of the page."""

    part: str
    name: str
    heading: str
    caption: str
    note: str
    image: Embedded

    @classmethod
    def of(cls, part: str, drawn: Illustration, file: Path) -> "Plate":
        """From the text of a figure and the PNG file that was made of it."""
        return cls(part, drawn.name, drawn.heading, drawn.caption, drawn.note, embed_file(file))


def render_page(
    inputs: Inputs, claims: Iterable[Claim], plates: Iterable[Plate], codes: CodeTable, together: Together
) -> bytes:
    """The page as HTML in UTF-8."""
    texts = {
        name: (FOLDER / name).read_text(encoding="utf-8") for name in (PAGE, *INCLUDED, *STYLES, *SCRIPTS)
    }
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=DictLoader(texts),
    )
    page = environment.get_template(PAGE).render(
        style=Markup("\n".join(texts[name] for name in STYLES)),
        script=Markup("{\n" + "\n".join(texts[name] for name in SCRIPTS) + "}"),
        colours=COLOURS,
        answer=answer(inputs),
        introduction=introduction(inputs),
        of_the_paper=of_the_paper(inputs),
        differences=differences(inputs),
        claims=list(claims),
        tables=result_tables(inputs),
        questions=answers(inputs.study),
        agents=agents_table(inputs.agents, inputs.world),
        comparison=comparison(inputs),
        about_playing=about_playing(inputs),
        about_agent=about_agent(inputs),
        illustrations=list(plates),
        codes=codes,
        columns=COLUMNS,
        first_rows=FIRST_ROWS,
        explorer=explore(inputs),
        together=together,
    )
    return page.encode()
