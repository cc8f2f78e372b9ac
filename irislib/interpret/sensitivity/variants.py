"""What the `attributions` stage keeps of the maps of a sample: everything but the maps themselves."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from irislib.artifacts import Store, writing
from irislib.errors import ArtifactError
from irislib.interpret.sensitivity.emptiness_causes import Extremes, Population
from irislib.stores.attributions import ATTRIBUTIONS

EXTREMES = tuple(part.name for part in fields(Extremes))


@dataclass(frozen=True)
class Variant:
    """One way of computing maps, and what decides about its maps of a sample of occurrences.

    Attributes:
        key: names the variant.
        code: the code of each occurrence.
        extremes: of the map of each occurrence.
        measured: numbers of the variant as a whole, by name; NaN where undefined.
    """

    key: dict[str, Any]
    code: Int[np.ndarray, " n"]
    extremes: Extremes
    measured: dict[str, float] = field(default_factory=dict)


def write_variants(
    out: Path,
    gradcam: Sequence[Variant],
    methods: Sequence[Variant],
    among: Population,
    attrs: dict[str, Any],
) -> None:
    """Writes attributions.zarr.

    Args:
        out: the store (`ATTRIBUTIONS`).
        gradcam: the variants of sensitivity.csv.
        methods: the variants of attributions.csv, all with the same measured numbers.
        among: what the occurrences are a sample of.
        attrs: further attributes of the store.

    Raises:
        ArtifactError: a map has a value that is not finite.
    """
    variants = [*gradcam, *methods]
    whole = Extremes.join([one.extremes for one in variants])
    if not all(np.isfinite(getattr(whole, name)).all() for name in EXTREMES):
        raise ArtifactError("attributions: some maps are not finite; mend the tokenizer's weights")
    attrs = attrs | {
        "gradcam": [one.key for one in gradcam],
        "methods": [one.key for one in methods],
        "measures": list(methods[0].measured),
        "population": asdict(among),
    }
    with writing(out, ATTRIBUTIONS, attrs) as writer:
        writer.append(
            map_variant=np.repeat(np.arange(len(variants), dtype=np.int32), [len(v.code) for v in variants]),
            map_code=np.concatenate([one.code for one in variants]).astype(np.int32),
            measured=np.array([list(one.measured.values()) for one in methods], np.float64),
            **{f"map_{name}": getattr(whole, name).astype(np.float32) for name in EXTREMES},
        )


def read_variants(store: Store) -> tuple[list[Variant], list[Variant], Population]:
    """Reads attributions.zarr: what was given to `write_variants`, in that order."""
    attrs = store.attrs
    keys = [*attrs["gradcam"], *attrs["methods"]]
    variant, code = store.read("map_variant"), store.read("map_code")
    extremes = {name: store.read(f"map_{name}") for name in EXTREMES}
    none: dict[str, float] = {}
    measured = [none] * len(attrs["gradcam"])
    measured += [dict(zip(attrs["measures"], row, strict=True)) for row in store.read("measured").tolist()]
    variants = []
    for number, (key, numbers) in enumerate(zip(keys, measured, strict=True)):
        rows = slice(*np.searchsorted(variant, [number, number + 1]))
        part = Extremes(**{name: values[rows] for name, values in extremes.items()})
        variants.append(Variant(key, code[rows], part, numbers))
    split = len(attrs["gradcam"])
    return variants[:split], variants[split:], Population(**attrs["population"])
