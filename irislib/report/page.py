"""The page: headline, claims, the agent, figures; one file that loads nothing but the figures beside it."""

from pathlib import Path

from jinja2 import Environment, StrictUndefined

from irislib.report.claims import Claim
from irislib.report.evaluation import about_parts, about_playing, about_published, comparison
from irislib.report.inputs import Inputs
from irislib.report.style import Illustration

TEMPLATE = Path(__file__).with_name("page.html.j2")

_WEIGHTS = {
    "imagenet": "Crops were embedded by a ResNet50 with its ImageNet weights, as in the paper.",
    "random": "Crops were embedded by a ResNet50 with random weights, which needs no download; the paper "
    "used its ImageNet weights, so similarities here compare colours and textures rather than objects.",
}


def render_page(inputs: Inputs, claims: list[Claim], illustrations: list[Illustration]) -> bytes:
    """The page as HTML, UTF-8. Figures are expected in ``figures/<name>.png`` beside it."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    attrs = inputs.embeddings.attrs
    weights = _WEIGHTS.get(attrs["weights"], f"Crops were embedded by “{attrs['weights']}”.")
    return template.render(
        headline=_headline(inputs),
        setting=_setting(inputs),
        weights=f"{weights} Each crop was resized to {attrs['size']} pixels.",
        claims=claims,
        comparison=comparison(inputs),
        about_playing=about_playing(inputs),
        about_published=about_published(inputs),
        about_parts=about_parts(inputs),
        illustrations=illustrations,
    ).encode()


def _headline(inputs: Inputs) -> list[str]:
    sentences = [
        "{empty_share.present_pairs:%} of the maps of codes present in an observation are empty, "
        "{empty_share.all_codes_all_steps:%} over all codes and observations. The paper says 90%, and not of "
        "what.",
        "{consistency.codes_consistent} of {consistency.codes_tested:tested code} show crops that are more "
        "alike than random crops of the same sizes, {consistency.codes_consistent_beyond_place} of them also "
        "more alike than what stands in the same places elsewhen. The paper says almost none.",
        "{cooccurrence.pairs_meaningful} of {cooccurrence.pairs_tested:pair} often seen together join "
        "consistent codes that meet by more than chance; they cover "
        "{cooccurrence.observations_covered_meaningful:%} of the observations. The paper says about 0.1%.",
    ]
    if inputs.metric("semantics.nmi") is not None:
        sentences.append(
            "Code and ground truth share a normalised mutual information of {semantics.nmi}, against "
            "{semantics.nmi_null} by chance and {semantics.nmi_place} by the maps' places alone. The "
            "paper had no ground truth."
        )
    return [inputs.say(sentence) for sentence in sentences]


def _setting(inputs: Inputs) -> str:
    return inputs.say(
        "The agent here was trained on {agent.training_steps:environment step} and analysed over "
        "{agent.episodes:episode} with a mean return of {agent.return_mean} and a mean length of "
        "{agent.length_mean:step}; the paper analysed 714 episodes of 178.5 steps on average. How well an "
        "agent plays decides what its codes get to see."
    )
