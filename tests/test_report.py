"""The report from small made-up inputs: whole, repeatable, self-contained, unharmed by nothing to show."""

import csv
import json
import re
import warnings
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from irislib.agent import Agent
from irislib.agent.config import ActorCriticConfig, AgentConfig, TokenizerConfig, WorldModelConfig
from irislib.artifacts import writing
from irislib.envs.crafter import ACHIEVEMENT_NAMES
from irislib.envs.score import crafter_score
from irislib.errors import ArtifactError
from irislib.interpret.spread import spread
from irislib.report import tsne
from irislib.report.build import PlotsConfig, build_report
from irislib.report.claims import Claim, claims_csv, collect_claims
from irislib.report.codebook import empty_share
from irislib.report.evaluation import achievements
from irislib.report.inputs import load_inputs
from irislib.report.page import render_page
from irislib.report.published import HUMAN, PUBLISHED, RANDOM
from irislib.report.wording import many, number, percent
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS, agent_digest

CODES = 12
LABELS = ["water", "grass", "stone", "player"]
SERIES = {
    "tokenizer": ["total", "commitment"],
    "world_model": ["total"],
    "actor_critic": ["total"],
    "collect": ["return", "length"],
}
FIGURES = {
    "achievements",
    "empty_share",
    "sensitivity",
    "attributions",
    "codebook_usage",
    "consistency",
    "gallery",
    "tsne",
    "cooccurrence",
    "code_label",
    "reconstructions",
    "training",
}
CONFIG = PlotsConfig(codes=3, frames=4, tsne_perplexity=30.0, dpi=50)


