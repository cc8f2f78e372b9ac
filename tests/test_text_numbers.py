"""Every number in the prose of the page is in the tables: figures, study, worlds, agents, codes."""

import re
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
import pytest
from figure_numbers import Run, known
from madeup import sources, write_inputs
from page_text import MINUS, Known, parsed, wrong
from scipy import stats

from irislib.report.build import build_report
from irislib.report.config import PlotsConfig
from irislib.report.figures.registry import FIGURES
from irislib.report.inputs import load_inputs
from irislib.report.published import IRIS_SIZES, published
from irislib.report.study.arm_words import arm_name

CODES = 40
CONFIG = PlotsConfig(codes=3, crops=2, groups=2, frames=4, tsne_perplexity=5.0, dpi=50)
NAMES = [draw.__name__ for _, draw in FIGURES]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("texts")
    rng = np.random.default_rng(6)
    frames = rng.integers(0, 256, (40, 32, 32, 3), np.uint8)
    write_inputs(path, frames, rng.integers(0, CODES - 2, (40, 4, 4)).astype(np.int16), CODES)
    reports = path / "reports"
    build_report(CONFIG, 0, **sources(path), reports=reports)
    return Run.read(reports, load_inputs(CONFIG, 0, **sources(path), reports=reports))


def without_arms(text: str, arms: Iterable[str]) -> str:
    """The text without names of arms, which may hold numbers."""
    for name in sorted({*arms, *map(arm_name, arms)}, key=len, reverse=True):
        text = text.replace(name, "")
    return text


@pytest.mark.parametrize("name", NAMES)
def test_titles_captions_and_notes(run: Run, name: str) -> None:
    text = without_arms(run.page.text[name], run.inputs.study.arms)
    assert known(run, name).strangers(text) == []


def test_a_figure_is_read_aloud_as_its_title(run: Run) -> None:
    pattern = (
        r'data-figure="(\w+)">\s*<p class="result">([^<]*)</p>\s*<div[^>]*>\s*<svg [^>]*aria-label="([^"]*)"'
    )
    drawn = re.findall(pattern, run.html)
    assert len(drawn) == run.html.count('class="plot"') > 10
    assert all(title == label for _, title, label in drawn)


def test_names_of_marks(run: Run) -> None:
    """A mark of a code has numbers of this code, a mark of an arm has numbers of this arm."""
    codes, labels, study = run.inputs.codes, run.inputs.labels, run.inputs.study
    marks = [title for name in NAMES for title in run.page.titles.get(name, [])]
    arms = {arm_name(arm): arm for arm in study.arms}
    assert len(marks) > 100
    for title in marks:
        if found := re.match(r"(\d+)(?: \(|:|$)", title):
            code = int(found[1])
            mine = Known(code, codes.loc[code].to_dict(), labels[labels["code"] == code])
        else:
            arm = next(name for name in sorted(arms, key=len, reverse=True) if title.startswith(name))
            mine, title = Known(run.arms(arms[arm]), settings="1 2 4 8"), title.removeprefix(arm)
        assert mine.strangers(title) == [], title


def of_study(run: Run, sentence: str) -> Known:
    """What a sentence of the study may show: what study.csv has of the arms that it names, else of all."""
    study = run.inputs.study
    named = [arm for arm in study.arms if re.search(rf"(?<![\w-]){re.escape(arm)}(?![\w-])", sentence)]
    named += [arm for arm in study.arms if arm_name(arm) in sentence]
    arms = [*dict.fromkeys([*named, study.reference])] if named else study.arms
    counts, targets = list(range(len(study.arms) + 1)), [0.8, 0.9, 2, 0.5, 16, 0.95]
    sizes = [1, 2, 4, 8]
    return Known(run.arms(*arms), counts, targets, sizes)


def test_the_study(run: Run) -> None:
    sentences = run.page.items["study"]
    assert len(sentences) > 10 and sum(len(parsed(one)) for one in sentences) > 40
    for sentence in sentences:
        text = without_arms(sentence, run.inputs.study.arms)
        assert of_study(run, sentence).strangers(text) == [], sentence


def test_other_worlds(run: Run) -> None:
    """Each cell: what the reference reaches in a measure, and how each change moves it, by world."""
    study, worlds = run.inputs.study.table, run.inputs.worlds
    tables = [study, *(rows for _, rows in worlds.groupby("world", sort=False))]
    arms = (("iris",), ("untrained",), ("no-attention",), ("grid-8",), ("patch-7", "patch-8"),
            ("k-means-7", "k-means-8"), ("patch-7-shifted", "patch-8-shifted"),
            ("iris-labels",), ("iris-swap",))  # fmt: skip
    tried = [names for names in arms if sum(bool({*names} & {*table["arm"]}) for table in tables) > 1]
    measures = [(measure, names) for measure in ("recall", "nmi_beyond_place") for names in tried]
    rows, shown = run.page.rows("worlds"), 0
    assert len(tables) > 1 and len(rows) == len(measures) > 2
    for row, (measure, names) in zip(rows, measures, strict=True):
        for cell, table in zip(row[1:], tables, strict=False):
            last = table[table["steps"] == table.groupby("arm")["steps"].transform("max")]
            last = last[last["measure"] == measure].set_index("arm")
            there = [name for name in names if name in last.index]
            kind = "" if names == ("iris",) else "difference"
            columns = ["mean", "low", "high"] if not kind else [kind, f"{kind}_low", f"{kind}_high"]
            wanted = [last.loc[there[0], column] for column in columns] if there else []
            assert np.allclose(parsed(cell), wanted, atol=6e-4), (row, cell)
            shown += len(wanted)
    assert shown >= 18
    about = run.page.text["worlds"].split("What holds in all")[1]
    assert parsed(about)[:1] == [len(tables)]


