"""Figure: what the codes of each arm cost, and what they depend on."""

from irislib.report.figures.study.study_meaning import NOTHING
from irislib.report.inputs import Inputs
from irislib.report.study.arm_words import arm_name
from irislib.report.study.forest import Panel, describe_arms, draw_forest
from irislib.report.study.results import StudyResults
from irislib.report.style import Illustration, nothing_to_show
from irislib.report.wording import many, number, percent

HEADING = "What the codes cost, and what they depend on"
OWN_PATCH = 0.99  # tokens that stay where a token depends on its own patch alone
PANELS = (
    Panel("psnr_db", share=False),
    Panel("bits_per_frame", chance="entropy_bits_per_frame", share=False),
    Panel("locality", chance="locality_chance"),
    Panel("receptive_field", chance="receptive_field_limit", share=False),
    Panel("empty_share"),
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
        "there. Pixels seen: how far around its patch the frame must stay so that 95% of the tokens stay; "
        "grey: the most that the encoder can see. Empty maps: the share of the Grad-CAM maps that have no "
        "positive value."
    )
    figure = draw_forest(results, _title(results), PANELS)
    names = describe_arms(results, PANELS)
    return Illustration("study_cost", HEADING, caption, figure, names=names)


def _title(results: StudyResults) -> str:
    """How far tokens of the reference depend on the rest of the frame, and how many arms' do not."""
    stay = {arm: results.mean(arm, "locality") for arm in results.arms}
    known = [arm for arm in results.arms if stay[arm].known]
    if results.reference not in known:
        return HEADING
    alone = sum(stay[arm].value >= OWN_PATCH for arm in known)
    return (
        f"{percent(stay[results.reference].value)} of the tokens of {arm_name(results.reference)} stay when "
        f"the rest of the frame changes; in {number(alone)} of {many(len(known), 'arm')} nearly all do"
    )