def write_inputs(
    root: Path, frames: np.ndarray, tokens: np.ndarray, codes: int, alive: bool, seed: int = 0
) -> None:
    """Everything that the report reads, with made-up numbers; without `alive` every map is empty.

    Args:
        frames: u8 [T,H,W,3].
        tokens: int16 [T,4,4] below `codes`.
    """
    rng = np.random.default_rng(seed)
    root.mkdir(parents=True, exist_ok=True)
    write_agent(root / "agent", frames.shape[1], alive)
    write_rollouts(root / "rollouts.zarr", frames, tokens, codes)
    lit = write_heatmaps(root / "heatmaps.zarr", tokens, codes, alive, rng)
    write_crops(root, lit, tokens, frames.shape[1] // 4, rng)
    (root / "reports").mkdir(exist_ok=True)
    write_tables(root / "reports", np.bincount(tokens.ravel(), minlength=codes), lit, rng)


def write_rollouts(path: Path, frames: np.ndarray, tokens: np.ndarray, codes: int) -> None:
    steps = len(frames)
    played = {"agent": agent_digest(path.with_name("agent")), "episodes": 2, "codebook_size": codes}
    with writing(path, ROLLOUTS, {**played, "label_names": LABELS, "cell": 7}) as store:
        store.append(
            obs=frames,
            token=tokens,
            action=np.zeros(steps, np.uint8),
            reward=np.zeros(steps, np.float32),
            terminated=np.zeros(steps, bool),
            truncated=np.zeros(steps, bool),
            episode=(np.arange(steps) * 2 // steps).astype(np.int32),
            semantic=np.zeros((steps, 7, 9), np.uint8),
            inventory=np.zeros((steps, 2), np.uint8),
            achievement=np.zeros((steps, 2), bool),
        )


def write_heatmaps(
    path: Path, tokens: np.ndarray, codes: int, alive: bool, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Returns the (step, code) pairs whose map is not empty: all of the even codes', if `alive`."""
    pairs = [(step, int(code)) for step in range(len(tokens)) for code in np.unique(tokens[step])]
    masks = np.stack([tokens[step] == code for step, code in pairs])
    owner = np.array([code for _, code in pairs], np.int32)
    lit = (owner % 2 == 0) & alive
    maps = (masks * lit[:, None, None] * rng.uniform(0.5, 1, masks.shape)).astype(np.float32)
    with writing(path, HEATMAPS, {"codebook_size": codes, "steps": len(tokens)}) as store:
        store.append(
            map=maps,
            map_raw_max=maps.max(axis=(1, 2)),
            map_raw_min=np.where(lit, 0, -1).astype(np.float32),
            map_code=owner,
            map_positions=masks,
            pair_step=np.array([step for step, _ in pairs], np.int32),
            pair_map=np.arange(len(pairs), dtype=np.int32),
        )
    return [pair for pair, shown in zip(pairs, lit, strict=True) if shown]


def write_crops(
    root: Path, lit: list[tuple[int, int]], tokens: np.ndarray, cell: int, rng: np.random.Generator
) -> None:
    """One crop a lit pair, of the code's first cell, and a random one; embeddings gather around codes."""
    own = [(step, code, *np.argwhere(tokens[step] == code)[0]) for step, code in lit]
    random = [(step, code, *rng.integers(0, 4, 2)) for step, code, _, _ in own]
    rows = np.array(own + random, np.int32).reshape(-1, 4)
    box = np.concatenate([rows[:, 2:] * cell, rows[:, 2:] * cell + cell], axis=1).astype(np.int16)
    is_random = np.arange(len(rows)) >= len(own)
    with writing(root / "crops.zarr", CROPS, {}) as store:
        store.append(
            region_map=np.arange(len(own), dtype=np.int32),
            region_box=box[: len(own)],
            crop_step=rows[:, 0],
            crop_code=rows[:, 1],
            crop_box=box,
            crop_random=is_random,
            crop_match=np.tile(np.arange(len(own), dtype=np.int32), 2),
        )
    centres = rng.normal(size=(int(rows[:, 1].max(initial=0)) + 1, 32))
    features = (
        np.where(is_random[:, None], 0, centres[rows[:, 1]]) + 0.8 * rng.normal(size=(len(rows), 32)) + 1
    )
    with writing(root / "embeddings.zarr", EMBEDDINGS, {"weights": "random", "size": 64}) as store:
        store.append(
            embedding=features.astype(np.float16), crop_embedding=np.arange(len(rows), dtype=np.int32)
        )


def write_agent(folder: Path, resolution: int, trained: bool) -> None:
    tokenizer = TokenizerConfig(8, 4, 4, 4, (1, 1, 1, 1, 1), 1, ())
    world_model = WorldModelConfig(max_blocks=2, num_layers=1, num_heads=1, embed_dim=4, dropout=0.0)
    folder.mkdir(exist_ok=True)
    Agent(AgentConfig(resolution, 2, tokenizer, world_model, ActorCriticConfig(4))).save(folder)
    (folder / "evaluation.json").write_text(json.dumps(make_evaluation(trained)))
    # One curve without a value; without training one epoch, and an actor-critic that never began.
    (folder / "curves").mkdir(exist_ok=True)
    epochs = range(1, 30 if trained else 2)
    for component, losses in SERIES.items():
        rows = [
            {
                "epoch": epoch,
                "step": 200 * epoch,
                **dict.fromkeys(losses, np.nan if "return" in losses else 5 / epoch),
            }
            for epoch in epochs
            if trained or component != "actor_critic"
        ]
        pd.DataFrame(rows).to_csv(folder / "curves" / f"{component}.csv", index=False)


def write_tables(
    folder: Path, uses: np.ndarray, lit: list[tuple[int, int]], rng: np.random.Generator
) -> None:
    codes, living = len(uses), sorted({code for _, code in lit})
    table = pd.DataFrame({"code": range(codes), "uses": uses})
    shown = table["code"].isin(living)
    table["consistency_random"] = np.where(shown, rng.uniform(0.5, 0.8, codes), np.nan)
    table["consistency"] = table["consistency_random"] + rng.normal(0.05, 0.08, codes)
    table["p_value"] = np.where(shown & (table["uses"] > 5), 0.01, np.nan)
    table["consistent"] = (table["consistency"] > table["consistency_random"] + 0.08) & table[
        "p_value"
    ].notna()
    table["label"] = [LABELS[code % len(LABELS)] if code in living else None for code in range(codes)]
    table["label_share"] = np.where(shown, 0.6, np.nan)
    table["item"] = ["wood" if code == 2 and code in living else None for code in range(codes)]
    table.to_csv(folder / "codes.csv", index=False)

    steps = {code: {step for step, other in lit if other == code} for code in living}
    pairs = [
        (a, b, len(steps[a] & steps[b])) for a in living for b in living if a < b and steps[a] & steps[b]
    ]
    pairs.sort(key=lambda pair: (-pair[2], pair))
    frame = pd.DataFrame(pairs, columns=["code_a", "code_b", "count"])
    frame["pmi"], frame["meaningful"] = rng.normal(size=len(frame)), rng.random(len(frame)) < 0.2
    frame.to_csv(folder / "pairs.csv", index=False)

    shares = {
        code: rng.dirichlet([4 if i == code % len(LABELS) else 0.5 for i in range(len(LABELS))])
        for code in living
    }
    rows = [
        (code, label, int(uses[code] * s) + 1, s)
        for code in living
        for label, s in zip(LABELS, shares[code], strict=True)
    ]
    pd.DataFrame(rows, columns=["code", "label", "count", "share"]).to_csv(folder / "labels.csv", index=False)
    (folder / "metrics.json").write_text(json.dumps(make_metrics(codes, bool(lit), table, len(pairs))))


def make_metrics(codes: int, alive: bool, table: pd.DataFrame, pairs: int) -> dict[str, Any]:
    def only_alive(value: float) -> float | None:
        return value if alive else None

    empty = {"present_pairs": 0.51, "all_codes_all_steps": 0.912, "codes_always_empty": 0.62}
    empty |= {"used_codes_always_empty": 0.4, "distinct_maps": 0.47}
    empty = {key: share if alive else 1.0 for key, share in empty.items()}
    return {
        "agent": {
            "episodes": 2, "transitions": 40, "return_mean": 1.53, "return_std": 0.4, "length_mean": 167.2,
            "psnr_db": 21.37, "training_steps": 6000,
        },
        "codebook": {
            "size": codes, "used": int((table["uses"] > 0).sum()), "perplexity": 5.25,
            "codes_per_observation": 4.1,
        },
        "empty_share": empty | {f"{key}_before_relu": 0.1 for key in empty},
        "consistency": {
            "codes_tested": int(table["p_value"].notna().sum()),
            "codes_consistent": int(table["consistent"].sum()),
            "share_consistent": only_alive(0.25), "share_of_codebook": 0.05 * alive, "alpha": 0.05,
            "mean_cosine_codes": only_alive(0.71), "mean_cosine_random": only_alive(0.64),
            "codes_too_few_crops": 3, "codes_too_few_episodes": 2, "codes_consistent_beyond_place": alive,
        },
        "cooccurrence": {
            "pairs_seen": pairs, "pairs_tested": pairs // 2, "pairs_judged": pairs // 3,
            "pairs_interpretable": pairs // 5,
            "observations_covered": 0.0123 * alive, "single_episode_share": only_alive(0.4),
            "interpretable_median_share": only_alive(0.0021), "pairs_meaningful": pairs // 4,
            "observations_covered_meaningful": 0.234 * alive, "sets_meaningful": 2 * alive,
            "observations_covered_by_sets": 0.0345 * alive,
        },
        "semantics": {
            "nmi": only_alive(0.31), "nmi_null": only_alive(0.04), "nmi_place": only_alive(0.2),
            "purity": only_alive(0.6), "purity_null": only_alive(0.41), "purity_place": only_alive(0.5),
            "codes_hud": alive, "codes_terrain": 5 * alive, "codes_named": 4 * alive,
            "terrain": {"nmi": only_alive(0.12), "nmi_place": only_alive(0.11)},
        },
    }  # fmt: skip


def make_evaluation(trained: bool) -> dict[str, Any]:
    rates = {name: 0.7 * trained if name == "wake_up" else 0.0 for name in ACHIEVEMENT_NAMES}
    return {
        "episodes": 3, "steps": 500, "return_mean": 1.87, "return_std": 0.31, "length_mean": 166.7,
        "achievements": rates, "score": crafter_score(list(rates.values())),
        "psnr": 22.46 if trained else None, "perplexity": 7.31, "codes_used": 9,
        "world_model": {"observations": 1.234, "rewards": 0.0567, "ends": 0.0089},
    }  # fmt: skip


def sources(root: Path) -> tuple[Path, Path, Path, Path, Path]:
    agent, *stores = (
        root / name for name in ("agent", "rollouts.zarr", "heatmaps.zarr", "crops.zarr", "embeddings.zarr")
    )
    return agent, stores[0], stores[1], stores[2], stores[3]


def report(root: Path, seed: int = 0, config: PlotsConfig = CONFIG) -> dict[str, bytes]:
    """Builds the report; what it wrote, by path."""
    out = root / "reports"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # within seaborn; nobody is shown it
        build_report(config, seed, *sources(root), out)
    written = [out / "index.html", out / "claims.csv", *(out / "figures").iterdir()]
    return {str(path.relative_to(out)): path.read_bytes() for path in written}


@pytest.fixture(scope="module", params=["alive", "nothing to show"])
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(1)
    frames = np.kron(rng.integers(0, 256, (24, 8, 8, 3), np.uint8), np.ones((1, 4, 4, 1), np.uint8))
    tokens = rng.integers(0, CODES - 2, (24, 4, 4)).astype(np.int16)
    write_inputs(path, frames, tokens, CODES, alive=request.param == "alive")
    return path


@pytest.fixture(scope="module")
def written(root: Path) -> dict[str, bytes]:
    return report(root)


def test_a_second_run_writes_the_same_bytes(root: Path, written: dict[str, bytes]) -> None:
    (root / "reports/figures/stale.png").write_bytes(b"from an older run")
    assert report(root) == written


def test_every_figure_is_there_and_not_blank(root: Path, written: dict[str, bytes]) -> None:
    assert {path for path in written if path.endswith(".png")} == {f"figures/{name}.png" for name in FIGURES}
    for name in FIGURES:
        with Image.open(root / f"reports/figures/{name}.png") as image:
            assert np.asarray(image.convert("L")).std() > 0
            assert not image.info.keys() & {"Software", "Creation Time"}


class Reader(HTMLParser):
    """Collects text, ids, images and links, and checks that tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.images: list[dict[str, str]] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.images.append(own)
        if tag in ("a", "link"):
            self.links.append(own["href"])
        if "id" in own:
            self.ids.append(own["id"])
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_shows_every_figure_and_claim_and_loads_nothing_else(
    root: Path, written: dict[str, bytes]
) -> None:
    text = written["index.html"].decode()
    page = Reader(text)
    assert not page.open
    assert len(set(page.ids)) == len(page.ids)
    assert sorted(image["src"] for image in page.images) == sorted(f"figures/{name}.png" for name in FIGURES)
    assert all(image["alt"] for image in page.images)
    claims = list(csv.DictReader(written["claims.csv"].decode().splitlines()))
    assert len(claims) >= 12
    for row in claims:
        assert row["claim"] in page.text
        assert row["definition"] in page.text
    assert not re.search(r"https?:|//|<script|@import|url\(", text)
    for link in set(page.links) - {"data:,"}:
        assert (root / "reports" / link).exists()


def test_every_number_follows_the_metrics(root: Path) -> None:
    inputs = load_inputs(*sources(root), root / "reports")
    metrics = json.loads(json.dumps(inputs.metrics.content))
    metrics["empty_share"]["present_pairs"] = 0.1357
    metrics["agent"]["length_mean"] = 321.5
    changed = replace(inputs, metrics=replace(inputs.metrics, content=metrics))
    claims = collect_claims(changed)
    ours = {row["claim"]: row["ours"] for row in csv.DictReader(claims_csv(claims).decode().splitlines())}
    assert ours["Empty maps of present codes"] == "0.1357"
    assert ours["Length of an episode"] == "321.5"
    # In the headline, the table, the caption and the alternative text.
    page = render_page(changed, claims, [empty_share(changed)]).decode()
    assert page.count("13.6%") == 4
    assert "13.6%" not in render_page(inputs, collect_claims(inputs), [empty_share(inputs)]).decode()


def test_codes_are_named_by_label_and_item(root: Path) -> None:
    inputs = load_inputs(*sources(root), root / "reports")
    codes = inputs.codes.assign(label=None, item=None)
    codes.loc[[3, 4], "label"], codes.loc[4, "item"] = ["grass", "hud"], "wood"
    named = replace(inputs, codes=codes)
    assert [named.name_of(code) for code in (2, 3, 4)] == ["2", "3 (grass)", "4 (hud: wood)"]


@pytest.mark.parametrize(
    ("file", "stage"),
    [
        ("reports/metrics.json", "metrics"),
        ("reports/codes.csv", "metrics"),
        ("reports/pairs.csv", "metrics"),
        ("reports/labels.csv", "metrics"),
        ("agent/evaluation.json", "train"),
    ],
)
def test_a_missing_or_foreign_table_is_a_one_line_error(root: Path, file: str, stage: str) -> None:
    path = root / file
    before = path.read_bytes()
    path.unlink()
    with pytest.raises(ArtifactError, match=rf"{path.name}: missing; run the {stage} stage"):
        report(root)
    path.write_text("{}")
    with pytest.raises(ArtifactError, match=rf"{path.name}: has no .*; run the {stage} stage again"):
        report(root)
    path.write_bytes(before)
    assert not (root / "reports/figures.partial").exists()


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"achievements": {"wake_up": "often"}}', '{"psnr": '])
def test_a_damaged_evaluation_is_a_one_line_error(root: Path, text: str) -> None:
    path = root / "agent/evaluation.json"
    before = path.read_bytes()
    path.write_text(text)
    with pytest.raises(ArtifactError, match=r"evaluation.json: (has no number|not valid JSON).*train stage"):
        report(root)
    path.write_bytes(before)


def test_rollouts_of_another_agent_are_refused(root: Path) -> None:
    path = root / "agent/config.json"
    before = path.read_bytes()
    path.write_bytes(before + b" ")
    with pytest.raises(ArtifactError, match=r"rollouts.zarr: played by another agent"):
        report(root)
    path.write_bytes(before)


def test_page_compares_the_agent_with_what_was_published(root: Path, written: dict[str, bytes]) -> None:
    text = Reader(written["index.html"].decode()).text
    for row in PUBLISHED:
        assert row.name in text
        assert row.source in text
    section = text[text.index("How good is the agent?") : text.index("What differs from the paper")]
    for shown in ("1.87", "0.31", "1.23 nats", "6,000", "3 episodes", "7.31"):
        assert shown in section


def test_recordings_give_the_published_scores() -> None:
    for recording, published in ((RANDOM, PUBLISHED[0]), (HUMAN, PUBLISHED[-1])):
        assert recording.unlocked.keys() == set(ACHIEVEMENT_NAMES)
        rates = [count / recording.episodes for count in recording.unlocked.values()]
        assert max(rates) <= 1
        # Published is the mean of the scores of five runs, this is the score of their mean.
        assert crafter_score(rates) == pytest.approx(published.score, rel=0.05)


def test_achievements_are_drawn_most_frequent_first(root: Path) -> None:
    inputs = load_inputs(*sources(root), root / "reports")
    content = inputs.evaluation.content
    rates = {name: place / 100 for place, name in enumerate(ACHIEVEMENT_NAMES)}
    changed = {**content, "achievements": rates}
    figure = achievements(replace(inputs, evaluation=replace(inputs.evaluation, content=changed))).figure
    axes = figure.axes[0]
    bars = [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]
    assert bars == sorted(rates.values(), reverse=True)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [name.replace("_", " ") for name in reversed(ACHIEVEMENT_NAMES)]


def test_text_is_escaped(root: Path) -> None:
    inputs = load_inputs(*sources(root), root / "reports")
    claim = Claim('<b>"a", b</b>', "line\nbreak", "almost none", None, "share")
    assert "<b>" not in render_page(inputs, [claim], []).decode()
    rows = list(csv.reader(claims_csv([claim]).decode().splitlines(keepends=True)))
    assert rows[1] == ['<b>"a", b</b>', "line\nbreak", "almost none", ""]


@pytest.mark.parametrize("length", [0, 1, 2, 7, 100])
@pytest.mark.parametrize("wanted", [1, 2, 6])
def test_spread_reaches_both_ends_without_repeats(length: int, wanted: int) -> None:
    indices = spread(length, wanted)
    assert len(indices) == min(length, wanted)
    assert len(np.unique(indices)) == len(indices)
    assert all(0 <= index < length for index in indices)
    if min(length, wanted) > 1:
        assert (indices[0], indices[-1]) == (0, length - 1)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent(0.0), "0%"),
        (percent(1.0), "100%"),
        (percent(0.1234), "12.3%"),
        (percent(0.00012), "0.012%"),
        (percent(0.9999), "99.99%"),
        (percent(None), "undefined"),
        (number(127434.0), "127,434"),
        (number(0.03456), "0.0346"),
        (number(None), "undefined"),
        (many(1, "code"), "1 code"),
        (many(0, "code"), "0 codes"),
    ],
)
def test_wording(shown: str, expected: str) -> None:
    assert shown == expected


def test_a_large_tsne_keeps_every_point_of_the_coloured_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsne, "MAX_POINTS", 20)
    kept = np.array([3, 50, 98])
    drawn = tsne._sample(np.arange(100), kept, seed=0)
    assert len(drawn) == 20
    assert set(kept) <= set(drawn)
    assert (np.diff(drawn) > 0).all()
    assert tsne._sample(np.arange(15), kept[:1], seed=0).tolist() == list(range(15))
