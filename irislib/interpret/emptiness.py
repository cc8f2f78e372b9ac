"""How many maps are empty, and how the codebook is used (protocol step 4)."""

import numpy as np
import pandas as pd

from irislib.artifacts import Store
from irislib.errors import ArtifactError
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
    present = np.bincount(maps.pair_code, minlength=maps.codes)

    def empty_share(alive: np.ndarray) -> np.ndarray:
        living = np.bincount(maps.pair_code, weights=alive[maps.pair_map], minlength=maps.codes)
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
        "codes_per_observation": len(maps.pair_step) / maps.steps,
    }


def map_metrics(maps: Maps) -> dict[str, float]:
    """Distinct maps and the pairs that share them."""
    pairs, distinct = len(maps.pair_map), len(maps.code)
    return {
        "distinct": distinct,
        "pairs": pairs,
        "nonempty_pairs": int(maps.pair_nonempty.sum()),
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
    pairs = alive[maps.pair_map]
    living = len(np.unique(maps.pair_code[pairs]))
    return {
        "present_pairs": _rest(pairs.sum(), len(pairs)),
        "all_codes_all_steps": _rest(pairs.sum(), maps.codes * maps.steps),
        "codes_always_empty": _rest(living, maps.codes),
        "distinct_maps": _rest(alive.sum(), len(alive)),
        "used_codes_always_empty": _rest(living, len(np.unique(maps.pair_code))),
    }


def _rest(count: int, out_of: int) -> float:
    return 1 - float(count) / out_of if out_of else float("nan")
