"""Two runs side by side: planted differences are shown, and a planted permutation of the codes is found."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from madeup_runs import PARAMS, renumbered, write_run
from playwright.sync_api import Browser, Page, expect
from silent_page import opened

from irislib.errors import ArtifactError
from irislib.params import read_yaml
from irislib.report.runs.agreement import in_both, names_by_label
from irislib.report.runs.comparison import comparison_page
from irislib.report.runs.matching import Matching, match
from irislib.report.runs.numbers import claims, evaluation_numbers, headline_numbers
from irislib.report.runs.parameters import Parameter, differing
from irislib.report.runs.profiles import label_names, profiles
from irislib.report.runs.run import Run, read_run
from stages.compare_runs import main

CODES = 40
SHUFFLES = 40
NUMBERS = np.random.default_rng(5).permutation(CODES)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run `first`, `renumbered`, the same with other numbers of the codes, and `unrelated`."""
    path = tmp_path_factory.mktemp("runs")
    renumbered(write_run(path / "first", CODES), path / "renumbered", NUMBERS)
    write_run(path / "unrelated", CODES, seed=1)
    return path


@pytest.fixture
def first(root: Path) -> Run:
    return read_run("first", root / "first")


def matched(one: Run, other: Run) -> Matching:
    names = label_names(one.labels, other.labels)
    found = match(profiles(one.labels, names), profiles(other.labels, names), shuffles=SHUFFLES)
    assert found is not None
    return found


def edited(root: Path, to: Path, name: str, change: Any) -> Run:
    """The first run with another content of a JSON file."""
    shutil.copytree(root / "first", to)
    file = to / "reports" / name
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    return read_run("edited", to)


# Codes


def test_a_planted_permutation_is_found_again_exactly(root: Path, first: Run) -> None:
    found = matched(first, read_run("renumbered", root / "renumbered"))
    assert len(found.first) == CODES // 2  # the odd codes have no map
    assert (found.second == NUMBERS[found.first]).all()
    assert found.distance.max() == 0 and found.verdict == "better" and found.close.all()
    assert (found.first != found.second).any()


def test_a_noisy_copy_is_found_again_for_the_most_part(root: Path, first: Run) -> None:
    other = read_run("renumbered", root / "renumbered")
    noise = np.random.default_rng(0).normal(1, 0.03, (len(other.labels), 2))
    labels = other.labels.assign(
        **{n: other.labels[n] * noise[:, i] for i, n in enumerate(("share", "mass_share"))}
    )
    found = matched(first, replace(other, labels=labels))
    assert (found.second == NUMBERS[found.first]).mean() > 0.7
    assert found.verdict == "better"


def test_a_run_beside_itself_pairs_every_code_with_itself_even_where_profiles_are_equal(first: Run) -> None:
    labels = first.labels.copy()
    even = labels["code"] % 4 == 0
    labels.loc[even, ["share", "mass_share", "place_share"]] = 0.25
    twins = replace(first, labels=labels)
    found = matched(twins, twins)
    assert (found.first == found.second).all()


def test_unrelated_codebooks_match_no_better_than_shuffled_ones() -> None:
    """Codes of one population, drawn anew for each run: 2.5% may be called better, and 2.5% worse."""
    verdicts = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        runs = []
        for _ in range(2):
            shares = rng.dirichlet([3, 1, 0.5], 24)
            rows = [
                (c, label, s, 0.5 * s, 0.4)
                for c in range(24)
                for label, s in zip("abc", shares[c], strict=True)
            ]
            table = pd.DataFrame(rows, columns=["code", "label", "share", "mass_share", "place_share"])
            runs.append(profiles(table, "abc"))
        found = match(runs[0], runs[1], seed=seed, shuffles=SHUFFLES)
        assert found is not None
        verdicts.append(found.verdict)
    assert verdicts.count("better") <= 4
    assert verdicts.count("worse") <= 4


def test_a_codebook_that_shows_other_things_matches_worse(first: Run) -> None:
    names = dict(zip(["water", "grass", "stone", "display"], ["sky", "sea", "sand", "wall"], strict=True))
    other = replace(first, labels=first.labels.assign(label=first.labels["label"].map(names)))
    assert matched(first, other).verdict == "worse"


def test_codebooks_of_different_sizes_leave_the_rest_without_a_partner(first: Run) -> None:
    fewer = replace(first, labels=first.labels[first.labels["code"] < 10])
    found = matched(first, fewer)
    assert (found.first == [0, 2, 4, 6, 8]).all() and (found.second == found.first).all()
    page = comparison_page(first, fewer, SHUFFLES).decode()
    assert "without a partner: 10, 12, 14, 16" in page


