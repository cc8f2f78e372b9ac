"""Every number of the verdict and of the tables of results is one of the tables: parsed back and compared."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from madeup import sources, write_inputs
from madeup_tables import make_replicates
from page_text import PageText, flatten, parsed
from scipy import stats

from irislib.report.claims import collect_claims
from irislib.report.config import PlotsConfig
from irislib.report.inputs import load_inputs
from irislib.report.page.render import render_page

CONFIG = PlotsConfig(codes=3, crops=2, groups=2, frames=4, tsne_perplexity=30.0, dpi=50)
CODES = 40
FAMILIES = ("names", "consistency", "items", "pairs")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("numbers")
    rng = np.random.default_rng(6)
    frames = rng.integers(0, 256, (40, 32, 32, 3), np.uint8)
    write_inputs(path, frames, rng.integers(0, CODES - 2, (40, 4, 4)).astype(np.int16), CODES)
    make_replicates().to_csv(path / "reports/replicates.csv", index=False)
    inputs = load_inputs(CONFIG, seed=0, **sources(path), reports=path / "reports")
    page = render_page(inputs, collect_claims(inputs))
    (path / "reports/index.html").write_bytes(page)
    return path / "reports"


@pytest.fixture(scope="module")
def page(reports: Path) -> PageText:
    return PageText((reports / "index.html").read_text())


@pytest.fixture(scope="module")
def numbers(reports: Path) -> dict[str, float]:
    """metrics.json and details.json by dotted keys."""
    flat: dict[str, float] = {}
    for name in ("metrics", "details", "evaluation"):
        content = json.loads((reports / f"{name}.json").read_text())
        flat |= dict(flatten(content, "evaluation." if name == "evaluation" else ""))
    return flat


def same(shown: list[float], wanted: list[float]) -> bool:
    """Equal within the rounding to three significant digits."""
    return len(shown) == len(wanted) and bool(np.allclose(shown, wanted, rtol=6e-3, atol=1e-9))


def ends(value: float, low: float, high: float) -> list[float]:
    """A number and its range, which is a single number where its ends are shown alike."""
    return [value, low] if f"{low:.3g}" == f"{high:.3g}" else [value, low, high]


def test_a_wrong_number_would_be_noticed() -> None:
    assert same(parsed("1.83 (0 to 6.53), chance 0.002; 12.3%"), [1.83, 0, 6.525, 0.002, 0.1234])
    assert not same([1.84], [1.82]) and not same([1.0], [1.0, 2.0])


def test_findings(page: PageText, numbers: dict[str, float]) -> None:
    rows = page.rows("findings")
    assert len(rows) == 6
    for row, key in zip(rows, ("consistency", "random", "names", "items", "pairs", "sets"), strict=True):
        at = {name: numbers.get(f"{key}.{name}") for name in ("tested", "selected", "confirmed", "holds")}
        wanted = [at["tested"], at["selected"]]
        wanted += ends(*(numbers[f"{key}.{end}"] for end in ("confirmed", "low", "high")))
        wanted += [numbers.get(f"{key}.confirmation"), at["holds"]]
        wanted += [] if key == "random" else [numbers[f"{key}.null"]]
        assert same(parsed(" | ".join(row[1:])), [float(one) for one in wanted if one is not None]), row


def test_baselines(page: PageText, reports: Path) -> None:
    table = pd.read_csv(reports / "baselines.csv")
    rows = page.rows("baselines")
    assert len(rows) == len(table)
    for row, (_, its) in zip(rows, table.iterrows(), strict=True):
        wanted = [its["codes_used"]]
        for key in FAMILIES:
            wanted += ends(its[f"{key}_confirmed"], its[f"{key}_low"], its[f"{key}_high"])
            wanted += [its[f"{key}_null"]]
        wanted += [its["pairs_covered"], *ends(its["nmi"], its["nmi_low"], its["nmi_high"])]
        wanted += [its["nmi_place"], its["purity"], its["purity_base"]]
        assert same(parsed(" | ".join(row[1:])), wanted), row


def test_power_and_repetitions(page: PageText, reports: Path) -> None:
    power = pd.read_csv(reports / "power.csv")
    shown = {row[0]: parsed(" | ".join(row[1:])) for row in page.rows("power")}
    assert shown.keys() == set(power["label"])
    for _, row in power.iterrows():
        assert same(shown[row["label"]], [row["episodes"], row["planted"], row["named"]])
    replicates = pd.read_csv(reports / "replicates.csv")
    for cells, (_, row) in zip(page.rows("replicates"), replicates.iterrows(), strict=True):
        wanted = [row["episodes"]]
        for key in FAMILIES:
            wanted += ends(row[f"{key}_confirmed"], row[f"{key}_low"], row[f"{key}_high"])
        assert same(parsed(" | ".join(cells[2:])), wanted)


def test_agents(page: PageText, reports: Path, numbers: dict[str, float]) -> None:
    table = pd.read_csv(reports / "agents.csv")
    rows = page.rows("agents")
    assert [cells[0] for cells in rows] == [
        "Made-up, default",
        "Made-up, cells",
        "Toy, toy",
        "Toy, toy-cells",
    ]
    for cells in rows:
        agent = table[table["agent"] == cells[0].split(", ")[1]]
        means = agent.drop(columns=["world", "agent"]).mean()
        spread, count = agent["return_mean"].std(ddof=1), len(agent)
        if count == 1:
            spread, count = means["return_std"], int(means["episodes"])
        ends = stats.t(count - 1, means["return_mean"], spread / count**0.5).interval(0.95)
        wanted = [
            len(agent),
            *(means[name] for name in ("tokens_per_frame", "codes_used", "codes", "psnr_db")),
        ]
        wanted += [
            means["frame_nats"],
            means["return_mean"],
            *ends,
            means["random_mean"],
            means["score"] / 100,
        ]
        assert same(parsed(" | ".join(cells[1:])), [one for one in wanted if one == one]), cells
    ours = page.rows("agent")[0]
    wanted = [numbers["agent.training_steps"], numbers["evaluation.return_mean"]]
    wanted += [numbers["evaluation.score"] / 100, numbers["evaluation.episodes"]]
    assert same(parsed(" | ".join(ours[1:])), wanted)
    random = page.rows("agent")[1]
    wanted = [0, numbers["evaluation.random.return_mean"], numbers["evaluation.episodes"]]
    assert same(parsed(" | ".join(random[1:])), wanted)


# Our number of each claim: keys of the value and its range, and of what both are divided by.
CLAIMS = {
    "Consistent codes, against random boxes": ("random", "random.tested"),
    "Episodes": ("agent.episodes", ""),
    "Transitions": ("agent.transitions", ""),
    "Episode length": ("agent.length_mean", ""),
    "Codebook size": ("codebook.size", ""),
    "Empty maps, codes in the observation": ("empty_share.present_occurrences", ""),
    "Codes with only empty maps": ("empty_share.codes_always_empty", ""),
    "Empty maps, all codes": ("empty_share.all_codes_all_steps", ""),
    "Consistent codes, against the same places in other episodes": ("consistency", "consistency.tested"),
    "Codes with a name": ("names", ""),
    "Codes that tell an item": ("items", ""),
    "Pairs of codes": ("pairs", ""),
    "Observations covered by pairs": ("pairs.covered", ""),
    "Observations covered by sets": ("sets.covered", ""),
    "Agreement of code and label, on the world": ("world.nmi", ""),
    "Purity, on the world": ("world.purity", ""),
    "The most frequent label": ("world.purity_base", ""),
    "Return": ("agent.return_mean", ""),
    "Hidden": ("strata.hidden", ""),
    "Night": ("strata.night", ""),
}


def test_claims(page: PageText, numbers: dict[str, float]) -> None:
    rows = page.rows("claims") + page.rows("agreement")
    shown = {row[0]: row[-1] for row in rows}
    assert shown.keys() - CLAIMS.keys() == {
        "Empty maps", "Observations with an interpretable pair", "The same, by chance", "The same, by place "
        "and time",
    }  # fmt: skip
    for claim, (key, per) in CLAIMS.items():
        keys = [key, f"{key}_low", f"{key}_high"]
        if key in FAMILIES or key == "random":
            keys = [f"{key}.{end}" for end in ("confirmed", "low", "high")]
        values = [numbers[one] / (numbers[per] if per else 1) for one in keys if one in numbers]
        assert same(parsed(shown[claim]), values), claim
    for claim in ("Empty maps", "Observations with an interpretable pair"):
        assert shown[claim].startswith("not comparable")
        assert parsed(shown[claim]) == []
    # Of the two rows with this name the last is that of the purity.
    assert same(parsed(shown["The same, by place and time"]), [numbers["world.purity_place"]])


def test_the_agreement(page: PageText, reports: Path, numbers: dict[str, float]) -> None:
    told = page.text["agreement"].split("Show all")[0]
    world = [numbers[f"world.{key}"] for key in ("nmi", "nmi_low", "nmi_high", "nmi_place")]
    baselines = pd.read_csv(reports / "baselines.csv").query(
        "attribution == 'position' and tokenizer != 'shuffled'"
    )
    place = baselines.set_index("tokenizer")[["nmi", "nmi_low", "nmi_high"]]
    best = place.drop(index="agent")["nmi"].idxmax()
    wanted = [0, 1, *world, *place.loc["agent"], *place.loc[best]]
    assert same(parsed(told), [*wanted, numbers["world.purity"], numbers["world.purity_base"]])


def test_what_is_said_of_the_paper(page: PageText, numbers: dict[str, float]) -> None:
    told = page.text["paper"].split("(baselines).")[1].split("The numbers of the paper")[0]
    wanted = [numbers[f"empty_share.{key}"] for key in ("present_occurrences", "codes_always_empty")]
    wanted += [0.9, 16, 1 - 16 / CODES, CODES]  # an observation has 16 tokens
    wanted += [numbers[f"random.{key}"] for key in ("confirmed", "low", "high", "tested")]
    assert same(parsed(told), [*wanted, 0.001])


def test_the_verdict(page: PageText, reports: Path, numbers: dict[str, float]) -> None:
    """Each number of the verdict, in its order, from the tables alone."""
    codes, labels = pd.read_csv(reports / "codes.csv"), pd.read_csv(reports / "labels.csv")
    tested = labels.dropna(subset="confirmed")["code"].nunique()
    wanted: list[float] = []
    named = codes["name"].value_counts()
    for count, of, key in (
        (int(codes["name"].notna().sum()), tested, "names"),
        (int(codes["consistent"].sum()), numbers["consistency.tested"], "consistency"),
    ):
        wanted += [count, of, count / of, *(numbers[f"{key}.{end}"] / of for end in ("low", "high"))]
        wanted += sorted(named, reverse=True) if key == "names" else []
    assert len(named) > 1
    answer, rest = page.text["verdict"].split("How a code counts")
    assert same(parsed(answer), wanted)

    limits, outlook = rest.split("What would change it")
    limits = limits.split("What limits this answer")[1]
    wanted = []
    for returns, episodes in (("agent", "agent"), ("evaluation.random", "evaluation")):
        n, mean = numbers[f"{episodes}.episodes"], numbers[f"{returns}.return_mean"]
        spread = numbers[f"{returns}.return_std"] / n**0.5
        wanted += [mean, *stats.t(n - 1, mean, spread).interval(0.95)]
    wanted += [n]
    baselines = pd.read_csv(reports / "baselines.csv")
    place = baselines[baselines["attribution"] == "position"].set_index("tokenizer")
    best = place.loc[["untrained", "mean_colour", "patches"], "names_confirmed"].idxmax()
    for name in ("agent", best, "untrained"):
        wanted += [place.loc[name, f"names_{end}"] for end in ("confirmed", "low", "high")]
    gradcam = (
        pd.read_csv(reports / "attributions.csv").query("method == 'gradcam' and masking == 'before'").iloc[0]
    )
    total = int(gradcam["occurrences"])
    right = stats.binomtest(round(gradcam["right_sign"] * total), total).proportion_ci(method="wilson")
    wanted += [gradcam["right_sign"], total, right.low, right.high, 0.5]
    power = pd.read_csv(reports / "power.csv").query("label != 'nothing'")
    wanted += [int((power["named"] < 0.95).sum()), len(power), 0.95]
    assert same(parsed(limits), [float(one) for one in wanted])
    check_outlook(outlook, pd.read_csv(reports / "study.csv"))


def check_outlook(text: str, study: pd.DataFrame) -> None:
    last = study[study["steps"] == study.groupby("arm")["steps"].transform("max")]
    at = last.set_index(["arm", "measure"])

    def share(arm: str, measure: str) -> list[float]:
        return [float(np.clip(at.loc[(arm, measure), end], 0, 1)) for end in ("mean", "low", "high")]

    def change(arm: str, measure: str, scale: float) -> list[float]:
        row = at.loc[(arm, measure)]
        return [scale * row[end] for end in ("difference", "difference_low", "difference_high")]

    wanted = [3, 81, 16, *share("cells", "recall"), *share("iris", "recall")]
    wanted += [*share("cells", "purity"), at.loc[("cells", "purity_base"), "mean"]]
    wanted += share("cells", "share_consistent_beyond_place") + share("iris", "share_consistent_beyond_place")
    wanted += [3, *share("k-means", "recall")]
    wanted += [3, *change("taught", "recall", 100), *change("taught", "psnr_db", 1)]
    shown = parsed(text)
    assert shown[-1] == 0.95  # intervals over seeds
    assert len(shown) == len(wanted) + 1
    assert np.allclose(shown[:-1], wanted, rtol=6e-3, atol=6e-4)
