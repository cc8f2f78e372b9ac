"""All measures of tokens against the truth, in one record (docs/protocol.md, steps 11 to 13)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int16, Int64, Integer

from irislib.device import one_thread
from irislib.errors import ArtifactError
from irislib.interpret.confirmation.halves import divide
from irislib.interpret.embedding.resnet import Embedder
from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.tokens.bits import bits_per_frame, entropy_bits_per_frame
from irislib.interpret.tokens.labelled_tokens import LabelledTokens, label_tokens, plant_oracle
from irislib.interpret.tokens.locality import measure_locality
from irislib.interpret.tokens.maps.relevance_mass import mass_by_map, mass_by_position, measure_relevance_mass
from irislib.interpret.tokens.maps.sampled_maps import change_maps, draw_occurrences, gradcam_maps
from irislib.interpret.tokens.maps.sanity import measure_sanity
from irislib.interpret.tokens.patch_consistency import measure_patch_consistency
from irislib.interpret.tokens.patches import PatchTruth, covered_pixels, label_patches, patch_boxes
from irislib.interpret.tokens.reading import measure_reading
from irislib.interpret.tokens.recording import Recording, thin
from irislib.interpret.tokens.token_agreement import measure_agreement
from irislib.tokenizers.context import AnyTokenizer, InPlay
from irislib.tokenizers.protocol import CODE_INPUT
from irislib.tokenizers.reconstruction import encode_frames, psnr, reconstruct

OBSERVATIONS = 6144  # at most so many are encoded; neighbours in time are nearly equal
RECONSTRUCTED = 128  # frames, for the PSNR
BEST_PSNR = 20 * np.log10(255) + 10 * np.log10(12)  # dB; rounding to 8 bits. An equal image has no finite one
OCCURRENCES = 256  # that maps are computed of
RANDOMISED = 96  # of these, that maps of a randomised decoder are computed of


def measure_tokens(
    tokenizer: AnyTokenizer,
    recording: Recording,
    embedders: Mapping[str, Embedder],
    config: MetricsConfig,
    seed: int,
) -> dict[str, Any]:
    """Measures what the tokens of some episodes say of the world, while it is visible.

    Args:
        tokenizer: in evaluation mode. It must not have been trained on these episodes.
        recording: the episodes, with their context if the tokenizer needs one; of long ones every second or
            n-th observation is used.
        embedders: that judge whether a code is consistent, by name; the first is the one of the headline.
        config: the `metrics` section; its `alpha` and `min_crops` are used.
        seed: of all draws.

    Returns:
        JSON values by name (docs/metrics.md); NaN where a number is undefined.

    Raises:
        ArtifactError: the tokenizer's patches do not fit the frame, or no patch or no observation shows the
            world.
        IrislibError: an embedder gives features that are zero or not finite.
    """
    if not recording.visible.observation.any():
        raise ArtifactError("rollouts: no observation shows the world; record more episodes")
    recording = thin(recording, OBSERVATIONS)
    frame, codes, visible = recording.frames.shape[1:3], len(tokenizer.codebook), recording.visible
    with one_thread():
        boxes = patch_boxes(tokenizer, frame)
        patches = label_patches(recording.truth, boxes)
        tokens = encode_frames(tokenizer, recording.frames, recording.context)
        labelled = label_tokens(tokens, codes, patches, visible)
        halves = divide(visible.episodes, seed)
        reading = measure_reading(labelled, halves)
        local = measure_locality(
            tokenizer, recording.frames, tokens, patches, visible, seed, context=recording.context
        )
        return {
            "observations": len(recording),
            "observations_visible": len(labelled.step),
            "episodes": visible.episodes,
            "codes": codes,
            "codes_used": len(np.unique(labelled.code)),
            **measure_agreement(labelled, halves, seed),
            **_consistency(recording, labelled, patches, tokenizer.grid, embedders, config, seed),
            "locality": local.kept,
            "locality_chance": local.chance,
            "locality_above_chance": local.above_chance,
            "locality_others_kept": local.others_kept,
            "reading": reading.f1,
            "reading_always": reading.always,
            "reading_coverage": reading.coverage,
            "labels_left_out": reading.left_out,
            "bits_per_frame": bits_per_frame(tokenizer.grid, codes),
            "entropy_bits_per_frame": entropy_bits_per_frame(tokens[labelled.step], codes),
            "psnr_db": _psnr(tokenizer, recording, labelled.step, boxes),
            **_maps(tokenizer, recording, tokens, labelled, patches, boxes, seed),
        }


def _consistency(
    recording: Recording,
    tokens: LabelledTokens,
    patches: PatchTruth,
    grid: tuple[int, int],
    embedders: Mapping[str, Embedder],
    config: MetricsConfig,
    seed: int,
) -> dict[str, Any]:
    """`share_consistent_beyond_place` and `codes_tested` of the first embedder, and `consistency` by each."""
    oracle = plant_oracle(tokens, patches, recording.visible, seed)
    found = {}
    for name, embedder in embedders.items():
        own, known = (
            measure_patch_consistency(recording, codes, patches, grid, embedder, config, seed).summary
            for codes in (tokens, oracle)
        )
        tested = own["tested"]
        found[name] = {
            "tested": int(tested),
            "share": own["holds"] / tested if tested else float("nan"),
            "share_by_chance": own["null"] / tested if tested else float("nan"),
            "share_oracle": known["holds"] / known["tested"] if known["tested"] else float("nan"),
            "median_difference": float(own["median_difference"]),
        }
    first = next(iter(found.values()), {"share": float("nan"), "tested": 0})
    return {
        "share_consistent_beyond_place": first["share"],
        "codes_tested": first["tested"],
        "consistency": found,
    }


def _psnr(
    tokenizer: AnyTokenizer,
    recording: Recording,
    steps: Int64[np.ndarray, " n"],
    boxes: Int16[np.ndarray, "position 4"],
) -> float:
    """Mean over frames in dB, over the pixels that belong to some token's patch; see `BEST_PSNR`."""
    steps = steps[evenly_spaced(len(steps), RECONSTRUCTED)]
    frames = recording.frames[steps]
    if len(frames) == 0:
        return float("nan")
    covered = covered_pixels(boxes, frames.shape[1:3])
    images = reconstruct(tokenizer, frames, recording.past(steps))
    found = psnr(frames[:, covered][:, None], images[:, covered][:, None])
    return float(np.minimum(found, BEST_PSNR).mean())


