"""The page: headline, claims, every code, figures; one file that loads nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.colors import to_hex

from irislib.report.claims import Claim
from irislib.report.codes import COLUMNS, STATES, CodeTable
from irislib.report.evaluation import about_parts, about_playing, about_published, comparison
from irislib.report.inputs import Inputs
from irislib.report.sprites import Embedded, embed_file
from irislib.report.style import BLUE, GREY, INK, ORANGE, Illustration
from irislib.report.together import Together
from irislib.report.wording import number

FOLDER = Path(__file__).parent
TEMPLATES = ("page.html.j2", "codes.html.j2", "together.html.j2")
STYLE, SCRIPT = "page.css", "page.js"
COLOURS = {"ink": INK, "grey": GREY, "blue": to_hex(BLUE), "orange": to_hex(ORANGE)}

_WEIGHTS = {
    "imagenet": "Crops were embedded by a ResNet50 with its ImageNet weights, as in the paper.",
    "cells": "Crops were embedded by a narrow ResNet50 that learned from scratch what Crafter draws, so that "
    "nothing need be downloaded; the paper used the weights of ImageNet. In worlds that it had not learned "
    "from it names {embedder.play.accuracy:%} of the cells that random play shows "
    "({embedder.play.world_in_the_dark:%} of those in the dark), and {embedder.staged.accuracy:%} in scenes "
    "staged to show rare things.",
    "random": "Crops were embedded by a narrow ResNet50 with random weights, a control: similarities here "
    "compare colours and textures rather than objects. The paper used the weights of ImageNet.",
}


@dataclass(frozen=True)
class Plate:
    """A figure as the page has it; see `Illustration`."""

    name: str
    heading: str
    caption: str
    note: str
    image: Embedded

    @classmethod
    def of(cls, drawn: Illustration, file: Path) -> "Plate":
        """From the figure's words and the PNG that was made of it."""
        return cls(drawn.name, drawn.heading, drawn.caption, drawn.note, embed_file(file))


def render_page(
    inputs: Inputs, claims: Iterable[Claim], plates: Iterable[Plate], codes: CodeTable, together: Together
) -> bytes:
    """The page as HTML, UTF-8."""
    texts = {name: (FOLDER / name).read_text(encoding="utf-8") for name in (*TEMPLATES, STYLE, SCRIPT)}
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=DictLoader(texts),
    )
    attrs = inputs.embeddings.attrs
    weights = inputs.say(_WEIGHTS[attrs["weights"]])
    return (
        environment.get_template(TEMPLATES[0])
        .render(
            style=Markup(texts[STYLE]),
            script=Markup(texts[SCRIPT]),
            colours=COLOURS,
            headline=_headline(inputs),
            setting=_setting(inputs),
            weights=f"{weights} Each crop was resized to {attrs['size']} pixels.",
            claims=list(claims),
            comparison=comparison(inputs),
            about_playing=about_playing(inputs),
            about_published=about_published(inputs),
            about_parts=about_parts(inputs),
            illustrations=list(plates),
            codes=codes,
            columns=COLUMNS,
            states=STATES,
            alpha=number(inputs.metric("consistency.alpha")),
            together=together,
        )
        .encode()
    )


def _headline(inputs: Inputs) -> list[str]:
    sentences = [
        "{empty_share.present_pairs:%} of the maps of codes present in an observation are empty, and "
        "{empty_share.all_codes_all_steps:%} if every code counts in every observation. The paper says 90%, "
        "and not of what.",
        "{consistency.codes_consistent:of consistency.codes_tested tested code} passed the test of having "
        "crops more alike than random crops of the same sizes. The paper says almost none.",
        "{cooccurrence.pairs_meaningful:of cooccurrence.pairs_tested pair} of codes often seen together "
        "passed as meaningful: two consistent codes that meet by more than chance. The paper says that "
        "interpretable ones cover about 0.1% of the observations.",
    ]
    if inputs.metric("consistency.median_difference") is not None:
        sentences[1] += " The median difference in mean cosine is {consistency.median_difference}."
    if inputs.metric("consistency.codes_consistent"):
        sentences[1] += (
            " Of those that passed, {consistency.codes_consistent_beyond_place} did so against other codes' "
            "crops from the same places too."
        )
    if inputs.metric("cooccurrence.pairs_meaningful"):
        sentences[2] += " These cover {cooccurrence.observations_covered_meaningful:%}."
    if inputs.metric("semantics.nmi") is not None:
        sentences.append(
            "Code and ground truth share a normalised mutual information of {semantics.nmi}, against "
            "{semantics.nmi_null} by chance and {semantics.nmi_place} by the maps' places alone; "
            "{semantics.codes_named:code} passed the test of showing more of one label than their places "
            "hold in other episodes. The paper had no ground truth."
        )
    return [inputs.say(sentence) for sentence in sentences]


def _setting(inputs: Inputs) -> str:
    return inputs.say(
        "The agent here was trained on {agent.training_steps:environment step} and analysed over "
        "{agent.episodes:episode} with a mean return of {agent.return_mean} and a mean length of "
        "{agent.length_mean:step}; the paper analysed 714 episodes of 178.5 steps on average. How well an "
        "agent plays decides what its codes get to see."
    )
