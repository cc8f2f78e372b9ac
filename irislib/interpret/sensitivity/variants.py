"""What the `attributions` stage keeps of the maps of a sample: everything but the maps themselves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int
from numcodecs import BitRound

from irislib.artifacts import Store, writing
from irislib.errors import ArtifactError
from irislib.interpret.sensitivity.emptiness_causes import Extremes, Population
from irislib.stores.attributions import ATTRIBUTIONS, MANTISSA_BITS

EXTREMES = tuple(part.name for part in fields(Extremes))
Arrays = Mapping[str, np.ndarray]

MEASURES = ("effect", "right_sign", "image", "changed")
CURVES = ("insertion", "deletion")


@dataclass(frozen=True)
class Faithfulness:
    """How right the maps of one method are; see `method_comparison.compare_methods`.

    Attributes:
        measured: of each occurrence; the columns are `MEASURES`, NaN where undefined.
        areas: of each observation; the columns are `CURVES`.
        episode: of each observation.
    """

    measured: Float32[np.ndarray, "n measure"]
    areas: Float32[np.ndarray, "t curve"]
    episode: Int[np.ndarray, " t"]


@dataclass(frozen=True)
class Variant:
    """One way of computing maps, and what decides about its maps of a sample of occurrences.

    Attributes:
        key: names the variant.
        code, episode: of each occurrence.
        extremes: of the map of each occurrence.
        faithfulness: of an attribution method; not known of the variants of Grad-CAM.
    """

    key: dict[str, Any]
    code: Int[np.ndarray, " n"]
    episode: Int[np.ndarray, " n"]
    extremes: Extremes
    faithfulness: Faithfulness | None = None


def pack_variants(variants: Sequence[Variant]) -> Arrays:
    """The arrays of some variants, as attributions.zarr has them; `map_variant` counts these variants."""
    number = np.arange(len(variants), dtype=np.int32)
    whole = Extremes.join([one.extremes for one in variants])
    known = [(n, one.faithfulness) for n, one in zip(number, variants, strict=True) if one.faithfulness]
    return {
        "map_variant": np.repeat(number, [len(one.code) for one in variants]),
        "map_code": np.concatenate([one.code for one in variants]).astype(np.int32),
        "map_episode": np.concatenate([one.episode for one in variants]).astype(np.int32),
        "map_high": _rounded(whole.high),
        "map_low": _rounded(whole.low),
        "map_share": whole.share,
        "measured": _join([f.measured for _, f in known], len(MEASURES)),
        "area_variant": np.repeat([n for n, _ in known], [len(f.episode) for _, f in known]).astype(np.int32),
        "area_episode": np.concatenate([np.zeros(0, np.int32), *(f.episode for _, f in known)]),
        "areas": _join([f.areas for _, f in known], len(CURVES)),
    }


def _rounded(values: Float32[np.ndarray, " n"]) -> Float32[np.ndarray, " n"]:
    codec = BitRound(keepbits=MANTISSA_BITS)
    kept: np.ndarray = codec.decode(codec.encode(values)).view(np.float32)
    return kept


def _join(parts: Sequence[np.ndarray], columns: int) -> np.ndarray:
    return np.concatenate([np.zeros((0, columns), np.float32), *parts])


def merge_parts(parts: Iterable[Arrays], first: int = 0) -> dict[str, np.ndarray]:
    """Arrays of `pack_variants` of several parts of a sample, brought together by variant.

    Args:
        parts: of the same variants.
        first: number of the first of these variants in the store.
    """
    listed = list(parts)
    arrays = {name: np.concatenate([part[name] for part in listed]) for name in listed[0]}
    by_map = np.argsort(arrays["map_variant"], kind="stable")
    by_area = np.argsort(arrays["area_variant"], kind="stable")
    order = {name: by_map for name in arrays if name.startswith("map_")}
    order |= {name: by_area for name in arrays if name.startswith("area")}
    if len(arrays["measured"]):
        order["measured"] = by_map
    arrays = {name: values[order[name]] if name in order else values for name, values in arrays.items()}
    return arrays | {name: arrays[name] + np.int32(first) for name in ("map_variant", "area_variant")}


def write_variants(
    out: Path,
    gradcam: tuple[Sequence[dict[str, Any]], Iterable[Arrays]],
    methods: tuple[Sequence[dict[str, Any]], Iterable[Arrays]],
    among: Population,
    attrs: dict[str, Any],
) -> None:
    """Writes attributions.zarr.

    Args:
        out: the store (`ATTRIBUTIONS`).
        gradcam: the keys of the variants of sensitivity.csv, and their arrays (`pack_variants`) by parts of
            the sample.
        methods: the same of attributions.csv.
        among: what the occurrences are a sample of.
        attrs: further attributes of the store.

    Raises:
        ArtifactError: a map has a value that is not finite.
    """
    first, second = merge_parts(gradcam[1]), merge_parts(methods[1], len(gradcam[0]))
    arrays = {name: np.concatenate([first[name], second[name]]) for name in first}
    if not all(np.isfinite(arrays[f"map_{name}"]).all() for name in EXTREMES):
        raise ArtifactError("attributions: some maps are not finite; mend the tokenizer's weights")
    attrs = attrs | {
        "gradcam": list(gradcam[0]),
        "methods": list(methods[0]),
        "measures": list(MEASURES),
        "curves": list(CURVES),
        "population": asdict(among),
    }
    with writing(out, ATTRIBUTIONS, attrs) as writer:
        writer.append(**arrays)


def read_variants(store: Store) -> tuple[list[Variant], list[Variant], Population]:
    """The variants of sensitivity.csv, those of attributions.csv, and what their occurrences are of."""
    attrs, arrays = store.attrs, {name: store.read(name) for name in store.schema.arrays}
    split, keys = len(attrs["gradcam"]), [*attrs["gradcam"], *attrs["methods"]]
    first_measured = int(np.searchsorted(arrays["map_variant"], split))
    variants = []
    for number, key in enumerate(keys):
        rows = slice(*np.searchsorted(arrays["map_variant"], [number, number + 1]).tolist())
        faithful = None
        if number >= split:
            observed = slice(*np.searchsorted(arrays["area_variant"], [number, number + 1]).tolist())
            measured = arrays["measured"][rows.start - first_measured : rows.stop - first_measured]
            faithful = Faithfulness(measured, arrays["areas"][observed], arrays["area_episode"][observed])
        extremes = Extremes(**{name: arrays[f"map_{name}"][rows] for name in EXTREMES})
        variants.append(
            Variant(key, arrays["map_code"][rows], arrays["map_episode"][rows], extremes, faithful)
        )
    return variants[:split], variants[split:], Population(**attrs["population"])