def test_whole_agents(run: Run) -> None:
    """The lead over random actions and over the first agent of the world, each with its interval."""
    table, wanted = run.inputs.agents.table.set_index(["agent", "seed"]), list[float]()
    for agent, first in (("default", ""), ("cells", "default"), ("toy", ""), ("toy-cells", "toy")):
        own = table.loc[agent]
        chance = own[["random_mean", "random_std"]].set_axis(["return_mean", "return_std"], axis=1)
        others = [chance, *([table.loc[first]] if first else [])]
        leads = [with_interval(own, other) for other in others]
        wanted += [len(own), *(float(f"{end:.2g}") for lead in leads for end in lead)]
    told = run.page.text["agents"].split("in the same episodes.")[1].split("world, profile")[0]
    assert np.allclose(parsed(told), wanted, rtol=6e-3)


def with_interval(own: pd.DataFrame, other: pd.DataFrame) -> tuple[float, float, float]:
    """The difference of two returns: over seeds, or of one seed over its episodes."""
    change, count = own["return_mean"] - other["return_mean"], len(own)
    spread = change.std(ddof=1)
    if count == 1:
        spread = np.hypot(own["return_std"].iloc[0], other["return_std"].iloc[0])
        count = int(own["episodes"].iloc[0])
    low, high = stats.t(count - 1, change.mean(), spread / count**0.5).interval(0.95)
    return float(change.mean()), float(low), float(high)


def test_what_the_page_begins_with(run: Run) -> None:
    (text,) = re.findall(r"</h1>\s*<p>(.*?)</p>", run.html, re.DOTALL)
    assert parsed(re.sub("<.*?>", "", text)) == [16, CODES]


def test_the_agent_and_the_differences(run: Run) -> None:
    literature = published(run.inputs.world)
    others: list[tuple[float, ...]]
    others = [(one.steps or 0, one.returns, one.score or 0) for one in literature.agents]
    others += [(one.episodes, one.returns) for one in literature.recordings]
    mine = [run.metrics("evaluation.", "agent."), np.log(CODES), others]
    text = run.page.text["agent"].split("who plays")[1].split("What the agent achieves")[0]
    prose = text[text.index("The score is") :]
    assert len(parsed(prose)) > 8
    assert Known(*mine).strangers(prose) == []

    shapes = list(numbers_in([run.inputs.shapes(), run.inputs.embedder.content, run.inputs.embeddings.attrs]))
    features = run.inputs.embeddings.array("embedding").shape[1]
    official = [value for _, value in IRIS_SIZES.values()]
    mine += [run.metrics("crops.", "strata."), shapes, features, official, 714, 178.5]
    text = run.page.text["differences"]
    assert len(parsed(text)) > 15
    assert Known(*mine).strangers(text) == []


def numbers_in(value: object) -> Iterator[float]:
    """The numbers of nested lists and objects."""
    if isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            yield from numbers_in(one)
    elif isinstance(value, int | float):
        yield float(value)


def test_the_table_of_codes(run: Run) -> None:
    rows = [row for row in run.page.tables["codes"] if row[0].isdigit()]
    assert len(rows) == CODES
    for row in rows:
        facts = run.inputs.codes.loc[int(row[0])]
        lift = float(f"{facts['label_lift']:.2g}")
        tells = [round(facts[key], 1) for key in ("item_mean", "item_expected")]
        assert Known(int(row[0]), facts.to_dict(), lift, tells).strangers(" | ".join(row)) == [], row


def test_a_wrong_number_is_noticed(run: Run) -> None:
    """Of the numbers that are changed in their last digit, nearly all are no longer among the values."""
    study, arms = run.page.items["study"], run.inputs.study.arms
    texts = [(without_arms(run.page.text[name], arms), known(run, name)) for name in NAMES]
    texts += [(without_arms(one, arms), of_study(run, one)) for one in study]
    noticed = [len(mine.strangers(text)) for one, mine in texts for _, text in wrong(one)]
    assert len(noticed) > 150
    assert np.mean(noticed) > 0.7  # others are equal to another value by chance
    mine = Known(0.12345, 1234.4, [-0.00172, 27.04], {"least": 0.0}, settings="95%")
    good = f"12.3% 0.123 1,234 {MINUS}0.00172 {MINUS}0.002 27 0 95%"
    bad = f"12.5% 0.124 1,235 {MINUS}0.00272 0.002 27.1 0.01 96% 1"
    assert mine.strangers(good) == [] and mine.strangers(bad) == bad.split()
