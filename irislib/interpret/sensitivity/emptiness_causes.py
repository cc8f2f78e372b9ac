"""Why maps are empty, estimated from a sample of occurrences (docs/protocol.md, step 4)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Float32, Int

from irislib.interpret.crops.regions import CropConfig, region_levels


@dataclass(frozen=True)
class Population:
    """What a sample of occurrences stands for.

    Attributes:
        codes: K, the size of the codebook.
        steps: T, number of observations.
        occurrences: number of them in all observations.
        used: number of codes that occur in any of them.
    """

    codes: int
    steps: int
    occurrences: int
    used: int


@dataclass(frozen=True)
class Extremes:
    """What decides whether maps are empty, and at which threshold they keep a region.

    Attributes:
        high, low: largest and smallest value before the ReLU.
        share: largest share of the upsampled map's maximum at which the map has a region, 0 where it has none
            at any (`crops.regions.region_levels`).
    """

    high: Float32[np.ndarray, " n"]
    low: Float32[np.ndarray, " n"]
    share: Float32[np.ndarray, " n"]

    @classmethod
    def of(cls, maps: Float[np.ndarray, "n h w"], frame: tuple[int, ...], crop: CropConfig) -> "Extremes":
        """The extremes of maps before the ReLU. Of `crop`, only min_area and connectivity matter.

        Args:
            maps: before the ReLU.
            frame: (H, W).
            crop: the `crop` section.
        """
        level, peak = region_levels(np.maximum(maps, 0), frame, crop.min_area, crop.connectivity)
        share = np.divide(level, peak, out=np.zeros_like(level), where=peak > 0)
        return cls(*(x.astype(np.float32) for x in (maps.max((1, 2)), maps.min((1, 2)), share)))

    @classmethod
    def join(cls, parts: Sequence["Extremes"]) -> "Extremes":
        """The extremes of several batches of maps, one after the other."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def decompose(
    maps: Extremes, code: Int[np.ndarray, " n"], among: Population, threshold: float
) -> dict[str, float]:
    """Shares of maps by the cause of their emptiness.

    Shares of the occurrences in the sample: a map before the ReLU is `zero` everywhere, `negative` (no value
    above 0, but not zero), `positive` (no value below 0, but not zero) or `mixed`; the four add up to 1. At
    the code input, the map of a masked code is one constant at the code's positions, so nothing is mixed
    there and the sign of the constant decides. Of the maps that are not empty, `no_region` have no region at
    the crop stage's threshold, a share of each map's own maximum; `faint` do not reach that share of the
    largest maximum in the sample, as with one threshold for all maps.

    Shares of all codes x all observations, exact: `unused` (the code never occurs) and `absent` (the code
    does not occur in the observation).

    The empty shares have the names that they have in `attribution.emptiness.empty_shares`.
    `codes_always_empty` is too large in a small sample: it is estimated from the codes in the sample by their
    maps there, and a code can have a non-empty map elsewhere.

    Args:
        maps: of the occurrences in the sample.
        code: of each occurrence.
        among: what the sample stands for.
        threshold: `crop.threshold`.
    """
    empty, zero = maps.high <= 0, (maps.high == 0) & (maps.low == 0)
    region = (maps.share > 0) & (maps.share >= threshold)
    present = among.occurrences / (among.codes * among.steps)
    unused = 1 - among.used / among.codes
    shares = {
        "occurrences": len(code),
        "zero": zero.mean(),
        "negative": (empty & ~zero).mean(),
        "mixed": (~empty & (maps.low < 0)).mean(),
        "positive": (~empty & (maps.low >= 0)).mean(),
        "no_region": (~empty & ~region).mean(),
        "faint": (~empty & (maps.high < threshold * maps.high.max())).mean(),
        "unused": unused,
        "absent": 1 - present - unused,
    }
    for suffix, dead in (("", empty), ("_before_relu", zero)):
        alive = len(np.unique(code[~dead])) / len(np.unique(code))
        shares |= {
            f"present_occurrences{suffix}": dead.mean(),
            f"all_codes_all_steps{suffix}": 1 - present * (1 - dead.mean()),
            f"codes_always_empty{suffix}": unused + (1 - unused) * (1 - alive),
        }
    return shares
