"""Fills the templates of the page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.colors import to_hex

from irislib.report.claims import Claim
from irislib.report.inputs import Inputs
from irislib.report.page.agents import agents_table
from irislib.report.page.comparison import about_agent, about_playing, comparison
from irislib.report.page.differences import differences
from irislib.report.page.explorer.explorer import explore
from irislib.report.page.glossary import Glossary
from irislib.report.page.result_tables import result_tables
from irislib.report.page.sentences import about_agreement, about_study, background, introduction, of_the_paper
from irislib.report.page.table.code_table import COLUMNS, FIRST_ROWS, tabulate
from irislib.report.page.together import show_groups
from irislib.report.page.worlds import worlds_table
from irislib.report.study.answers import answers
from irislib.report.study.worlds import Effect, by_world, effects
from irislib.report.style import BLUE, GREY, HEAT, INK, ORANGE, Illustration
from irislib.report.verdict.limits import Subject
from irislib.report.verdict.phrases import Block
from irislib.report.verdict.result import Evidence
from irislib.report.verdict.verdict import HOW, verdict

FOLDER = Path(__file__).parent
PAGE = "templates/page.html.j2"
INCLUDED = (
    *("templates/codes.html.j2", "templates/together.html.j2", "templates/tokens.html.j2"),
    *("templates/verdict.html.j2", "templates/figure.html.j2"),
)
STYLES = (
    *("templates/styles/page.css", "templates/styles/table.css", "templates/styles/explorer.css"),
    *("templates/styles/figures.css", "templates/styles/surroundings.css", "templates/styles/print.css"),
)
# Each can use those before it. They share one block, so that nothing of them is global.
SCRIPTS = (
    "templates/scripts/figures.js",  # this and the next listen before the table speaks
    "templates/scripts/figure_box.js",
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
    "templates/scripts/verdict.js",
)
SECTIONS = ("agent", "baselines", "power", "study", "worlds")  # that the verdict leads to, besides figures
PARTS = {
    "verdict": "The answer",
    "paper": "The paper",
    "study": "The study",
    "codes": "The codes",
    "tokens": "Frames",
    "figures": "Figures",
    "tests": "Tests",
    "agent": "The agent",
    "differences": "Differences",
}  # of the page, as the navigation calls them
COLOURS = {
    "ink": INK,
    "grey": GREY,
    "blue": to_hex(BLUE),
    "orange": to_hex(ORANGE),
    "heat": f"#{bytes(HEAT).hex()}",
}


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


def render_page(inputs: Inputs, claims: Iterable[Claim], plates: Iterable[Plate] = ()) -> bytes:
    """The page as HTML in UTF-8."""
    found = by_world(inputs.study, inputs.worlds)
    elsewhere = effects(found)
    plates, files = list(plates), (PAGE, *INCLUDED, *STYLES, *SCRIPTS)
    texts = {name: (FOLDER / name).read_text(encoding="utf-8") for name in files}
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=DictLoader(texts),
    )
    glossary = Glossary(inputs.glossary)
    environment.filters["explained"] = glossary.mark
    page = environment.get_template(PAGE).render(
        style=Markup("\n".join(texts[name] for name in STYLES)),
        script=Markup("{\n" + "\n".join(texts[name] for name in SCRIPTS) + "}"),
        colours=COLOURS,
        verdict=_verdict(inputs, elsewhere),
        how=HOW,
        glossary=glossary,
        parts=PARTS,
        sections={*SECTIONS, *(plate.name for plate in plates)},
        introduction=introduction(inputs),
        background=background(),
        of_the_paper=of_the_paper(inputs),
        differences=differences(inputs),
        claims=list(claims),
        tables=result_tables(inputs),
        about_agreement=about_agreement(inputs),
        study_words=about_study(inputs.study.world),
        questions=answers(inputs.study),
        worlds=worlds_table(found, elsewhere),
        agents=agents_table(inputs.agents),
        comparison=comparison(inputs),
        about_playing=about_playing(inputs),
        about_agent=about_agent(inputs),
        illustrations=plates,
        codes=tabulate(inputs),
        columns=COLUMNS,
        first_rows=FIRST_ROWS,
        explorer=explore(inputs),
        together=show_groups(inputs),
    )
    return page.encode()


def _verdict(inputs: Inputs, elsewhere: Sequence[Effect]) -> list[Block]:
    evidence = Evidence(inputs.metric, inputs.codes, inputs.labels, inputs.baselines)
    tables = (inputs.power, inputs.attributions, inputs.study)
    subject = Subject(inputs.scripted, inputs.foreign_tokenizer is not None, inputs.untrained)
    return verdict(evidence, *tables, elsewhere, subject)
