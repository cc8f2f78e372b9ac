import json
import math
import shutil
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import zarr
from recordings import record_maps, record_play
from test_comparison import Fake
from torch.nn import functional

from irislib.agent import Agent
from irislib.agent.config import ActorCriticConfig, AgentConfig, WorldModelConfig
from irislib.artifacts import digest, open_store, writing
from irislib.artifacts.content import file_sizes
from irislib.errors import ArtifactError, ParamError
from irislib.interpret.crops.cropping import crop_regions
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.embedder_comparison import SUMMARY, CompareConfig, compare_embedders
from irislib.interpret.embedding.embed import EmbedConfig, embed_crops
from irislib.interpret.embedding.weights import EMBEDDERS
from irislib.interpret.metrics import HEADLINE, compute_metrics
from irislib.interpret.metrics_config import MetricsConfig
from irislib.params import parse_value
from irislib.stores.changes import CHANGES
from irislib.stores.crops import CROPS, ELSEWHEN, OWN, RANDOM
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.config import IrisConfig, VectorQuantizerConfig
from irislib.worlds.crafter.game import CrafterConfig

pytestmark = pytest.mark.filterwarnings("error")

CONFIG = MetricsConfig(
    alpha=0.05,
    min_crops=3,
    min_pair_count=2,
    min_set_share=0.0,
    max_set_size=3,
    psnr_frames=5,
)
NAMES = ["grass", "tree", "cow", "display"]
DESCRIPTION = replace(
    CrafterConfig().describe(),
    labels=("grass", "tree", "cow"),
    quantities=("health", "wood"),
    quantity_box=np.array([0, 1], np.int16),
    goals=("eat", "wake"),
)
FOUND = "tested selected confirmed low high confirmation holds"
AGREEMENT = (
    "nmi homogeneity completeness purity nmi_low nmi_high nmi_null nmi_place purity_low purity_high "
    "purity_null purity_place purity_base"
)
KEYS = {
    "agent": "episodes transitions return_mean return_std length_mean score success_rate psnr_db "
    "training_steps",
    "strata": "day night hidden",
    "codebook": "size used perplexity codes_per_observation",
    "empty_share": "present_occurrences present_occurrences_before_relu all_codes_all_steps "
    "all_codes_all_steps_before_relu codes_always_empty codes_always_empty_before_relu distinct_maps "
    "distinct_maps_before_relu used_codes_always_empty used_codes_always_empty_before_relu",
    "maps": "distinct occurrences nonempty_occurrences occurrences_per_map",
    "crops": "regions crops distinct_crops codes_with_crops",
    "consistency": f"{FOUND} null mean_cosine mean_cosine_elsewhen median_difference mean_monosemanticity "
    "mean_monosemanticity_elsewhen",
    "random": f"{FOUND} mean_cosine",
    "names": f"{FOUND} null by_label",
    "items": f"{FOUND} null",
    "pairs": f"{FOUND} null covered",
    "sets": f"{FOUND} null covered",
    "agreement": AGREEMENT,
    "world": AGREEMENT,
    "overlap": "mean_iou mean_iou_place",
}
COLUMNS = {
    "codes": "code uses steps_present distinct_maps empty_share empty_share_before_relu crops distinct_crops "
    "episodes consistency consistency_elsewhen monosemanticity monosemanticity_elsewhen difference "
    "difference_low difference_high confirmed consistent consistency_random random_difference "
    "random_confirmed beats_random label label_share label_lift iou_label iou iou_elsewhen display_share "
    "kind name name_share name_expected name_confirmed item item_mean item_expected item_confirmed",
    "pairs": "code_a code_b count share expected episodes label_a label_b label_share label_lift confirmed "
    "meaningful",
    "sets": "codes size count share episodes labels confirmed meaningful",
    "labels": "code label count share lift mass_share place_share confirmed iou",
    "power": "label episodes planted named",
}
TESTS = ("consistency", "random", "names", "items", "pairs", "sets")  # sections of findings


