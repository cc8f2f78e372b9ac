"""The verdict: its words follow the numbers, and its numbers are those of the tables."""

import math
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from madeup_study import ARMS, write_results
from madeup_tables import make_attributions, make_baselines, make_power
from scipy import stats

from irislib.report.findings import UNKNOWN, Measured, rivalry
from irislib.report.study.results import StudyResults
from irislib.report.study.worlds import Effect
from irislib.report.verdict.degree import Degree
from irislib.report.verdict.limits import (
    Subject,
    about_attribution,
    about_baselines,
    about_play,
    about_power,
    about_training,
)
from irislib.report.verdict.outlook import outlook, share
from irislib.report.verdict.phrases import Statement, plain
from irislib.report.verdict.result import Evidence, overall, result
from irislib.report.verdict.verdict import in_lines
from irislib.study.table import tabulate

CODES = 100
NOTHING = StudyResults(pd.DataFrame(columns=["arm", "varies"]))


def evidence(
    named: dict[str, int],
    consistent: int = 0,
    low: float | None = None,
    rival: float | None = None,
    tested: int = CODES,
) -> Evidence:
    """So many codes with each name, the first codes; the range of the number begins at `low`.

    Args:
        consistent: how many are consistent, the last codes.
        low: by default 0.9 of the count; `rival` is the number of each baseline, in a range as narrow.
        tested: how many codes could be tested.
    """
    names = [name for name, count in named.items() for _ in range(count)]
    codes = pd.DataFrame({"name": pd.Series(names, dtype=object), "consistent": False}, index=range(CODES))
    codes["consistent"] = codes.index >= CODES - consistent
    labels = pd.DataFrame(
        [(code, label, count) for code in range(CODES) for label, count in (("grass", 9), ("water", 1))],
        columns=["code", "label", "count"],
    ).assign(confirmed=0.0)
    labels.loc[labels["code"] >= tested, "confirmed"] = np.nan
    numbers: dict[str, float] = {}
    for key, count in (("names", len(names)), ("consistency", consistent)):
        start = 0.9 * count if low is None else low
        found = {"tested": tested, "selected": count, "confirmed": count, "low": start, "high": 1.1 * count}
        found |= {"confirmation": 1, "holds": count, "null": 0.2}
        numbers |= {f"{key}.{name}": value for name, value in found.items()}
    baselines = make_baselines(True)
    baselines = baselines[baselines["attribution"] == "position"].reset_index(drop=True)
    for key, count in (("names", len(names)), ("consistency", consistent)):
        ours = baselines["tokenizer"] == "agent"
        value = np.where(ours, count, 0 if rival is None else rival)
        for column, factor in (("confirmed", 1.0), ("low", 0.9), ("high", 1.1)):
            baselines[f"{key}_{column}"] = factor * value
    return Evidence(numbers.get, codes, labels, baselines[:0] if rival is None else baselines)


@pytest.mark.parametrize(
    ("planted", "expected"),
    [
        (evidence({}, tested=0), Degree.UNKNOWN),
        (evidence({}), Degree.NO),
        (evidence({"grass": 2}), Degree.MOSTLY_NO),
        (evidence({"grass": 9}), Degree.MOSTLY_NO),
        (evidence({"grass": 30}, low=0.1), Degree.MOSTLY_NO),  # some divisions confirm no more than chance
        (evidence({"grass": 10}), Degree.PARTLY),
        (evidence({"grass": 49}, rival=10), Degree.PARTLY),
        (evidence({"grass": 60}), Degree.PARTLY),  # no baseline to be better than
        (evidence({"grass": 60}, rival=60), Degree.PARTLY),  # a baseline is as good
        (evidence({"grass": 30, "water": 30}, rival=10), Degree.YES),
        (evidence({}, consistent=60, rival=10), Degree.YES),  # by the other test
        (evidence({"grass": 2}, consistent=20), Degree.PARTLY),
    ],
)
def test_the_word_follows_the_numbers(planted: Evidence, expected: Degree) -> None:
    assert overall(planted) == expected
    assert result(planted).heading == f"{expected.words}."


def test_the_words_are_in_order() -> None:
    assert [one.words.split(":")[0] for one in sorted(Degree)] == [
        "Not known", "No", "Mostly no", "Partly", "Yes",
    ]  # fmt: skip


def links(statement: Statement) -> dict[str, tuple[int, ...]]:
    return {phrase.text: phrase.codes for phrase in statement if phrase.codes}


