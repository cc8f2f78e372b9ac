"""How many maps are empty, and how the codebook is used (protocol step 4)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from irislib.artifacts import Store
from irislib.errors import ArtifactError
from irislib.interpret.crops.regions import CropConfig, find_regions
from irislib.interpret.evidence import Maps


def count_uses(rollouts: Store, codes: int) -> np.ndarray:
    """Token positions of each code over all observations, int64 [K].

    Raises ArtifactError where a token is not in the codebook.
    """
    uses = np.zeros(codes, np.int64)
    rows = rollouts.array("token").chunks[0] * 64
    for start in range(0, len(rollouts), rows):
        tokens = rollouts.read("token", slice(start, start + rows)).ravel()
        if tokens.min() < 0 or tokens.max() >= codes:
            raise ArtifactError(f"{rollouts.path}: tokens outside the codebook; run the rollout stage again")
        uses += np.bincount(tokens, minlength=codes)
    return uses


def usage_by_code(maps: Maps, uses: np.ndarray) -> pd.DataFrame:
    """One row a code: uses, steps_present, distinct_maps, empty_share, empty_share_before_relu.

    The empty shares are over the observations that the code is present in, NaN where it never is.
    """
    present = np.bincount(maps.occurrence_code, minlength=maps.codes)

    def empty_share(alive: np.ndarray) -> np.ndarray:
        living = np.bincount(maps.occurrence_code, weights=alive[maps.occurrence_map], minlength=maps.codes)
        share = np.full(maps.codes, np.nan)
        np.divide(present - living, present, out=share, where=present > 0)
        return share

    return pd.DataFrame(
        {
            "uses": uses,
            "steps_present": present,
            "distinct_maps": np.bincount(maps.code, minlength=maps.codes),
            "empty_share": empty_share(maps.nonempty),
            "empty_share_before_relu": empty_share(maps.nonzero),
        },
        index=pd.RangeIndex(maps.codes, name="code"),
    )


def codebook_metrics(maps: Maps, uses: np.ndarray) -> dict[str, float]:
    """How much of the codebook is in use; perplexity = exp of the entropy of the tokens, in codes."""
    share = uses[uses > 0] / uses.sum()
    return {
        "size": maps.codes,
        "used": len(share),
        "perplexity": float(np.exp(-(share * np.log(share)).sum())),
        "codes_per_observation": len(maps.occurrence_step) / maps.steps,
    }


def map_metrics(maps: Maps) -> dict[str, float]:
    """Distinct maps and the pairs that share them."""
    pairs, distinct = len(maps.occurrence_map), len(maps.code)
    return {
        "distinct": distinct,
        "pairs": pairs,
        "nonempty_pairs": int(maps.occurrence_nonempty.sum()),
        "pairs_per_map": pairs / distinct if distinct else float("nan"),
    }


def empty_shares(maps: Maps) -> dict[str, float]:
    """The share of empty maps over each denominator, after and before the ReLU (protocol step 4).

    The map of a code that is absent from an observation is empty by definition. Keys: present_pairs;
    all_codes_all_steps; codes_always_empty (of all K codes, unused ones included); used_codes_always_empty;
    distinct_maps; each also with the suffix _before_relu.
    """
    stages = {"": _empty_shares(maps, maps.nonempty), "_before_relu": _empty_shares(maps, maps.nonzero)}
    return {name + suffix: shares[name] for name in stages[""] for suffix, shares in stages.items()}


def _empty_shares(maps: Maps, alive: np.ndarray) -> dict[str, float]:
    """The shares where `alive`, bool [U], says which maps are not empty."""
    pairs = alive[maps.occurrence_map]
    living = len(np.unique(maps.occurrence_code[pairs]))
    return {
        "present_pairs": _rest(pairs.sum(), len(pairs)),
        "all_codes_all_steps": _rest(pairs.sum(), maps.codes * maps.steps),
        "codes_always_empty": _rest(living, maps.codes),
        "distinct_maps": _rest(alive.sum(), len(alive)),
        "used_codes_always_empty": _rest(living, len(np.unique(maps.occurrence_code))),
    }


def _rest(count: int, out_of: int) -> float:
    return 1 - float(count) / out_of if out_of else float("nan")


@dataclass(frozen=True)
class Population:
    """What a sample of present pairs stands for.

    Attributes:
        codes: K.
        steps: T observations.
        pairs: present pairs of all of them.
        used: codes that occur in any of them.
    """

    codes: int
    steps: int
    pairs: int
    used: int


@dataclass(frozen=True)
class Extremes:
    """What decides whether P maps are empty.

    Attributes:
        high, low: float [P], the extremes before the ReLU.
        region: bool [P], the map has a region (protocol step 5).
    """

    high: np.ndarray
    low: np.ndarray
    region: np.ndarray

    @classmethod
    def of(cls, maps: np.ndarray, frame: tuple[int, ...], crop: CropConfig) -> "Extremes":
        """Of maps before the ReLU, float [P,h,w], of frames of this size (H, W)."""
        found, _ = find_regions(np.maximum(maps, 0), frame, crop)
        return cls(maps.max((1, 2)), maps.min((1, 2)), np.isin(np.arange(len(maps)), found))

    @classmethod
    def join(cls, parts: Sequence["Extremes"]) -> "Extremes":
        """Those of several batches of maps."""
        names = ("high", "low", "region")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def decompose(maps: Extremes, code: np.ndarray, among: Population, threshold: float) -> dict[str, float]:
    """Why maps are empty, estimated from a sample of present pairs (protocol step 4).

    Shares of the present pairs: a map is `zero` everywhere before the ReLU, `negative` (no positive value,
    not zero), `positive` (no negative value, not zero) or `mixed`; the four add up to 1. A masked code has
    one constant at its positions at the code input: nothing is mixed there, and the sign of that constant
    is all that decides. Of the maps that are not empty, `no_region` keep no region under the crop stage's
    threshold, a share of each map's own maximum, and `faint` do not reach that share of the greatest
    maximum in the sample: one threshold for all.

    Shares of all codes x all observations, exact: `unused` (the code never occurs) and `absent` (only not
    here). With the zero and negative maps of present codes they make up `all_codes_all_steps`.

    The empty shares are those of `empty_shares`, by the same names. codes_always_empty is too large in a
    small sample: it takes a used code to be empty as often as those in the sample, judged by their maps
    there, and a code may light up elsewhere.

    Args:
        maps: of P pairs.
        code: int [P].
        among: what the pairs are a sample of.
        threshold: `crop.threshold`.
    """
    empty, zero = maps.high <= 0, (maps.high == 0) & (maps.low == 0)
    present = among.pairs / (among.codes * among.steps)
    unused = 1 - among.used / among.codes
    shares = {
        "pairs": len(code),
        "zero": zero.mean(),
        "negative": (empty & ~zero).mean(),
        "mixed": (~empty & (maps.low < 0)).mean(),
        "positive": (~empty & (maps.low >= 0)).mean(),
        "no_region": (~empty & ~maps.region).mean(),
        "faint": (~empty & (maps.high < threshold * maps.high.max())).mean(),
        "unused": unused,
        "absent": 1 - present - unused,
    }
    for suffix, dead in (("", empty), ("_before_relu", zero)):
        shares |= {
            f"present_pairs{suffix}": dead.mean(),
            f"all_codes_all_steps{suffix}": 1 - present * (1 - dead.mean()),
            f"codes_always_empty{suffix}": unused
            + (1 - unused) * _rest(len(np.unique(code[~dead])), len(np.unique(code))),
        }
    return shares
