"""Measures of tokens against the truth, on codes whose meaning was planted."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import planted_tokenizers as planted
import pytest
import torch
from recordings import describe, record_play

from irislib.artifacts.json_files import plain_json
from irislib.baselines.patch_means import fit_patches
from irislib.errors import ArtifactError
from irislib.interpret.confirmation.halves import divide
from irislib.interpret.embedding.pixel_features import PixelFeatures, fit_pixel_features
from irislib.interpret.labels.agreement import agreement
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.tokens.bits import bits_per_frame, entropy_bits_per_frame
from irislib.interpret.tokens.labelled_tokens import LabelledTokens, label_tokens
from irislib.interpret.tokens.locality import draw_places, measure_locality, paste
from irislib.interpret.tokens.maps.sanity import map_correlation, randomise_decoder
from irislib.interpret.tokens.patches import covered_pixels, label_patches, patch_boxes, shared_pixels
from irislib.interpret.tokens.reading import SIZES, choose_codes, measure_reading, set_f1
from irislib.interpret.tokens.recording import Recording, read_recording, thin
from irislib.interpret.tokens.summary import measure_tokens
from irislib.interpret.tokens.token_agreement import codes_per_label, recall_by_label
from irislib.tokenizers.protocol import FrameTokenizer
from irislib.tokenizers.reconstruction import encode_frames

METRICS = MetricsConfig(0.05, 5, 10, 0.001, 4, 256)
RECORDING = planted.record()
ORACLES = ("oracle", "split_oracle")


@cache
def measured(name: str) -> dict[str, Any]:
    tokenizer = getattr(planted, name)()
    return measure_tokens(tokenizer, RECORDING, {"pixels": fit_pixels(tokenizer)}, METRICS, 0)


def fit_pixels(tokenizer: FrameTokenizer) -> PixelFeatures:
    boxes = patch_boxes(tokenizer, RECORDING.frames.shape[1:3])
    return fit_pixel_features(planted.record(seed=1).frames, boxes, 0)


def labelled(name: str, recording: Recording = RECORDING) -> LabelledTokens:
    tokenizer = getattr(planted, name)()
    boxes = patch_boxes(tokenizer, recording.frames.shape[1:3])
    tokens = encode_frames(tokenizer, recording.frames)
    patches = label_patches(recording.truth, boxes)
    return label_tokens(tokens, len(tokenizer.codebook), patches, recording.visible)


@pytest.mark.parametrize("name", ORACLES)
def test_an_oracle_is_pure_and_knows_every_label_again(name: str) -> None:
    found = measured(name)
    assert found["purity"] == found["recall"] == 1
    assert found["homogeneity"] == pytest.approx(1)
    assert found["purity_base"] == pytest.approx(0.5, abs=0.02)
    assert found["nmi"] > 0.6 and found["nmi_place"] < 0.01
    assert found["labels_left_out"] == []


def test_an_oracle_is_read_by_one_code_and_a_split_label_by_as_many_as_it_has() -> None:
    assert all(f1["1"] == 1 for f1 in measured("oracle")["reading"].values())
    assert measured("oracle")["completeness"] == pytest.approx(1)
    assert measured("oracle")["reading_coverage"] == dict.fromkeys(("1", "2", "4", "8"), 1)
    split = measured("split_oracle")
    for name, f1 in split["reading"].items():
        assert f1["1"] == pytest.approx(0.4, abs=0.05) and f1["2"] == pytest.approx(2 / 3, abs=0.05)
        assert f1["4"] == f1["8"] == 1
        assert split["codes_per_label"][name] == pytest.approx(4, abs=0.05)
    assert split["reading_coverage"] == pytest.approx({"1": 0, "2": 0, "4": 1, "8": 1})
    assert split["completeness"] < 0.6


@pytest.mark.parametrize("name", ["frame_hash", "place"])
def test_codes_without_meaning_are_not_better_than_guessing(name: str) -> None:
    found = measured(name)
    assert found["purity"] < found["purity_base"] + 0.03
    assert found["recall"] < 0.4
    assert abs(found["nmi"] - found["nmi_place"]) < 0.01
    assert found["reading_coverage"]["8"] == 0
    for label, f1 in found["reading"].items():
        assert f1["8"] < found["reading_always"][label] + 0.05
    assert found["share_consistent_beyond_place"] < 0.1


@pytest.mark.parametrize("name", ORACLES)
def test_an_oracle_is_consistent_beyond_its_places(name: str) -> None:
    found = measured(name)
    assert found["codes_tested"] == planted.LABELS * (1 if name == "oracle" else planted.VARIANTS)
    assert found["share_consistent_beyond_place"] == 1
    assert found["consistency"]["pixels"]["share_by_chance"] < 0.2
    assert found["consistency"]["pixels"]["share_oracle"] == 1


def test_locality_is_one_for_own_patches_and_chance_for_a_hash_of_the_frame() -> None:
    for name in ORACLES:
        found = measured(name)
        assert found["locality"] == found["locality_above_chance"] == 1
        assert found["locality_others_kept"] == found["locality_chance"] < 0.5
    found = measured("frame_hash")
    assert found["locality"] == pytest.approx(found["locality_chance"], abs=0.05)
    assert found["locality_above_chance"] == pytest.approx(0, abs=0.05)
    found = measured("place")
    assert found["locality"] == found["locality_chance"] == 1
    assert np.isnan(found["locality_above_chance"])


def test_bits_and_reconstruction() -> None:
    found = measured("oracle")
    assert found["bits_per_frame"] == 16 * 2
    # 12 cells of 1.5 bits, and a display that never changes.
    assert found["entropy_bits_per_frame"] == pytest.approx(12 * 1.5, abs=0.1)
    assert measured("place")["entropy_bits_per_frame"] == 0
    assert np.isfinite(found["psnr_db"])
    assert bits_per_frame((9, 9), 512) == 729
    assert entropy_bits_per_frame(np.array([[[0]], [[1]]]), 2) == 1


def test_maps_of_an_oracle_lie_on_its_label() -> None:
    found = measured("oracle")
    assert found["empty_share"] == 0
    assert found["relevance_mass"]["position"] == pytest.approx(1)
    # Maps of 4 x 4 squares are blurred over neighbouring cells when they are upsampled.
    for kind in ("change", "gradcam"):
        assert found["relevance_mass"][kind] > found["relevance_mass"][f"{kind}_place"] + 0.3
    hashed = measured("frame_hash")["relevance_mass"]
    assert hashed["position"] == pytest.approx(hashed["position_place"], abs=0.08)


def test_measures_are_json_and_the_same_again() -> None:
    tokenizer = planted.split_oracle()
    pixels = fit_pixels(tokenizer)
    again = measure_tokens(tokenizer, RECORDING, {"pixels": pixels}, METRICS, 0)
    one, two = (json.dumps(plain_json(found)) for found in (measured("split_oracle"), again))
    assert one == two


def test_measures_do_not_depend_on_the_names_of_codes() -> None:
    class Renamed(planted.Cells):
        def encode(self, frames: torch.Tensor) -> torch.Tensor:
            return len(self.codebook) - 1 - super().encode(frames)

    made = Renamed(16, planted.split_oracle().read)
    found = measure_tokens(made, RECORDING, {}, METRICS, 0)
    for name in ("purity", "nmi", "nmi_place", "homogeneity", "completeness", "recall", "locality"):
        assert found[name] == pytest.approx(measured("split_oracle")[name]), name
    assert found["reading_coverage"] == measured("split_oracle")["reading_coverage"]


def test_hidden_observations_do_not_count() -> None:
    asleep = np.arange(len(RECORDING)) % 3 == 0
    frames = RECORDING.frames.copy()
    frames[asleep] = 0
    visible = replace(RECORDING.visible, observation=~asleep, stratum=(2 * asleep).astype(np.uint8))
    found = labelled("oracle", replace(RECORDING, frames=frames, visible=visible))
    assert len(found.step) == np.count_nonzero(~asleep)
    assert agreement(found.counts.sum(axis=0))[3] == 1


def test_a_recording_that_never_shows_the_world_is_refused() -> None:
    visible = replace(RECORDING.visible, observation=np.zeros(len(RECORDING), bool))
    with pytest.raises(ArtifactError, match="no observation shows the world"):
        measure_tokens(planted.oracle(), replace(RECORDING, visible=visible), {}, METRICS, 0)


def test_a_rare_label_is_left_out_and_named() -> None:
    label = RECORDING.truth.label.copy()
    label[label == 0] = 1
    label[0, :3] = 0
    found = labelled("oracle", replace(RECORDING, truth=replace(RECORDING.truth, label=label)))
    assert measure_reading(found, divide(planted.EPISODES, 0)).left_out == ["water"]


def test_recall_by_label_equals_brute_force() -> None:
    found, halves = labelled("frame_hash"), divide(planted.EPISODES, 0)[:4]
    expected = []
    for half in halves:
        learned, tested = (np.isin(found.episode, np.flatnonzero(rows)) for rows in (half, ~half))
        guess = np.full(found.codes, -1)
        for code in np.unique(found.code[learned]):
            guess[code] = np.bincount(found.label[learned][found.code[learned] == code]).argmax()
        right = guess[found.code[tested]] == found.label[tested]
        expected.append([right[found.label[tested] == label].mean() for label in range(planted.LABELS)])
    np.testing.assert_allclose(recall_by_label(found.counts, halves), np.mean(expected, axis=0))


def test_greedy_sets_are_the_best_single_codes_and_never_too_large() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 30, (12, 5))
    sets = choose_codes(counts)
    singles = np.stack([set_f1(counts, np.eye(12, dtype=bool)[:, [code] * 5]) for code in range(12)])
    np.testing.assert_allclose(set_f1(counts, sets[1]), singles.max(axis=0))
    scores = np.stack([set_f1(counts, sets[size]) for size in SIZES])
    assert (np.diff(scores, axis=0) >= 0).all()
    assert all((sets[size].sum(axis=0) <= size).all() for size in SIZES)


def test_codes_per_label() -> None:
    counts = np.array([[5, 0, 3], [5, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(codes_per_label(counts), [2, np.nan, 1])


def test_patches_of_an_uneven_grid_divide_the_frame() -> None:
    tokenizer = planted.oracle()
    tokenizer.grid = (9, 5)
    boxes = patch_boxes(tokenizer, (64, 64))
    assert covered_pixels(boxes, (64, 64)).all()
    assert (boxes[:, 2:] - boxes[:, :2]).prod(axis=1).sum() == 64 * 64
    owner = shared_pixels(boxes, np.array([(y, 0, y + 1, 1) for y in range(64)])).argmax(axis=0) // 5
    np.testing.assert_array_equal(owner, ((np.arange(64) + 0.5) * 9 / 64).astype(int))


def test_a_tokenizer_says_its_own_patches() -> None:
    tokenizer = planted.oracle()
    shifted = patch_boxes(tokenizer, (16, 16))
    shifted[:, [1, 3]] += np.array([2, 2], np.int16)
    shifted[:, 3] = np.minimum(shifted[:, 3], 16)
    tokenizer.patch_boxes = shifted  # type: ignore[assignment]
    found = patch_boxes(tokenizer, (16, 16))
    np.testing.assert_array_equal(found, shifted)
    assert not covered_pixels(found, (16, 16))[:, :2].any()
    share = label_patches(RECORDING.truth, found).share
    np.testing.assert_allclose(share.sum(axis=2), 1, rtol=1e-6)
    halves = np.zeros(planted.LABELS)
    np.add.at(halves, RECORDING.truth.label[7, :2], 0.5)  # the first patch: half of the first two cells
    np.testing.assert_allclose(share[7, 0], halves)


def test_the_background_counts_only_where_nothing_else_stands() -> None:
    """Every patch of 8 x 8 pixels shows four cells."""
    common = planted.NAMES[0]
    boxes = 8 * np.array([[0, 0, 1, 1], [0, 1, 1, 2]], np.int16)
    with_background = label_patches(replace(RECORDING.truth, background=common), boxes)
    plain = label_patches(RECORDING.truth, boxes)
    np.testing.assert_array_equal(with_background.share, plain.share)
    alone = plain.share[:, :, 0] > 1 - 1e-6
    np.testing.assert_array_equal(with_background.label == 0, alone)
    others = np.delete(plain.share, 0, axis=2).argmax(axis=2) + 1
    np.testing.assert_array_equal(with_background.label[~alone], others[~alone])
    assert (plain.label != with_background.label).any()


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((16, 4), np.int16), np.full((16, 4), (0, 0, 4, 99), np.int16), np.zeros((3, 4), np.int16)],
)
def test_impossible_patches_are_refused(wrong: np.ndarray) -> None:
    tokenizer = planted.oracle()
    tokenizer.patch_boxes = wrong  # type: ignore[assignment]
    with pytest.raises(ArtifactError, match="mend its patch_boxes"):
        patch_boxes(tokenizer, (16, 16))


def test_more_tokens_than_pixels_are_refused() -> None:
    tokenizer = planted.oracle()
    tokenizer.grid = (32, 4)
    with pytest.raises(ArtifactError, match="use fewer tokens"):
        patch_boxes(tokenizer, (16, 16))


def test_patches_with_pixels_left_over_decide_their_tokens_alone() -> None:
    k_means = fit_patches((3, 5), 8, RECORDING.frames[:40], 0)
    patches = label_patches(RECORDING.truth, patch_boxes(k_means, (16, 16)))
    assert patches.box[-1].tolist() == [5, 12, 10, 15]  # the third row shows more of the display
    tokens = encode_frames(k_means, RECORDING.frames)
    found = measure_locality(k_means, RECORDING.frames, tokens, patches, RECORDING.visible, 0)
    assert found.kept == 1 and found.others_kept == found.chance < 1


def test_partners_are_of_other_episodes_and_visible() -> None:
    asleep = np.arange(len(RECORDING)) % 5 == 0
    visible = replace(RECORDING.visible, observation=~asleep)
    step, other, position = draw_places(visible, 12, 500, 0)
    assert (visible.episode[step] != visible.episode[other]).all()
    assert not asleep[step].any() and not asleep[other].any()
    assert len(np.unique(visible.episode[other])) == planted.EPISODES
    assert set(position) == set(range(12))
    alone = replace(visible, episode=np.zeros_like(visible.episode))
    assert len(draw_places(alone, 12, 500, 0)[0]) == 0


def test_pasting_changes_one_box_alone() -> None:
    ground, other = RECORDING.frames[:2], RECORDING.frames[50:52]
    box = np.array([(0, 4, 4, 8), (8, 8, 12, 12)], np.int16)
    made = paste(ground, other, box)
    for row, (y0, x0, y1, x1) in enumerate(box):
        inside = np.zeros((16, 16), bool)
        inside[y0:y1, x0:x1] = True
        np.testing.assert_array_equal(made[row][inside], other[row][inside])
        np.testing.assert_array_equal(made[row][~inside], ground[row][~inside])


def test_some_episodes_are_read_from_a_store(tmp_path: Path) -> None:
    frames, truth = RECORDING.frames, RECORDING.truth
    corners = truth.boxes.corners
    world = describe(world_boxes=corners[:12], display_boxes=corners[12:14])
    hidden = np.arange(len(frames)) % 7 == 0
    rows = {"label": truth.label, "episode": RECORDING.visible.episode.astype(np.int32), "hidden": hidden}
    tokens = np.zeros((len(frames), 4, 4), np.int16)
    play = record_play(tmp_path / "play.zarr", frames, tokens, 8, description=world, **rows)
    some = read_recording(play, np.array([7, 2]), 0)
    kept = np.isin(RECORDING.visible.episode, (2, 7))
    np.testing.assert_array_equal(some.frames, frames[kept])
    np.testing.assert_array_equal(some.truth.label, truth.label[kept])
    np.testing.assert_array_equal(some.visible.observation, ~hidden[kept])
    assert np.unique(some.visible.episode).tolist() == [0, 1]


def test_thinning_keeps_every_episode() -> None:
    few = thin(RECORDING, 200)
    assert len(few) == planted.EPISODES * 14  # every third of 40
    np.testing.assert_array_equal(few.visible.step[:14], np.arange(14))
    np.testing.assert_array_equal(few.frames[:14], RECORDING.frames[:40:3])
    np.testing.assert_array_equal(few.truth.label[:14], RECORDING.truth.label[:40:3])
    assert thin(RECORDING, 10_000).frames is not None and len(thin(RECORDING, 10_000)) == len(RECORDING)


def test_randomising_permutes_the_decoder_and_nothing_else() -> None:
    tokenizer = planted.split_oracle()
    tokenizer.register_parameter("unused", torch.nn.Parameter(torch.arange(5.0), requires_grad=False))
    made = randomise_decoder(tokenizer, 0)
    assert isinstance(made, planted.Cells)
    before, after = tokenizer.colour.weight, made.colour.weight
    assert not torch.equal(before, after)
    assert torch.equal(before.flatten().sort().values, after.flatten().sort().values)
    assert made.get_parameter("unused").tolist() == [0, 1, 2, 3, 4]
    again = randomise_decoder(tokenizer, 0)
    assert isinstance(again, planted.Cells) and torch.equal(again.colour.weight, after)


def test_a_decoder_without_parameters_cannot_be_randomised() -> None:
    tokenizer = planted.oracle()
    weight = tokenizer.colour.weight.detach().clone()
    del tokenizer.colour
    tokenizer.colour = lambda latents: torch.nn.functional.conv2d(latents, weight)  # type: ignore[assignment]
    assert randomise_decoder(tokenizer, 0) is None


def test_correlation_of_maps() -> None:
    one = np.arange(8.0).reshape(2, 2, 2)
    np.testing.assert_allclose(map_correlation(one, np.exp(one)), 1)
    np.testing.assert_allclose(map_correlation(one, -one), -1)
    flat = np.zeros_like(one)
    np.testing.assert_allclose(map_correlation(one, flat), 0)
    assert np.isnan(map_correlation(flat, flat)).all()