def test_without_a_label_nothing_is_matched_and_the_page_says_so(first: Run) -> None:
    nothing = replace(first, labels=first.labels[:0])
    assert "The codes cannot be matched" in comparison_page(first, nothing).decode()


def test_findings_in_both_count_the_matched_codes_with_the_same_name(root: Path, first: Run) -> None:
    other = read_run("renumbered", root / "renumbered")
    rows = {row.family.key: row for row in in_both(first, other, matched(first, other))}
    named = int(first.codes["name"].notna().sum())
    assert named > 1
    assert rows["names"].codes == (named, named) and rows["names"].shared == named
    assert rows["names"].where == "both"
    codes = other.codes.assign(name=other.codes["name"].where(other.codes["name"].isna(), "nothing else"))
    rows = {row.family.key: row for row in in_both(first, replace(other, codes=codes), matched(first, other))}
    assert rows["names"].codes == (named, named) and rows["names"].shared == 0
    assert rows["pairs"].codes is None
    counts = first.codes["name"].value_counts()
    assert names_by_label(first, other) == [(label, n, n) for label, n in sorted_counts(counts)]


def sorted_counts(counts: pd.Series) -> list[tuple[str, int]]:
    return sorted(((str(label), int(n)) for label, n in counts.items()), key=lambda one: (-one[1], one[0]))


# Numbers