def test_counts_lead_to_their_codes() -> None:
    names, consistent = result(evidence({"grass": 3, "water": 2}, consistent=4)).statements
    assert plain(names) == (
        "5 of 100 tested codes (5%, range 4.5% to 5.5%) show more of one thing than the same places at the "
        "same times in other episodes. 3 show grass and 2 show water."
    )
    assert links(names) == {"5 of 100 tested codes": (0, 1, 2, 3, 4), "3": (0, 1, 2), "2": (3, 4)}
    assert plain(consistent).startswith("4 of 100 tested codes (4%, range 3.6% to 4.4%) mark parts")
    assert links(consistent) == {"4 of 100 tested codes": (96, 97, 98, 99)}


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"grass": 1}, " (1%, range 0.9% to 1.1%) shows more of one thing than the same places"),
        ({"grass": 1}, ". It shows grass, the most frequent label; no code shows a rarer thing."),
        ({"grass": 2}, ". Both show grass, the most frequent label; no code shows a rarer thing."),
        ({"grass": 3}, ". All 3 show grass, the most frequent label"),
        ({"water": 1}, ". 1 shows water; none shows grass, the most frequent label."),
        ({"water": 4, "tree": 1}, ". 4 show water and 1 shows tree; none shows grass"),
        ({}, "None of 100 tested codes (0%, range 0%) shows more of one thing than the same places"),
    ],
)  # fmt: skip
def test_it_says_what_the_codes_show(named: dict[str, int], said: str) -> None:
    assert said in plain(result(evidence(named)).statements[0])


# The limits


@pytest.mark.parametrize(
    ("mean", "said"),
    [
        (1.5, "The agent is not shown to play better than random actions"),
        (2.9, "The agent plays better than random actions"),
        (0.6, "The agent plays worse than random actions"),
    ],
)
def test_the_agent_is_judged_beside_random_actions(mean: float, said: str) -> None:
    numbers = played(mean)
    low, high = stats.t(24, mean, 1.2 / 5).interval(0.95)
    text = plain(about_play(numbers.get, scripted=False))
    assert text.startswith(said)
    assert f"a mean return of {mean} ({low:.3g} to {high:.3g}); random actions have 1.3 (" in text
    assert text.endswith(" in 16 episodes.")
    assert "A scripted player played" in plain(about_play(numbers.get, scripted=True))
    alone = plain(about_play((numbers | {"agent.episodes": 1.0}).get, scripted=False))
    assert alone.startswith("How well the agent plays decides")
    assert f"the only recorded episode has a return of {mean}" in alone


@pytest.mark.parametrize(
    ("scripted", "foreign", "its"),
    [
        (False, False, "its codes and play are those of random weights."),
        (True, False, "its codes are those of random weights."),
        (False, True, "its play is that of random weights."),
        (True, True, None),
    ],
)
def test_what_an_untrained_agent_has_to_do_with_the_answer_is_said(
    scripted: bool, foreign: bool, its: str | None
) -> None:
    said = [plain(one) for one in about_training(Subject(scripted, foreign, untrained=True))]
    assert said == ([f"The agent was never trained: {its}"] if its else [])
    assert not about_training(Subject(scripted, foreign, untrained=False))


def test_returns_that_are_all_the_same_can_be_compared() -> None:
    constant = {"agent.return_std": 0.0, "evaluation.random.return_std": 0.0}
    same, more = ((played(mean) | constant).get for mean in (1.3, 1.4))
    assert plain(about_play(same, scripted=False)).startswith("The agent is not shown")
    assert plain(about_play(more, scripted=False)).startswith("The agent plays better")


def played(mean: float) -> dict[str, float]:
    numbers = {"agent.return_mean": mean, "agent.return_std": 1.2, "agent.episodes": 25.0}
    random = {"evaluation.random.return_mean": 1.3, "evaluation.random.return_std": 0.8}
    return {**numbers, **random, "evaluation.episodes": 16.0}


@pytest.mark.parametrize(
    ("ours", "said"), [(50, "No simpler codes"), (20, "about as much"), (5, "Simpler codes show more")]
)
def test_simpler_codes_are_beside_ours(ours: int, said: str) -> None:
    planted = evidence({"grass": ours}, rival=20)
    (text,) = map(plain, about_baselines(planted.baselines))
    assert said in text
    assert f"{ours} ({0.9 * ours:.3g} to {1.1 * ours:.3g}) codes are confirmed to show one thing" in text
    assert "against 20 (18 to 22) of an untrained encoder" in text
    assert about_baselines(planted.baselines[:0]) == []
    assert about_baselines(planted.baselines.assign(names_tested=0)) == []


@pytest.mark.parametrize(
    ("share", "count", "said"),
    [
        (0.36, 125, "does not tell"),
        (0.55, 40, "does not tell"),
        (0.9, 40, "tells"),
        (0.55, 4000, "tells"),
    ],
)
def test_the_sign_must_be_beyond_guessing(share: float, count: int, said: str) -> None:
    table = make_attributions(True).assign(right_sign=share, occurrences=count)
    (text,) = map(plain, about_attribution(table))
    assert f"the method of the paper, {said} which way a code acts" in text
    z = stats.norm.ppf(0.975)  # Wilson 1927
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    assert f"({100 * (middle - reach):.3g}% to {100 * (middle + reach):.3g}% if the maps" in text
    assert about_attribution(table[:0]) == []