@dataclass(frozen=True)
class World:
    """What to write: tokens [T,4,4], raw maps [U,4,4] with their codes, and which pair has which."""

    tokens: np.ndarray
    raw: np.ndarray
    code: np.ndarray
    occurrence_step: np.ndarray
    occurrence_map: np.ndarray
    codes: int
    episodes: int
    label: np.ndarray | None = None  # u8 [T,63]; at random by default


def by_hand() -> World:
    """Four codes, two of them unused; one map is not empty, two are negative, one is zero."""
    half = np.repeat([0, 1], 8).reshape(4, 4)
    value = np.array([1.0, -1.0, 0.0, -1.0])[:, None, None] * np.ones((4, 4))
    return World(
        tokens=np.stack([0 * half, half, half, 0 * half + 1]),
        raw=value,
        code=np.array([0, 0, 1, 1]),
        occurrence_step=np.array([0, 1, 1, 2, 2, 3]),
        occurrence_map=np.array([0, 1, 2, 1, 2, 3]),
        codes=4,
        episodes=2,
    )


def by_chance(seed: int = 0, steps: int = 40, codes: int = 6) -> World:
    """Random tokens and maps, one a pair; a third are empty."""
    rng = np.random.default_rng(seed)
    tokens = np.minimum(rng.integers(0, codes, (steps, 4, 4)), rng.integers(0, codes, (steps, 1, 1)))
    pairs = np.array([(t, k) for t in range(steps) for k in np.unique(tokens[t])])
    raw = rng.random((len(pairs), 4, 4)) * rng.choice([1, 1, -1], (len(pairs), 1, 1))
    return World(tokens, raw, pairs[:, 1], pairs[:, 0], np.arange(len(pairs)), codes, episodes=8)


def write(root: Path, world: World, with_crops: bool = True) -> dict[str, Path]:
    """The six inputs; every occurrence with a map gets a crop, code 1's all alike but for noise."""
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    names = ("agent", "rollouts", "heatmaps", "changes", "crops", "embeddings")
    paths = {name: root / name for name in names}
    write_agent(paths["agent"], world.codes)
    write_rollouts(paths["rollouts"], world, rng)
    write_heatmaps(paths["heatmaps"], world)
    pairs = np.stack([world.occurrence_step, world.occurrence_map], axis=1)
    play = open_store(paths["rollouts"], ROLLOUTS)
    record_maps(paths["changes"], world.raw, world.code, pairs, play, schema=CHANGES)
    alive = (
        np.flatnonzero(world.raw.max(axis=(1, 2))[world.occurrence_map] > 0)
        if with_crops
        else np.zeros(0, int)
    )
    write_crops(paths["crops"], world, alive)
    vectors = rng.normal(size=(3 * len(alive), 64))
    vectors[: len(alive)][world.code[world.occurrence_map[alive]] == 1] += 5
    write_embeddings(paths["embeddings"], vectors)
    return paths


def write_agent(path: Path, codes: int) -> None:
    tokenizer = IrisConfig(VectorQuantizerConfig("vq", codes, 4, 0), 4, 4, (1,) * 5, 1, ())
    config = AgentConfig((64, 64), 17, tokenizer, WorldModelConfig(2, 1, 1, 8, 0.0), ActorCriticConfig(8))
    path.mkdir()
    Agent(config, steps=77).save(path)


def write_rollouts(path: Path, world: World, rng: np.random.Generator) -> None:
    steps = len(world.tokens)
    record_play(
        path,
        rng.integers(0, 256, (steps, 64, 64, 3)).astype(np.uint8),
        world.tokens,
        world.codes,
        path.with_name("agent"),
        DESCRIPTION,
        reward=np.arange(steps, dtype=np.float32),
        # Lanes interleave.
        episode=(2 * (np.arange(steps) % world.episodes) + 3).astype(np.int32),
        label=rng.integers(0, 3, (steps, 63)).astype(np.uint8) if world.label is None else world.label,
        quantity=rng.integers(0, 3, (steps, 2)).astype(np.uint8),
        hidden=(np.arange(steps) % 7 == 3) & (world.label is None),
        goal=np.stack([np.arange(steps) == 1, np.zeros(steps, bool)], axis=1),
    )


