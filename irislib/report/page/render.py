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
from irislib.report.page.code_table import COLUMNS, STATES, CodeTable
from irislib.report.page.comparison import about_agent, about_playing, comparison
from irislib.report.page.differences import differences
from irislib.report.page.result_tables import result_tables
from irislib.report.page.sentences import introduction, of_the_paper
from irislib.report.page.together import Together
from irislib.report.study.answers import answers
from irislib.report.style import BLUE, GREY, INK, ORANGE, Illustration

FOLDER = Path(__file__).parent
PAGE = "templates/page.html.j2"
INCLUDED = ("templates/codes.html.j2", "templates/together.html.j2", "templates/figure.html.j2")
STYLES = ("templates/page.css", "templates/figures.css")
SCRIPTS = (
    "templates/figures.js",  # listens before the table speaks
    "templates/figure_box.js",
    "templates/page.js",
)
COLOURS = {"ink": INK, "grey": GREY, "blue": to_hex(BLUE), "orange": to_hex(ORANGE)}


@dataclass(frozen=True)
class Plate:
    """A figure as the page shows it; see `Illustration`.

    Attributes:
        part: the part of the page.
        title: the result.
        svg: the figure as an element; empty if there is nothing to draw.
        picks: whether the reader can pick codes or arms in it.
    """

    part: str
    name: str
    heading: str
    title: str
    caption: str
    note: str
    svg: Markup
    picks: bool

    @classmethod
    def of(cls, part: str, drawn: Illustration, svg: str) -> "Plate":
        """From the text of a figure and the SVG element that was made of it."""
        texts = (part, drawn.name, drawn.heading, drawn.title, drawn.caption, drawn.note)
        return cls(*texts, Markup(svg), picks=" data-" in svg)


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
        script=Markup("\n".join(texts[name] for name in SCRIPTS)),
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
        states=STATES,
        together=together,
    )
    return page.encode()
