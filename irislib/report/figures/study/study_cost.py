"""Figure: what the codes of each arm cost, and what they depend on."""

from irislib.report.figures.study.study_meaning import NOTHING
from irislib.report.inputs import Inputs
from irislib.report.study.forest import Panel, draw_forest
from irislib.report.study.results import StudyResults
from irislib.report.style import Illustration, nothing_to_show

HEADING = "What the codes cost, and what they depend on"
PANELS = (
    Panel("psnr_db", "PSNR, dB", share=False),
    Panel("bits_per_frame", "bits a frame", chance="entropy_bits_per_frame", share=False),
    Panel("locality", "tokens that stay", chance="locality_chance"),
    Panel("receptive_field", "pixels seen around", chance="receptive_field_limit", share=False),
    Panel("empty_share", "empty Grad-CAM maps"),
)


def study_cost(inputs: Inputs) -> Illustration:
    """Reconstruction, bits, locality and empty maps, for each arm."""
    return draw(inputs.study)


def draw(results: StudyResults) -> Illustration:
    """The same from the table study.csv."""
    if not results:
        return nothing_to_show(
            "study_cost", HEADING, "The study was not run: what codes cost is not known", NOTHING
        )
    caption = (
        "PSNR: how well held-out frames are reconstructed, over the pixels that belong to tokens. Bits a "
        "frame: tokens times the logarithm of the number of codes; grey: their entropy. Arms of unequal "
        "bits should not be compared by PSNR or purity alone. Tokens that stay: a token's own patch is "
        "kept and everything else is taken from another episode; grey: how often two random frames agree "
        "there. Pixels seen around: how far around its patch the frame must stay so that 95% of the "
        "tokens do; grey: the most that the encoder can see. Empty Grad-CAM maps: share among occurrences "
        "of codes."
    )
    figure = draw_forest(results, "What the codes of each arm cost, and what they depend on", PANELS)
    return Illustration("study_cost", HEADING, caption, figure)