def write_heatmaps(path: Path, world: World, steps: int | None = None) -> None:
    attrs = {
        "codebook_size": world.codes,
        "steps": len(world.tokens) if steps is None else steps,
        "frame_size": [64, 64],
    }
    with writing(path, HEATMAPS, attrs) as store:
        store.append(
            heatmap=np.maximum(world.raw, 0).astype(np.float32),
            map_raw_max=world.raw.max(axis=(1, 2)).astype(np.float32),
            map_raw_min=world.raw.min(axis=(1, 2)).astype(np.float32),
            map_code=world.code.astype(np.int32),
            map_positions=np.zeros((len(world.raw), 4, 4), bool),
            occurrence_step=world.occurrence_step.astype(np.int32),
            occurrence_map=world.occurrence_map.astype(np.int32),
        )


def write_crops(path: Path, world: World, pairs: np.ndarray) -> None:
    n = len(pairs)
    maps = world.occurrence_map[pairs]
    attrs = {"threshold": 0.5, "min_area": 1, "max_per_code": 99, "connectivity": 1}
    with writing(path, CROPS, attrs) as store:
        store.append(
            region_map=maps.astype(np.int32),
            region_box=np.zeros((n, 4), np.int16),
            crop_step=np.tile(world.occurrence_step[pairs], 3).astype(np.int32),
            crop_code=np.tile(world.code[maps], 3).astype(np.int32),
            crop_box=np.zeros((3 * n, 4), np.int16),
            crop_kind=np.repeat([OWN, RANDOM, ELSEWHEN], n).astype(np.uint8),
            crop_match=np.tile(np.arange(n), 3).astype(np.int32),
        )


def write_embeddings(path: Path, vectors: np.ndarray) -> None:
    length = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    directions = np.rint(127 * vectors / length).astype(np.int8)
    with writing(path, EMBEDDINGS, {}) as store:
        store.append(embedding=directions, crop_embedding=np.arange(len(vectors), dtype=np.int32))


def measure(paths: dict[str, Path], out: Path, config: MetricsConfig = CONFIG) -> dict[str, Any]:
    compute_metrics(config, seed=0, out=out, **paths)
    headline, details = (json.loads((out / f"{name}.json").read_text()) for name in ("metrics", "details"))
    assert {section: tuple(values) for section, values in headline.items()} == HEADLINE
    return {section: values | headline.get(section, {}) for section, values in details.items()}


def test_shares_by_hand(tmp_path: Path) -> None:
    metrics = measure(write(tmp_path, by_hand()), tmp_path / "out")
    assert metrics["empty_share"] == {
        "present_occurrences": pytest.approx(5 / 6, rel=1e-5),
        "present_occurrences_before_relu": pytest.approx(2 / 6, rel=1e-5),
        "all_codes_all_steps": 1 - 1 / 16,
        "all_codes_all_steps_before_relu": 1 - 4 / 16,
        "codes_always_empty": 3 / 4,
        "codes_always_empty_before_relu": 2 / 4,
        "distinct_maps": 3 / 4,
        "distinct_maps_before_relu": 1 / 4,
        "used_codes_always_empty": 1 / 2,
        "used_codes_always_empty_before_relu": 0,
    }
    assert metrics["codebook"] == {"size": 4, "used": 2, "perplexity": 2, "codes_per_observation": 1.5}
    assert metrics["maps"] == {
        "distinct": 4,
        "occurrences": 6,
        "nonempty_occurrences": 1,
        "occurrences_per_map": 1.5,
    }
    assert metrics["crops"] == {"regions": 1, "crops": 1, "distinct_crops": 1, "codes_with_crops": 1}
    agent = metrics["agent"]
    # Rewards 0, 1, 2, 3 alternate between two episodes: returns 2 and 4.
    assert (agent["return_mean"], agent["return_std"], agent["length_mean"]) == (3, 1, 2)
    assert (agent["episodes"], agent["transitions"], agent["training_steps"]) == (2, 4, 77)
    assert agent["success_rate"] == {"eat": 0.5, "wake": 0}
    assert agent["score"] == pytest.approx(math.sqrt(51) - 1, rel=1e-5)
    codes = pd.read_csv(tmp_path / "out/codes.csv")
    assert list(codes["uses"]) == [32, 32, 0, 0]
    assert list(codes["steps_present"]) == [3, 3, 0, 0]
    assert list(codes["empty_share"].fillna(-1)) == pytest.approx([2 / 3, 1, -1, -1], rel=1e-5)
    assert list(codes["empty_share_before_relu"].fillna(-1)) == pytest.approx([0, 2 / 3, -1, -1], rel=1e-5)


