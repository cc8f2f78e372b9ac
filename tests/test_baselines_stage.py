"""The stage `baselines`: planted codes beside codes that know nothing, and its parts against other stages."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from recordings import describe, record_play
from test_comparison import Fake
from tiny import make_decoding_agent

from irislib.artifacts import open_store
from irislib.interpret.attribution.change import ChangeConfig, compute_changes
from irislib.interpret.attribution.heatmaps import GradcamConfig, compute_heatmaps
from irislib.interpret.baseline_comparison import AGREEMENT, PARTS, compare_baselines, cut_and_embed
from irislib.interpret.crops.attribution_kinds import Attribution, attribute_positions, read_attribution
from irislib.interpret.crops.cropping import crop_regions
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.embedding.embed import EmbedConfig, embed_crops
from irislib.interpret.embedding.weights import EMBEDDERS
from irislib.interpret.evidence import read_crops
from irislib.interpret.findings import FAMILIES
from irislib.interpret.labels.truth import read_truth
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.observations.visible import read_visible
from irislib.stores.changes import CHANGES
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.rollouts import ROLLOUTS

EPISODES, LENGTH, CODES, SIZE = 20, 5, 6, 16
COLUMNS = [
    *("tokenizer", "attribution", "codes_used"),
    *(f"{family}_{part}" for family in FAMILIES for part in PARTS),
    *("pairs_covered", *AGREEMENT),
]
PATCHES = 4 * np.array([(y, x, y + 1, x + 1) for y in range(4) for x in range(4)], np.int16)
DESCRIPTION = describe(world_boxes=PATCHES[:12], display_boxes=PATCHES[12:])
COLOURS = np.array([(30, 60, 220), (40, 200, 60), (150, 150, 150), (0, 0, 0)])  # the last is the display's
METRICS = MetricsConfig(
    alpha=0.05, min_crops=5, min_pair_count=5, min_set_share=0.01, max_set_size=3, psnr_frames=4
)
CROP = CropConfig(threshold=0.5, min_area=1, max_per_code=16, connectivity=1)
EMBED = EmbedConfig("random", 32, 16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Play in which the code of a patch is its label, read by an untrained agent; the maps of both kinds."""
    root, rng = tmp_path_factory.mktemp("play"), np.random.default_rng(0)
    (root / "agent").mkdir()
    make_decoding_agent(CODES, SIZE).save(root / "agent")
    steps = EPISODES * LENGTH
    label = rng.choice(3, (steps, 12), p=(0.15, 0.7, 0.15)).astype(np.uint8)
    tokens = np.concatenate([label, np.full((steps, 4), 3)], axis=1).reshape(-1, 4, 4)
    frames = COLOURS[tokens].repeat(4, axis=1).repeat(4, axis=2) + rng.integers(0, 30, (steps, 16, 16, 3))
    play = {
        "label": label,
        "quantity": rng.integers(0, 9, (steps, 2)).astype(np.uint8),
        "episode": (np.arange(steps) // LENGTH).astype(np.int32),
        "hidden": np.arange(steps) % 17 == 3,
        "daylight": (np.arange(steps) % LENGTH < 4).astype(np.float32),
    }
    frames = frames.astype(np.uint8)
    record_play(root / "rollouts", frames, tokens, CODES, root / "agent", DESCRIPTION, **play)
    paths = {"agent": root / "agent", "rollouts": root / "rollouts", "work": root / "work"}
    compute_changes(ChangeConfig(64), **paths, out=root / "changes")
    gradcam = GradcamConfig("gradcam", "mean", "code_input", samples=1, batch_size=64)
    compute_heatmaps(gradcam, 0, **paths, out=root / "heatmaps")
    return root


def compare(folder: Path, out: Path) -> pd.DataFrame:
    names = ("agent", "rollouts", "heatmaps", "changes", "embedder", "work")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IRISLIB_WORKERS", "1")  # another process would not have the made-up embedder
        patch.setitem(EMBEDDERS, "random", Fake(blind=False).make)
        compare_baselines(METRICS, CROP, EMBED, 0, **{name: folder / name for name in names}, out=out)
    return pd.read_csv(out / "baselines.csv")


@pytest.fixture(scope="module")
def table(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return compare(folder, tmp_path_factory.mktemp("reports"))


def test_one_row_for_each_attribution_and_each_baseline(table: pd.DataFrame) -> None:
    assert list(table.columns) == COLUMNS
    assert list(zip(table["tokenizer"], table["attribution"], strict=True)) == [
        *(("agent", kind) for kind in ("change", "position", "gradcam")),
        *((name, "position") for name in ("untrained", "mean_colour", "patches", "shuffled")),
    ]
    by_name = table.set_index(["tokenizer", "attribution"])["codes_used"]
    assert by_name["agent", "position"] == by_name["shuffled", "position"] == 4
    assert table["codes_used"].between(1, CODES).all()
    numbers = table.drop(columns=["tokenizer", "attribution"])
    assert numbers.notna().all(axis=None) and (numbers >= 0).all(axis=None)


def test_planted_codes_are_found_and_shuffled_ones_are_not(table: pd.DataFrame) -> None:
    rows = table[table["attribution"] == "position"].set_index("tokenizer")
    planted, shuffled = rows.loc["agent"], rows.loc["shuffled"]
    assert planted["purity"] == planted["nmi"] == 1
    assert planted["names_confirmed"] == pytest.approx(3, abs=0.2)
    assert planted["consistency_confirmed"] > 1
    assert planted["nmi_place"] < 0.2
    for family in ("names", "consistency"):
        assert shuffled[f"{family}_tested"] >= 3
        assert shuffled[f"{family}_confirmed"] < 0.5
        assert planted[f"{family}_null"] < 0.5
    assert shuffled["nmi"] == pytest.approx(shuffled["nmi_place"], abs=0.05)
    # Patches have a colour each, so a baseline that sees colours alone is as good.
    assert rows.loc["mean_colour", "names_confirmed"] > 2.5


def test_the_table_repeats_itself(folder: Path, table: pd.DataFrame, tmp_path: Path) -> None:
    pd.testing.assert_frame_equal(compare(folder, tmp_path), table)


def by_occurrence(found: Attribution) -> dict[tuple[int, int], tuple[list[float], set[tuple[int, ...]]]]:
    """The mass and the regions' boxes of each occurrence, by observation and code."""
    maps = found.maps
    boxes: dict[int, set[tuple[int, ...]]] = {}
    for row, box in zip(found.region_map.tolist(), found.region_box.tolist(), strict=True):
        boxes.setdefault(row, set()).add(tuple(box))
    occurrences = zip(maps.occurrence_step, maps.occurrence_code, maps.occurrence_map, strict=True)
    return {
        (int(step), int(code)): (found.mass[row].tolist(), boxes.get(int(row), set()))
        for step, code, row in occurrences
    }


def test_positions_of_tokens_are_those_of_stored_maps(folder: Path) -> None:
    play, changes = open_store(folder / "rollouts", ROLLOUTS), open_store(folder / "changes", CHANGES)
    boxes = read_truth(play).boxes
    stored = read_attribution("position", play, changes, boxes, CROP)
    made = attribute_positions(play.read("token"), CODES, play.read("episode"), boxes, CROP)
    assert (made.kind, made.maps.codes) == (stored.kind, stored.maps.codes)
    assert made.maps.nonempty.all() and stored.maps.nonempty.all()
    np.testing.assert_array_equal(made.maps.episode, stored.maps.episode)
    # Both list occurrences by observation, then code, and each distinct map once.
    np.testing.assert_array_equal(made.maps.occurrence_step, stored.maps.occurrence_step)
    np.testing.assert_array_equal(made.maps.occurrence_code, stored.maps.occurrence_code)
    assert len(made.mass) == len(stored.mass) == len(np.unique(made.maps.occurrence_map))
    assert by_occurrence(made) == by_occurrence(stored)


def test_crops_in_memory_are_those_of_the_stages(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EMBEDDERS, "random", Fake(blind=False).make)
    rollouts, changes = folder / "rollouts", folder / "changes"
    crop_regions(CROP, 0, rollouts, changes, tmp_path / "crops")
    embed_crops(EMBED, 0, rollouts, tmp_path / "crops", folder / "embedder", tmp_path / "embeddings")
    play, changed = open_store(rollouts, ROLLOUTS), open_store(changes, CHANGES)
    attribution = read_attribution("change", play, changed, read_truth(play).boxes, CROP)
    embeddings = open_store(tmp_path / "embeddings", EMBEDDINGS)
    stored = read_crops(open_store(tmp_path / "crops", CROPS), embeddings, changed, attribution.maps)
    made = cut_and_embed(play, read_visible(play, 0), attribution, CROP, EMBED, 0, folder / "embedder")
    assert made.regions == stored.regions and len(made.own) > 50
    for name in ("code", "step", "episode", "box"):
        np.testing.assert_array_equal(getattr(made, name), getattr(stored, name), err_msg=name)
    np.testing.assert_array_equal(made.embedding[made.own], stored.embedding[stored.own])
    known = stored.elsewhen >= 0
    np.testing.assert_array_equal(made.elsewhen >= 0, known)
    np.testing.assert_array_equal(
        made.embedding[made.elsewhen[known]], stored.embedding[stored.elsewhen[known]]
    )
    assert (made.random == -1).all()  # not embedded: nothing here compares with random boxes
    assert len(made.embedding) == len(np.unique(np.concatenate([made.own, made.elsewhen[known]])))
