"""All figures of the report, in the order of the page. To add one: write its file, and list it here."""

from collections.abc import Callable
from typing import Literal

from irislib.report.figures.agent.achievements import achievements
from irislib.report.figures.agent.codebook_usage import codebook_usage
from irislib.report.figures.agent.reconstructions import reconstructions
from irislib.report.figures.agent.training import training
from irislib.report.figures.codes.code_label import code_label
from irislib.report.figures.codes.consistency import consistency
from irislib.report.figures.codes.cooccurrence import cooccurrence
from irislib.report.figures.codes.embedders import embedders
from irislib.report.figures.codes.tsne import tsne
from irislib.report.figures.maps.attributions import attributions
from irislib.report.figures.maps.empty_share import empty_share
from irislib.report.figures.maps.gallery import gallery
from irislib.report.figures.maps.sensitivity import sensitivity
from irislib.report.figures.study.study_agents import study_agents
from irislib.report.figures.study.study_cost import study_cost
from irislib.report.figures.study.study_meaning import study_meaning
from irislib.report.figures.study.study_reading import study_reading
from irislib.report.figures.study.study_training import study_training
from irislib.report.inputs import Inputs
from irislib.report.style import Illustration

Part = Literal["study", "codes", "maps", "agent"]

# The part of the page, and the function that draws the figure.
FIGURES: tuple[tuple[Part, Callable[[Inputs], Illustration]], ...] = (
    ("study", study_meaning),
    ("study", study_cost),
    ("study", study_reading),
    ("study", study_training),
    ("study", study_agents),
    ("codes", consistency),
    ("codes", embedders),
    ("codes", code_label),
    ("codes", tsne),
    ("codes", cooccurrence),
    ("maps", empty_share),
    ("maps", sensitivity),
    ("maps", attributions),
    ("maps", gallery),
    ("agent", achievements),
    ("agent", codebook_usage),
    ("agent", reconstructions),
    ("agent", training),
)