@pytest.mark.parametrize(("make", "with_crops"), [(by_chance, True), (by_chance, False), (by_hand, True)])
def test_outputs_are_complete(make: Callable[[], World], with_crops: bool, tmp_path: Path) -> None:
    world = make()
    paths = write(tmp_path, world, with_crops)
    metrics = measure(paths, tmp_path / "out")
    assert {section: set(values) for section, values in metrics.items()} == {
        section: set(keys.split()) for section, keys in KEYS.items()
    }
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        *("codes.csv", "details.json", "labels.csv", "metrics.json", "pairs.csv", "power.csv", "sets.csv"),
    ]
    for name, columns in COLUMNS.items():
        assert " ".join(pd.read_csv(tmp_path / f"out/{name}.csv").columns) == columns
    codes = pd.read_csv(tmp_path / "out/codes.csv")
    labels = pd.read_csv(tmp_path / "out/labels.csv")
    assert list(codes["code"]) == list(range(world.codes))
    hidden = open_store(paths["rollouts"], ROLLOUTS).read("hidden")
    alive = world.raw.max(axis=(1, 2))[world.occurrence_map] > 0
    assert labels["count"].sum() == (alive & ~hidden[world.occurrence_step]).sum()
    assert metrics["strata"] == {
        "day": pytest.approx(1 - hidden.mean(), rel=1e-5),
        "night": 0,
        "hidden": pytest.approx(hidden.mean(), rel=1e-5),
    }
    # Half of 2 or 8 episodes are too few for a test.
    assert_nothing_found(metrics)
    assert codes["confirmed"].isna().all() and not codes["consistent"].any()


def assert_nothing_found(metrics: dict[str, Any], visible: bool = True) -> None:
    """Nothing can be tested, so there are no findings, and nothing is undefined but shares of them."""
    for section in TESTS:
        counts = {key: metrics[section][key] for key in (*FOUND.split(), "null") if key in metrics[section]}
        assert counts.pop("confirmation") is None
        assert set(counts.values()) == {0}, section
    assert set(metrics["names"]["by_label"].values()) == {0}
    assert metrics["pairs"]["covered"] == metrics["sets"]["covered"] == (0 if visible else None)
    assert {metrics["consistency"][f"mean_cosine{suffix}"] for suffix in ("", "_elsewhen")} == {None}
    assert metrics["random"]["mean_cosine"] is metrics["consistency"]["median_difference"] is None


def pixel_labels(paths: dict[str, Path]) -> tuple[np.ndarray, np.ndarray]:
    """What each pixel shows, by its index in `NAMES`, int [T,64,64], -1 in the margin; and who is awake."""
    play = open_store(paths["rollouts"], ROLLOUTS)
    shown = np.full((len(play), 64, 64), -1)
    shown[:, :63, :63] = NAMES.index("display")
    shown[:, :49, :63] = np.kron(play.read("label").reshape(-1, 7, 9), np.ones((1, 7, 7), int))
    asleep = play.read("hidden")
    assert asleep.any()
    return shown, ~asleep


def large_maps(paths: dict[str, Path]) -> np.ndarray:
    """The maps of change at the size of the frame, float32 [U,64,64]."""
    maps = open_store(paths["changes"], CHANGES).read("heatmap").astype(np.float32)
    large: np.ndarray = functional.interpolate(
        torch.from_numpy(maps)[:, None], size=64, mode="bilinear"
    ).numpy()
    return large[:, 0]


