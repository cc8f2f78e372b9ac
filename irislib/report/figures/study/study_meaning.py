"""Figure: what the codes of each arm mean."""

from irislib.report.inputs import Inputs
from irislib.report.study.forest import Panel, draw_forest
from irislib.report.study.results import StudyResults
from irislib.report.style import Illustration, nothing_to_show
from irislib.report.wording import many

HEADING = "What the codes of each arm mean"
NOTHING = "The study was not run; make study runs it."
PANELS = (
    Panel("recall", "recall, mean over labels"),
    Panel("purity", "purity", chance="purity_base"),
    Panel("nmi_beyond_place", "NMI beyond place"),
    Panel("share_consistent_beyond_place", "codes consistent", chance="consistency.pixels.share_by_chance"),
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
    title = f"What the codes of {many(len(results.arms), 'arm')} mean"
    caption = (
        "On held-out episodes, the world alone, while the player is awake; means over seeds, with 95% "
        "intervals. Recall: the share of a label's tokens that the commonest label of their code, learned "
        "on other episodes, predicts right, averaged over the labels. Purity: the share of tokens whose "
        "label is the commonest one of their code; grey: the share of the commonest label of all. NMI "
        "beyond place: the normalised mutual information of code and label, minus what the same places "
        "give in other episodes. Codes consistent: the share of the tested codes whose patches are more "
        "alike than the same places in other episodes; grey: by chance."
    )
    note = "The pale vertical line is the reference arm. Lines divide arms that vary different things."
    return Illustration("study_meaning", HEADING, caption, draw_forest(results, title, PANELS), note)