def test_parameters_that_differ(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(PARAMS.replace("0.5", "0.3").replace("[a, b]", "[a]").replace("kind: iris", "sort: true"))
    (tmp_path / "old.yaml").write_text(PARAMS)
    assert differing(read_yaml(tmp_path / "old.yaml"), read_yaml(file)) == [
        Parameter("crop.threshold", "0.5", "0.3"),
        Parameter("crop.kinds", "a, b", "a"),
        Parameter("train.tokenizer.kind", "iris", "—"),
        Parameter("train.tokenizer.sort", "—", "true"),
    ]


def test_the_same_run_twice_differs_in_nothing(first: Run) -> None:
    page = comparison_page(first, replace(first, name="again"), SHUFFLES).decode()
    assert "All parameters are equal." in page
    assert "Every code has a partner with an equal profile" in page
    assert "ranges apart" not in page
    rows = [*headline_numbers(first, first), *evaluation_numbers(first, first), *claims(first, first)]
    assert {row.difference for row in rows} <= {"0", "0 points", "—"}
    assert comparison_page(first, first, SHUFFLES) == comparison_page(first, first, SHUFFLES)


def test_a_changed_number_has_its_range_and_its_difference(root: Path, first: Run, tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["names"] |= {"confirmed": 90.0, "low": 80.0, "high": 95.0}

    def headline(run: Run) -> Run:
        run.headline.content["names"] = {"confirmed": run.metrics.get("names.confirmed")}
        return run

    other = headline(edited(root, tmp_path / "edited", "details.json", change))
    row = {row.name: row for row in headline_numbers(headline(first), other)}["names.confirmed"]
    was = first.metrics.get("names.confirmed")
    assert was is not None
    assert row.shown(row.second) == "90 (80 to 95)"
    assert row.difference == f"+{90 - was:.3g}" and row.apart


def test_the_return_has_an_interval_over_episodes(first: Run) -> None:
    rows = {row.name: row.first for row in evaluation_numbers(first, first)}
    for name, mean, std in (("return_mean", 1.87, 0.31), ("random.return_mean", 1.21, 0.47)):
        error = 1.96 * std / np.sqrt(3)
        assert (rows[name].low, rows[name].high) == pytest.approx((mean - error, mean + error))


def test_a_number_that_one_run_lacks_is_a_dash(root: Path, first: Run, tmp_path: Path) -> None:
    other = edited(root, tmp_path / "edited", "evaluation.json", lambda content: content.pop("psnr"))
    row = {row.name: row for row in evaluation_numbers(first, other)}["psnr"]
    assert row.shown(row.second) == row.difference == "—"
    assert row.shown(row.first) == "22.5"


def test_claims_of_the_same_name_keep_their_order(first: Run) -> None:
    rows = claims(first, first)
    assert [row.shown(row.first) for row in rows] == ["0.5", "3.5 (2 to 5)", "4.5"]


@pytest.mark.parametrize("name", ["evaluation.json", "claims.csv", "baselines.csv"])
def test_a_run_without_an_optional_file_is_compared_by_the_others(
    root: Path, first: Run, tmp_path: Path, name: str
) -> None:
    shutil.copytree(root / "first", tmp_path / "lacking")
    (tmp_path / "lacking/reports" / name).unlink()
    lacking = read_run("lacking", tmp_path / "lacking")
    page = comparison_page(first, lacking, SHUFFLES).decode()
    assert f"lacking has no reports/{name}" in page
    assert f"Neither run has reports/{name}" in comparison_page(lacking, lacking, SHUFFLES).decode()


@pytest.mark.parametrize("name", ["metrics.json", "details.json", "codes.csv", "labels.csv"])
def test_a_run_without_a_needed_file_is_one_line(root: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(root / "first", tmp_path / "lacking")
    (tmp_path / "lacking/reports" / name).unlink()
    with pytest.raises(ArtifactError, match=f"{name}: missing; run the metrics stage$"):
        read_run("lacking", tmp_path / "lacking")


# Names of runs


@pytest.fixture(scope="module")
def repository(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A commit with a run, an experiment with another, and an older commit without the labels."""
    path = tmp_path_factory.mktemp("repository") / "project"
    shutil.copytree(root / "first", path)
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")

    def git(*command: str) -> None:
        subprocess.run(["git", *identity, *command], cwd=path, check=True, capture_output=True)

    git("init", "--quiet", "--initial-branch", "main")
    subprocess.run(
        [sys.executable, "-m", "dvc", "init", "--quiet"], cwd=path, check=True, capture_output=True
    )
    git("add", ".", ":!reports/labels.csv")
    git("commit", "--quiet", "-m", "without labels")
    git("tag", "old")
    git("add", ".")
    git("commit", "--quiet", "-m", "a run")
    shutil.rmtree(path / "reports")
    shutil.copytree(root / "renumbered/reports", path / "reports")
    (path / "params.yaml").write_text(PARAMS.replace("seed: 0", "seed: 7"))
    git("commit", "--quiet", "-a", "-m", "as DVC commits an experiment")
    # Where `dvc exp run` puts it: below the commit that it began with.
    parent = subprocess.run(
        ["git", "rev-parse", "HEAD~1"], cwd=path, check=True, capture_output=True, text=True
    ).stdout.strip()
    git("update-ref", f"refs/exps/{parent[:2]}/{parent[2:]}/low", "HEAD")
    git("reset", "--quiet", "--hard", "HEAD~1")
    return path


def compare(*arguments: str) -> Any:
    return CliRunner().invoke(main, list(arguments))


def test_revisions_experiments_folders_and_the_workspace_are_compared(
    repository: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    for names in (("main", "low"), ("workspace", "low"), ("HEAD", str(root / "renumbered"))):
        result = compare(*names, "--out", str(tmp_path / "page.html"))
        assert result.exit_code == 0, result.output
        page = (tmp_path / "page.html").read_text()
        assert f"<h1>{names[0]} beside {names[1]}</h1>" in page
        assert ("The runs differ in 1 parameter." in page) == (names[1] == "low")
        assert "Every code has a partner with an equal profile" in page
    assert subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True).stdout == ""


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (("main", "nosuch"), "error: nosuch: no folder with params.yaml, and no revision or experiment; "),
        (("old", "main"), "error: old:reports/labels.csv: missing; run the metrics stage"),
    ],
)
def test_a_mistake_is_one_line(
    repository: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, str], line: str
) -> None:
    monkeypatch.chdir(repository)
    result = compare(*names)
    assert result.exit_code == 1
    assert result.stderr.startswith(line) and result.stderr.count("\n") == 1
    assert not (repository / "comparison.html").exists()


# The page in a browser


@pytest.fixture(scope="module")
def page(root: Path, browser: Browser) -> Iterator[Page]:
    html = comparison_page(read_run("a", root / "first"), read_run("b", root / "renumbered"), SHUFFLES)
    (root / "page.html").write_bytes(html)
    with opened(browser, root / "page.html") as made:
        yield made


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    sizes = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert sizes[0] <= sizes[1]


def test_search_finds_pairs_by_the_code_of_either_run_and_by_label(page: Page, first: Run) -> None:
    shown = page.locator(".matched tbody tr:not([hidden])")
    assert shown.count() == CODES // 2
    page.fill("#search", f"{NUMBERS[6]}")
    found = shown.evaluate_all("rows => rows.map(row => row.dataset.codes)")
    assert f"6 {NUMBERS[6]}" in found
    assert all(str(NUMBERS[6]) in row.split() for row in found)
    page.fill("#search", "named")
    named = int(first.codes["name"].notna().sum())
    assert (
        shown.count() == named
        and page.locator("#shown").text_content() == f"{named} of {CODES // 2} pairs shown"
    )
    page.fill("#search", "no such thing")
    page.evaluate("location.hash = '#code-6'")
    expect(page.locator("#code-6")).to_be_visible()
    assert shown.count() == CODES // 2