def test_labels_equal_a_count_of_pixels(tmp_path: Path) -> None:
    world = by_chance()
    paths = write(tmp_path, world)
    metrics = measure(paths, tmp_path / "out")
    (shown, awake), pixels = pixel_labels(paths), large_maps(paths)
    expected: Counter[tuple[int, str]] = Counter()
    for step, row in zip(world.occurrence_step, world.occurrence_map, strict=True):
        mass = [pixels[row][shown[step] == label].sum() for label in range(len(NAMES))]
        if max(mass) > 0 and awake[step]:
            expected[world.code[row], NAMES[int(np.argmax(mass))]] += 1
    labels = pd.read_csv(tmp_path / "out/labels.csv")
    found = zip(labels["code"], labels["label"], labels["count"], strict=True)
    assert {(code, label): count for code, label, count in found} == expected
    assert len(expected) > 6
    by_code: dict[int, list[int]] = {}
    for (code, _), count in expected.items():
        by_code.setdefault(code, []).append(count)
    purity = sum(map(max, by_code.values())) / sum(expected.values())
    assert metrics["agreement"]["purity"] == pytest.approx(purity, rel=1e-5)


def test_overlap_equals_a_count_of_pixels(tmp_path: Path) -> None:
    world = by_chance()
    paths = write(tmp_path, world)
    metrics = measure(paths, tmp_path / "out")
    (shown, awake), large = pixel_labels(paths), large_maps(paths)
    inside = (large >= 0.5 * large.max(axis=(1, 2), keepdims=True)) & (large > 0)
    shared, either = np.zeros((2, world.codes, len(NAMES)))
    for step, row in zip(world.occurrence_step, world.occurrence_map, strict=True):
        mask = inside[row] & (shown[step] >= 0)
        for label in range(len(NAMES)) if mask.any() and awake[step] else ():
            shared[world.code[row], label] += (mask & (shown[step] == label)).sum()
            either[world.code[row], label] += (mask | (shown[step] == label)).sum()
    iou = shared / either
    codes = pd.read_csv(tmp_path / "out/codes.csv")
    assert codes["iou"].to_numpy() == pytest.approx(iou.max(axis=1), rel=1e-4)
    assert list(codes["iou_label"]) == list(np.array(NAMES)[iou.argmax(axis=1)])
    assert metrics["overlap"]["mean_iou"] == pytest.approx(iou.max(axis=1).mean(), rel=1e-4)


def planted(steps: int = 80, episodes: int = 8) -> World:
    """A cow somewhere in a meadow in every observation; code 1 where it is, code 2 anywhere."""
    rng = np.random.default_rng(3)
    tokens = rng.choice([0, 3], (steps, 4, 4))
    semantic = np.zeros((steps, 7, 9), np.uint8)
    raw, pairs = [], []
    for step in range(steps):
        y, x = rng.integers(0, [3, 4])
        tokens[step, y, x] = 1
        tokens[step, rng.integers(0, 3), rng.integers(0, 4)] = 2
        top, left = 16 * y // 7, 16 * x // 7
        semantic[step, top : top + 3, left : left + 3] = 2
        for code in np.unique(tokens[step]):
            place = rng.choice(np.flatnonzero(tokens[step] == code))
            pairs.append((step, code))
            raw.append(np.eye(16)[place].reshape(4, 4))
    step, code = np.array(pairs).T
    return World(
        tokens, np.array(raw), code, step, np.arange(len(step)), 4, episodes, semantic.reshape(steps, -1)
    )


@dataclass(frozen=True)
class Measured:
    """All numbers and tables of some made-up play."""

    metrics: dict[str, Any]
    tables: dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """The planted code in enough episodes for tests on either half of them."""
    root = tmp_path_factory.mktemp("planted")
    paths = write(root, planted(steps=240, episodes=30))
    metrics = measure(paths, root / "out", replace(CONFIG, min_crops=20))
    return Measured(metrics, {name: pd.read_csv(root / f"out/{name}.csv") for name in COLUMNS})