def test_what_was_too_rare_is_named() -> None:
    power = make_power()
    (text,) = map(plain, about_power(power))
    assert "Nothing can be said of 1 of 2 labels (water)" in text and "show it and nothing else" in text
    (text,) = map(plain, about_power(power.assign(named=1.0)))
    assert text.startswith("Every label could have been found") and "all 2 labels" in text
    assert about_power(power[:0]) == []


# The study


def study(folder: Path, **arms: Any) -> StudyResults:
    return StudyResults(tabulate(write_results(folder / "results", {**ARMS, **arms}), "crafter"))


def test_the_change_that_helps_most_is_told_with_its_rival(tmp_path: Path) -> None:
    results = study(tmp_path)
    told = [plain(one) for one in outlook(results, [])]
    assert told[0].startswith(
        "What helps most: another grid of tokens, “cells” (3 seeds, with 81 tokens a frame"
    )
    mean, low, high = (100 * end for end in astuple(results.mean("cells", "recall")))
    assert f"predict {mean:.3g}% ({low:.3g}% to {high:.3g}%)" in told[0]
    assert "if all had the same code, 60% would" in told[1]
    assert share(Measured(0.96, 0.9, 1.02)) == "96% (90% to 100%)"
    assert told[2].startswith(
        "No network is needed for this: codes that nothing learned, “k means” (3 seeds)"
    )
    assert "“taught” (3 seeds) helps" in told[3]
    gain = 100 * results.difference("taught", "recall").value
    assert f"{gain:+.1f} points (" in told[3]
    assert "scripted player" in told[-1]


def test_an_arm_with_fewer_than_three_seeds_shows_nothing(tmp_path: Path) -> None:
    write_results(tmp_path / "results")
    for arm in ("cells", "taught"):
        (tmp_path / f"results/{arm}-2.json").unlink()
    told = " ".join(
        plain(one) for one in outlook(StudyResults(tabulate(tmp_path / "results", "crafter")), [])
    )
    assert "cells" not in told and "taught" not in told
    assert told.startswith("Nothing that was varied in 3 or more seeds is shown to help")


def test_a_network_is_needed_where_the_ranges_are_apart(tmp_path: Path) -> None:
    weak = ("no_learning", 0.4, 29.0, 81, 512)
    told = [plain(one) for one in outlook(study(tmp_path, **{"k-means": weak}), [])]
    assert told[2].startswith("This needs a network")


def test_what_holds_in_all_worlds_is_told_and_that_nothing_does_where_all_is_settled(tmp_path: Path) -> None:
    results, sure, unsure = study(tmp_path), Measured(0.2, 0.1, 0.3), Measured(0.2, -0.1, 0.5)

    def told(*pong: Measured) -> str:
        known = [{"Crafter": sure, "Boxing": sure} | ({"Pong": one} if one.known else {}) for one in pong]
        found = [Effect(f"change {i}", "recall", changes, 3) for i, changes in enumerate(known)]
        return " ".join(plain(one) for one in outlook(results, found))

    worlds = "all 3 worlds that were tried (Crafter, Boxing and Pong)"
    assert f"The same in {worlds}: change 0 (recall rises)." in told(sure, unsure)
    assert "None of these changes is shown to do the same in all 3 worlds" in told(unsure)
    assert f"The same in {worlds}: change 0 (recall rises)." in told(sure, UNKNOWN)
    few = Measured(0.2, math.nan, math.nan)  # of two seeds
    assert "worlds" not in told(unsure, UNKNOWN) + told(unsure, few)


def test_without_a_study_it_says_so() -> None:
    assert "make study" in plain(outlook(NOTHING, [])[0])


def test_the_readme_says_the_same(tmp_path: Path) -> None:
    planted = evidence({"grass": 2}, rival=20)
    lines = in_lines(planted, study(tmp_path))
    assert len(lines) == 3
    assert lines[0].startswith("Mostly no. 2 of 100 tested codes")
    assert lines[1] == plain(about_baselines(planted.baselines)[0])
    assert lines[2].startswith("What helps most")


def test_numbers_without_ranges_are_shown_alone_and_not_compared() -> None:
    """Those of a single episode: that neither range lies above the other would sound like a finding."""
    assert Measured(0.25, math.nan, math.nan).shown == "0.25"
    baselines = make_baselines(True)
    assert rivalry(baselines, "nmi") is not None
    assert rivalry(baselines.assign(nmi_low=math.nan, nmi_high=math.nan), "nmi") is None
