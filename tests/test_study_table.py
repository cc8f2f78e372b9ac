"""The table of the study, and what the page says of it."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from madeup_study import ARMS, LONG, write_results
from scipy.stats import ttest_1samp

from irislib.errors import ArtifactError
from irislib.report.figures.saving import save
from irislib.report.figures.study import study_cost, study_meaning, study_reading, study_training
from irislib.report.study.answers import answers
from irislib.report.study.arm_words import arm_name
from irislib.report.study.results import STUDY_COLUMNS, StudyResults
from irislib.report.study.targets import missed, tokens
from irislib.report.style import publication
from irislib.report.tables import read_optional
from irislib.study.table import COLUMNS, interval, tabulate
from stages.study import table as command

FIGURES = (study_meaning, study_cost, study_reading, study_training)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return tabulate(write_results(tmp_path_factory.mktemp("results")), "crafter")


def read(folder: Path) -> StudyResults:
    """As the command writes it and the page reads it."""
    done = CliRunner().invoke(
        command.main, ["--results", str(folder / "results"), "--out", str(folder / "reports")]
    )
    assert done.exit_code == 0, done.output
    return StudyResults(read_optional(folder / "reports/study.csv", "study", STUDY_COLUMNS))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    folder = tmp_path_factory.mktemp("study")
    write_results(folder / "results")
    return read(folder)


def answer(results: StudyResults, words: str) -> str:
    (text,) = [one.text for one in answers(results) if words in one.question]
    return text


# The table


def test_the_interval_is_students() -> None:
    values = np.array([0.3, 0.5, 0.4, 0.45])
    mean, low, high = interval(values)
    wanted = ttest_1samp(values, 0).confidence_interval(0.95)
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx((wanted.low, wanted.high))
    assert np.isfinite(interval(values[:3])).all()
    assert np.isnan(interval(values[:2])[1:]).all()
    assert interval(values[:2])[0] == 0.4
    assert np.isnan(interval(values[:0])).all()


def test_the_interval_holds_the_mean_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0).normal(1, 2, (4000, 3))
    ends = np.array([interval(row)[1:] for row in draws])
    assert np.mean((ends[:, 0] < 1) & (ends[:, 1] > 1)) == pytest.approx(0.95, abs=0.012)


def test_rows_are_means_over_seeds(table: pd.DataFrame, tmp_path: Path) -> None:
    assert list(table.columns) == list(COLUMNS) == STUDY_COLUMNS
    assert not table.duplicated(["arm", "steps", "measure"]).any()
    row = table.query("arm == 'iris' and measure == 'recall'").iloc[0]
    assert row["seeds"] == 5
    assert row["mean"] == pytest.approx(0.3 + 0.02 * 2, abs=0.004)
    assert row["low"] < row["least"] < row["mean"] < row["most"] < row["high"] or row["low"] < row["mean"]
    assert (table.query("measure == 'codes'")["mean"] == 512).all()
    assert set(table.query("measure == 'reading.grass.4'")["arm"]) == set(ARMS)
    assert not table["measure"].isin(["seed", "steps", "asks", "receptive_field_limit"]).any()


def test_differences_are_of_equal_seeds(table: pd.DataFrame) -> None:
    """The seed moves all arms alike: the interval of the difference is much smaller than that of the mean."""
    row = table.query("arm == 'ema' and measure == 'recall'").iloc[0]
    assert row["difference"] == pytest.approx(0.01, abs=0.005)
    assert row["difference_high"] - row["difference_low"] < (row["high"] - row["low"]) / 3
    own = table.query("arm == 'iris' and measure == 'recall'").iloc[0]
    assert own["difference"] == own["difference_low"] == own["difference_high"] == 0


def test_an_arm_is_compared_with_the_one_that_it_names(tmp_path: Path) -> None:
    for file in write_results(tmp_path / "results").glob("taught-*.json"):
        file.write_text(json.dumps(json.loads(file.read_text()) | {"compared_with": "cells"}))
    results = read(tmp_path)
    assert results.compared_with("cells") == results.reference == "iris"
    change = results.difference("taught", "recall")
    assert change.value == pytest.approx(0.75 - 0.9, abs=0.005)
    assert change.high < 0
    assert "The arm “taught” (against “cells”) harms: " in answer(results, "alignment")
    assert "a PSNR changed by \N{MINUS SIGN}0.2" in missed(results, "taught")[-1]  # that of iris


def test_agreement_beyond_place_is_a_measure(table: pd.DataFrame) -> None:
    found = table.query("measure == 'nmi_beyond_place' and arm == 'cells'").iloc[0]
    parts = {
        name: table.query(f"measure == '{name}' and arm == 'cells'").iloc[0] for name in ("nmi", "nmi_place")
    }
    assert found["mean"] == pytest.approx(parts["nmi"]["mean"] - parts["nmi_place"]["mean"])


def test_arms_that_vary_the_same_stand_together_and_the_reference_first(table: pd.DataFrame) -> None:
    assert list(dict.fromkeys(table["arm"])) == ["iris", "long", "ema", "cells", "taught", "k-means"]
    assert list(dict.fromkeys(table.query("arm == 'long'")["steps"])) == [100, LONG]


def test_a_seed_alone_has_no_interval(tmp_path: Path) -> None:
    write_results(tmp_path / "results")
    for file in (tmp_path / "results").glob("*-[1-9].json"):
        file.unlink()
    results = read(tmp_path)
    assert results.mean("iris", "recall").known
    assert np.isnan(results.mean("iris", "recall").low)
    assert "nan" not in " ".join(one.text for one in answers(results))
    assert "too few seeds for an interval" in answer(results, "Is it VQ")
    assert "The arm “taught” has too few seeds to tell" in answer(results, "alignment")


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"arm": "a", "asks": "", "varies": "x", "seed": 0, "steps": 1}']
)
def test_what_is_no_result_is_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "a-0.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"a-0\.json: not a result"):
        tabulate(tmp_path, "crafter")


# The page


def test_without_results_everything_says_so(tmp_path: Path) -> None:
    results = StudyResults(read_optional(tmp_path / "study.csv", "study", STUDY_COLUMNS))
    assert answers(results) == []
    assert [draw.draw(results).caption for draw in FIGURES] == [
        "The study was not run. The command make study runs it."
    ] * 4
    (tmp_path / "results").mkdir()
    assert not read(tmp_path)


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_are_drawn(figure: object, results: StudyResults, tmp_path: Path) -> None:
    with publication():
        drawn = figure.draw(results)  # type: ignore[attr-defined]
        save(drawn, tmp_path, tmp_path, 60)
    labels = [text.get_text() for text in drawn.figure.axes[0].get_yticklabels()]
    if figure is not study_training:
        assert labels == ["IRIS (reference)", *map(arm_name, results.arms[1:])]
    assert (tmp_path / f"{drawn.name}.png").stat().st_size > 2000


def test_the_cause_is_the_planted_one(results: StudyResults) -> None:
    text = answer(results, "Is it VQ")
    assert re.search(r"The largest rise comes with another grid of tokens: “cells”, \+0\.(59|60)", text)
    assert "With longer training, the recall changes by" in text
    assert re.search(r"With longer training[^;]*; the interval leaves out zero in 0 of 1 arm", text)


def test_where_nothing_helps_it_says_so(tmp_path: Path) -> None:
    write_results(tmp_path / "results", {name: (about[0], 0.3, *about[2:]) for name, about in ARMS.items()})
    results = read(tmp_path)
    assert "Nothing that was varied is shown to raise the recall" in answer(results, "Is it VQ")
    assert "does not show that it helps" in answer(results, "alignment")
    assert "No arm meets all of this" in answer(results, "means something")


def test_alignment_and_its_cost(results: StudyResults) -> None:
    text = answer(results, "alignment")
    assert "The arm “taught” helps: the recall changes by +0.4" in text
    assert "dB" in text and "\N{MINUS SIGN}0.2" in text


def test_how_many_codes_and_along_training(results: StudyResults) -> None:
    assert re.search(r"In “cells”, [^.]*: 91[\d.]*% with 1", answer(results, "How many codes"))
    text = answer(results, "along training")
    assert re.search(r"In “long”, the recall is 0\.12\d? \([^)]*\) after 100 steps and 0\.32", text)
    assert "after 6,000" in text and "cells" not in text


def test_targets_are_met_by_what_was_planted(results: StudyResults) -> None:
    assert [arm for arm in results.arms if not missed(results, arm)] == ["cells", "k-means"]
    assert len(missed(results, "taught")) == 3  # all but the purity
    assert {arm: tokens(results, arm) for arm in ("iris", "cells")} == {"iris": 16, "cells": 81}
    text = answer(results, "means something")
    assert "“cells” (3 seeds) meets all of this" in text
    assert "k-means" not in text  # it learned nothing
    assert "“taught” (3 seeds) reaches on average 2 times the NMI" in text


def test_arms_that_learned_longer_are_compared_after_as_many_steps(results: StudyResults) -> None:
    assert "gradient steps, “taught”" not in answer(results, "means something")
    table = results.table.copy()
    table.loc[table["arm"] == "taught", "steps"] = LONG
    found = answer(StudyResults(table), "means something")
    nmi = "an NMI beyond place of 0.61[0-9]* at 24.8[0-9]* dB"
    assert re.search(
        rf"After 6,000 gradient steps, “taught” has {nmi}, and “long” 0.25[0-9]* at 26 dB.", found
    )


def test_no_number_is_written_by_hand(results: StudyResults) -> None:
    """Other results, other numbers: what stays are the settings of the study."""
    numbers = ["mean", "low", "high", "difference", "difference_low", "difference_high"]
    texts = []
    for factor in (1.0, 1.0737, 1.0391, 0.9613):
        table = results.table.copy()
        table[numbers] = table[numbers] * factor + (1 - factor) / 5
        table["seeds"] += round(100 * factor)
        texts.append(" ".join(one.text for one in answers(StudyResults(table))))
    found = [{text.replace(",", "") for text in re.findall(r"\d[\d.,]*\d|\d", one)} for one in texts]
    assert len(found[0]) > 20
    settings = {"80", "90", "0.9", "0.5", "16", "1", "2", "4", "8", "100", "6000", "0", "3", "6"}
    assert set.intersection(*found) <= settings