def test_planted_code_is_found_and_named_and_random_ones_are_not(found: Measured) -> None:
    codes, metrics = found.tables["codes"], found.metrics
    assert list(codes["consistent"]) == list(codes["beats_random"]) == [False, True, False, False]
    assert codes.loc[1, "difference_low"] > 0.2
    # Codes 0 and 3 are never where the cow is, so they show more of the meadow than their places do.
    assert list(codes["name"].fillna("")) == ["grass", "cow", "", "grass"]
    row = codes.loc[1]
    assert (row["label"], row["iou_label"], row["kind"]) == ("cow", "cow", "world")
    assert row["label_share"] > 0.9
    assert row["iou"] > 2 * row["iou_elsewhen"]
    assert row["name_share"] > 2 * row["name_expected"]
    labels = found.tables["labels"].set_index(["code", "label"])
    assert labels.loc[(1, "cow"), "mass_share"] > 2 * labels.loc[(1, "cow"), "place_share"]
    assert labels.loc[(1, "cow"), "confirmed"] == row["name_confirmed"] == 1
    assert (codes["label"].drop(1) != "cow").all()
    assert metrics["names"]["by_label"] == {"grass": 2, "tree": 0, "cow": 1}
    assert metrics["consistency"]["confirmed"] == pytest.approx(1, abs=0.2)
    assert metrics["names"]["null"] < 0.5 and metrics["consistency"]["null"] < 0.5
    assert metrics["world"]["nmi"] > metrics["world"]["nmi_place"] + 0.05
    power = found.tables["power"].set_index("label")
    assert list(power.index) == ["grass", "cow", "nothing"]
    assert (power["episodes"] == 30).all() and (power["planted"] == 20).all()
    assert power.loc["cow", "named"] == 1 and power.loc["nothing", "named"] <= 0.1


def test_sums_agree_with_the_tables(found: Measured) -> None:
    metrics, codes = found.metrics, found.tables["codes"]
    tested = codes[codes["confirmed"].notna()]
    assert len(tested) == metrics["consistency"]["tested"] == 4
    assert codes["consistent"].sum() == metrics["consistency"]["holds"]
    assert codes["beats_random"].sum() == metrics["random"]["holds"]
    assert codes["random_confirmed"].notna().sum() == metrics["random"]["tested"]
    means = {"mean_cosine": "consistency", "mean_cosine_elsewhen": "consistency_elsewhen"}
    means |= {"mean_monosemanticity": "monosemanticity"}
    for key, column in means.items():
        assert metrics["consistency"][key] == pytest.approx(tested[column].mean(), rel=1e-4)
    assert metrics["random"]["mean_cosine"] == pytest.approx(tested["consistency_random"].mean(), rel=1e-4)
    assert metrics["consistency"]["median_difference"] == pytest.approx(
        tested["difference"].median(), rel=1e-4
    )
    assert codes["name"].notna().sum() == metrics["names"]["holds"] == 3
    assert codes["item"].notna().sum() == metrics["items"]["holds"]
    # labels.csv leaves out a label that never has most of a map's mass.
    assert 0 < found.tables["labels"]["confirmed"].notna().sum() <= metrics["names"]["tested"]
    for name in ("pairs", "sets"):
        table = found.tables[name]
        assert len(table) == metrics[name]["tested"] == 0  # of one consistent code
    for section in TESTS:
        numbers = metrics[section]
        assert 0 <= numbers["low"] <= numbers["confirmed"] <= numbers["high"] <= numbers["tested"]
        assert numbers["confirmed"] <= numbers["selected"] <= numbers["tested"]
        if numbers["selected"]:
            share = numbers["confirmed"] / numbers["selected"]
            assert numbers["confirmation"] == pytest.approx(share, rel=1e-4)


@pytest.mark.parametrize("make", [by_chance, planted])
def test_numbers_that_need_no_test_are_those_of_before(make: Callable[[], World], tmp_path: Path) -> None:
    golden = json.loads((Path(__file__).parent / "golden/metrics.json").read_text())[make.__name__]
    numbers = measure(write(tmp_path, make()), tmp_path / "out")
    del numbers["agent"]["psnr_db"]  # of an agent with random weights
    for section, values in golden.items():
        assert flat(numbers[section]) == pytest.approx(flat(values), rel=1e-4, nan_ok=True), section


def flat(values: dict[str, Any]) -> dict[str, float]:
    """Nested numbers by their dotted keys; NaN where undefined."""
    found: dict[str, float] = {}
    for key, value in values.items():
        inner = flat(value) if isinstance(value, dict) else {"": math.nan if value is None else value}
        found |= {f"{key}.{name}".rstrip("."): number for name, number in inner.items()}
    return found


