"""Figure: what the codes of each arm mean."""

from irislib.report.inputs import Inputs
from irislib.report.study.arm_words import arm_name
from irislib.report.study.forest import Panel, describe_arms, draw_forest
from irislib.report.study.results import StudyResults
from irislib.report.style import Illustration, nothing_to_show
from irislib.report.wording import percent

HEADING = "What the codes of each arm mean"
NOTHING = "The study was not run. The command make study runs it."
PANELS = (
    Panel("recall"),
    Panel("purity", chance="purity_base"),
    Panel("nmi_beyond_place"),
    Panel("share_consistent_beyond_place", chance="consistency.pixels.share_by_chance"),
)


def study_meaning(inputs: Inputs) -> Illustration:
    """Recall, purity, agreement beyond place, and consistency of the codes, for each arm."""
    return draw(inputs.study)


def draw(results: StudyResults) -> Illustration:
    """The same from the table study.csv."""
    if not results:
        return nothing_to_show(
            "study_meaning", HEADING, "The study was not run: what codes mean is not known", NOTHING
        )
    caption = (
        "Measured on held-out episodes, on the world alone, while the player is awake. Points are means over "
        "seeds, lines 95% intervals. Recall: the share of a label's tokens that their codes predict, "
        "averaged over the labels; a code predicts the label that it has most often in other episodes. "
        "Purity: the share of the tokens that have the most frequent label of their code; grey: if all had "
        "the same code. NMI beyond place: the normalised mutual information of code and label, minus what "
        "the same places give in other episodes. Consistent codes: the share of the tested codes whose "
        "patches are more alike than the same places in other episodes; grey: by chance."
    )
    note = (
        "The pale vertical line is the reference arm. Lines divide arms that vary different things. A point "
        "without a line has too few seeds for an interval."
    )
    figure = draw_forest(results, _title(results), PANELS)
    names = describe_arms(results, PANELS)
    return Illustration("study_meaning", HEADING, caption, figure, note, names)


def _title(results: StudyResults) -> str:
    """The learned arm with the largest recall, beside the reference."""
    recall = {arm: results.mean(arm, "recall") for arm in results.arms}
    learned = [arm for arm in results.arms if recall[arm].known and results.varies(arm) != "no_learning"]
    if not learned or not recall[results.reference].known:
        return HEADING
    best = max(learned, key=lambda arm: recall[arm].value)
    name, own = arm_name(results.reference), percent(recall[results.reference].value)
    said = f"The codes of {name} predict {own} of the tokens of a label"
    if best == results.reference:
        return f"{said}; those of no other arm predict more"
    return f"{said}, those of the best trained arm {percent(recall[best].value)}: {arm_name(best)}"