def _maps(
    tokenizer: AnyTokenizer,
    recording: Recording,
    tokens: Integer[np.ndarray, "t h w"],
    labelled: LabelledTokens,
    patches: PatchTruth,
    boxes: Int16[np.ndarray, "position 4"],
    seed: int,
) -> dict[str, Any]:
    """`empty_share`, `relevance_mass` by kind of map, beside the place's, and `sanity`."""
    truth, visible = recording.truth, recording.visible
    explained = draw_occurrences(tokens, labelled.step, patches.position, OCCURRENCES, seed)
    few = evenly_spaced(len(explained.step), RANDOMISED)
    layer = tokenizer.layers()[len(tokenizer.layers()) // 2]
    in_play = InPlay(tokenizer, recording.past)
    gradcam = gradcam_maps(in_play, explained, CODE_INPUT)
    mass = {
        "change": mass_by_map(change_maps(in_play, explained), truth.boxes),
        "gradcam": mass_by_map(gradcam, truth.boxes),
        "position": mass_by_position(explained.positions(), boxes, truth.boxes),
    }
    relevance: dict[str, float] = {}
    for kind, shares in mass.items():
        own, place = measure_relevance_mass(shares, explained, labelled.code_label, truth, visible)
        relevance |= {kind: own, f"{kind}_place": place}
    return {
        "occurrences": len(explained.step),
        "empty_share": float((gradcam.max((1, 2)) == 0).mean()),
        "relevance_mass": relevance,
        "sanity": measure_sanity(in_play, explained.take(few), layer, seed),
    }