@pytest.mark.parametrize("why", ["every region is too small", "every map is empty"])
def test_without_any_region_every_stage_ends_well(
    why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EMBEDDERS, "colours", Fake(blind=False).make)
    world = by_chance()
    paths = write(tmp_path, replace(world, raw=-abs(world.raw)) if "empty" in why else world)
    for name in ("crops", "embeddings"):
        shutil.rmtree(paths[name])
    config = CropConfig(threshold=1.0, min_area=4096, max_per_code=9, connectivity=1)
    crop_regions(config, seed=0, rollouts=paths["rollouts"], changes=paths["changes"], out=paths["crops"])
    embed = EmbedConfig("colours", 32, 16)
    inputs = {name: paths[name] for name in ("rollouts", "crops")} | {"embedder": tmp_path}
    embed_crops(embed, 0, out=paths["embeddings"], **inputs)
    metrics = measure(paths, tmp_path / "out")
    inputs |= {name: paths[name] for name in ("changes", "embeddings")}
    compare_embedders(CompareConfig(("colours",)), embed, CONFIG, 0, out=tmp_path / "out", **inputs)

    assert set(metrics["crops"].values()) == {0}
    assert_nothing_found(metrics)
    for name, columns in COLUMNS.items():
        assert " ".join(pd.read_csv(tmp_path / f"out/{name}.csv").columns) == columns
    (row,) = pd.read_csv(tmp_path / "out/embedders.csv").to_dict("records")
    assert set(SUMMARY) < set(row)
    assert row["tested"] == row["confirmed"] == row["null"] == 0
    assert math.isnan(row["mean_cosine"]) and math.isnan(row["label_overlap"])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_maps_that_are_not_finite_are_refused(value: float, tmp_path: Path) -> None:
    paths = write(tmp_path, by_hand())
    # Our writer refuses such a map; another program's may not.
    store = zarr.open_group(paths["heatmaps"], mode="r+")
    peaks = store["map_raw_max"]
    assert isinstance(peaks, zarr.Array)
    peaks[0] = value
    store.update_attributes({"files": file_sizes(paths["heatmaps"])})
    with warnings.catch_warnings(action="ignore"):
        zarr.consolidate_metadata(paths["heatmaps"])
    with pytest.raises(
        ArtifactError, match=r"heatmaps: holds maps that are not finite .*run the gradcam stage"
    ):
        measure(paths, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def set_strata(paths: dict[str, Path], hidden: bool) -> None:
    """All observations are hidden; or every other episode is at night."""
    play = open_store(paths["rollouts"], ROLLOUTS)
    rows = {array: play.read(array) for array in ROLLOUTS.arrays}
    if hidden:
        rows["hidden"] = np.ones(len(play), bool)
    else:
        rows["daylight"] = (np.arange(len(play)) % 2).astype(np.float32)
    attrs = play.attrs
    shutil.rmtree(paths["rollouts"])
    with writing(paths["rollouts"], ROLLOUTS, attrs) as store:
        store.append(**rows)


def test_nothing_shown_means_nulls(tmp_path: Path) -> None:
    world = by_chance(steps=72)
    world = replace(world, raw=-world.raw.clip(0), episodes=24)
    metrics = measure(write(tmp_path, world), tmp_path / "out")
    assert metrics["empty_share"]["present_occurrences"] == 1
    assert 0 < metrics["empty_share"]["present_occurrences_before_relu"] < 1
    assert_nothing_found(metrics)
    for section in ("agreement", "world", "overlap"):
        assert set(metrics[section].values()) == {None}, section
    codes = pd.read_csv(tmp_path / "out/codes.csv")
    assert codes.loc[:, "label":"item_confirmed"].isna().all(axis=None)
    power = pd.read_csv(tmp_path / "out/power.csv")
    assert len(power) == 4  # of the world, whatever the maps are


@pytest.mark.parametrize("hidden", [True, False])
def test_hidden_observations_show_nothing(hidden: bool, tmp_path: Path) -> None:
    paths = write(tmp_path, by_chance())
    set_strata(paths, hidden)
    metrics = measure(paths, tmp_path / "out")
    assert metrics["strata"]["hidden" if hidden else "night"] >= 0.4
    labels = pd.read_csv(tmp_path / "out/labels.csv")
    assert (len(labels) == 0) == hidden
    assert (metrics["agreement"]["purity"] is None) == hidden
    assert_nothing_found(metrics, visible=not hidden)
    power = pd.read_csv(tmp_path / "out/power.csv")
    assert (len(power) == 0) == hidden
    assert " ".join(power.columns) == COLUMNS["power"]


@pytest.mark.parametrize("episodes", [1, 2, 9])
def test_few_episodes_find_nothing(episodes: int, tmp_path: Path) -> None:
    metrics = measure(write(tmp_path, planted(steps=40, episodes=episodes)), tmp_path / "out")
    assert_nothing_found(metrics)
    assert metrics["agent"]["episodes"] == episodes
    codes = pd.read_csv(tmp_path / "out/codes.csv")
    assert codes["name"].isna().all() and codes["item"].isna().all()
    assert codes["difference"].notna().all() == (episodes > 1)
    assert metrics["world"]["purity"] > 0.5


def test_run_repeats_itself_and_leaves_other_files_alone(tmp_path: Path) -> None:
    paths = write(tmp_path, by_chance())
    out = tmp_path / "out"
    out.mkdir()
    (out / "index.html").write_text("page")
    measure(paths, out)
    first = digest(out)
    measure(paths, out)
    assert digest(out) == first
    assert (out / "index.html").read_text() == "page"


def rewrite_agent(paths: dict[str, Path], world: World) -> str:
    paths["agent"] = paths["agent"].with_name("other")
    write_agent(paths["agent"], world.codes + 1)
    return "rollouts: its tokens were not made by .*run the rollout stage again"


def rewrite_heatmaps(paths: dict[str, Path], world: World) -> str:
    write_heatmaps(paths["heatmaps"], world, steps=len(world.tokens) + 1)
    return "heatmaps: does not belong to .*run the gradcam stage"


def rewrite_crops(paths: dict[str, Path], world: World) -> str:
    write_crops(paths["crops"], replace(world, code=world.code + world.codes), np.arange(3))
    return "crops: does not belong to .*run the crop stage"


def rewrite_embeddings(paths: dict[str, Path], world: World) -> str:
    write_embeddings(paths["embeddings"], np.ones((4, 8)))
    return "embeddings: does not belong to .*run the embed stage"


def blank_embeddings(paths: dict[str, Path], world: World) -> str:
    write_embeddings(paths["embeddings"], np.zeros((3, 8)))
    return "embeddings: holds features that are zero; run the embed stage"


def forget_embeddings(paths: dict[str, Path], world: World) -> str:
    paths["embeddings"] = paths["embeddings"].with_name("nowhere")
    return "nowhere: missing; .*embed stage"


@pytest.mark.parametrize(
    "change",
    [rewrite_agent, rewrite_heatmaps, rewrite_crops, rewrite_embeddings, blank_embeddings, forget_embeddings],
)
def test_inputs_that_do_not_belong_together(
    change: Callable[[dict[str, Path], World], str], tmp_path: Path
) -> None:
    world = by_hand()
    paths = write(tmp_path, world)
    message = change(paths, world)
    with pytest.raises(ArtifactError, match=message):
        measure(paths, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"permutations": 99}, "permutations"),
        ({"alpha": 0}, "alpha"),
        ({"min_crops": 1}, "min_crops"),
        ({"max_set_size": 2}, "max_set_size"),
    ],
)
def test_impossible_parameters_are_named(change: dict[str, float], key: str) -> None:
    values = {"alpha": 0.05, "min_crops": 5, "min_pair_count": 10, "psnr_frames": 4}
    values |= {"min_set_share": 0.001, "max_set_size": 4}
    assert parse_value(values, "metrics", MetricsConfig).min_crops == 5
    with pytest.raises(ParamError, match=rf"^metrics\.{key}: "):
        parse_value({**values, **change}, "metrics", MetricsConfig)
