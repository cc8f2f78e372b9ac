"""How the codebook is used, and how many maps are empty (docs/protocol.md, step 4)."""

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Int

from irislib.artifacts import Store
from irislib.errors import ArtifactError
from irislib.interpret.evidence import Maps
from irislib.tokenizers.iris import usage_perplexity


def measure_emptiness(rollouts: Store, maps: Maps) -> tuple[pd.DataFrame, dict[str, dict[str, float]]]:
    """Use of the codebook and empty maps, by code and over all codes.

    Returns:
        K rows by code (see `usage_by_code`); and the sections `codebook`, `empty_share` and `maps`.

    Raises:
        ArtifactError: a token is not in the codebook.
    """
    uses = count_uses(rollouts, maps.codes)
    sections = {
        "codebook": summarise_codebook(maps, uses),
        "empty_share": empty_shares(maps),
        "maps": count_maps(maps),
    }
    return usage_by_code(maps, uses), sections


def count_uses(rollouts: Store, codes: int) -> Int[np.ndarray, " codes"]:
    """Number of tokens of each code over all observations, int64.

    Raises:
        ArtifactError: a token is not in the codebook.
    """
    uses = np.zeros(codes, np.int64)
    rows = rollouts.array("token").chunks[0] * 64
    for start in range(0, len(rollouts), rows):
        tokens = rollouts.read("token", slice(start, start + rows)).ravel()
        if tokens.min() < 0 or tokens.max() >= codes:
            raise ArtifactError(f"{rollouts.path}: tokens outside the codebook; run the rollout stage again")
        uses += np.bincount(tokens, minlength=codes)
    return uses


def usage_by_code(maps: Maps, uses: Int[np.ndarray, " codes"]) -> pd.DataFrame:
    """One row for each code.

    Returns:
        Columns uses (tokens), steps_present (observations with the code), distinct_maps, empty_share and
        empty_share_before_relu (over the observations with the code; NaN without one).
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


def summarise_codebook(maps: Maps, uses: Int[np.ndarray, " codes"]) -> dict[str, float]:
    """How much of the codebook is in use."""
    return {
        "size": maps.codes,
        "used": int(np.count_nonzero(uses)),
        "perplexity": usage_perplexity(torch.from_numpy(uses)),
        "codes_per_observation": len(maps.occurrence_step) / maps.steps,
    }


def count_maps(maps: Maps) -> dict[str, float]:
    """Numbers of distinct maps and of the occurrences that share them."""
    occurrences, distinct = len(maps.occurrence_map), len(maps.code)
    return {
        "distinct": distinct,
        "occurrences": occurrences,
        "nonempty_occurrences": int(maps.occurrence_nonempty.sum()),
        "occurrences_per_map": occurrences / distinct if distinct else float("nan"),
    }


def empty_shares(maps: Maps) -> dict[str, float]:
    """The share of empty maps over each denominator, after the ReLU and before it.

    The map of a code that does not occur in an observation is empty by definition.

    Returns:
        present_occurrences: of all occurrences. all_codes_all_steps: of all K codes x all observations.
        codes_always_empty: of all K codes, those whose every map is empty; an unused code counts.
        used_codes_always_empty: the same, of the codes that occur. distinct_maps: of the distinct maps.
        Each also with the suffix _before_relu.
    """
    stages = {"": _empty_shares(maps, maps.nonempty), "_before_relu": _empty_shares(maps, maps.nonzero)}
    return {name + suffix: shares[name] for name in stages[""] for suffix, shares in stages.items()}


def _empty_shares(maps: Maps, alive: Bool[np.ndarray, " maps"]) -> dict[str, float]:
    """The shares where `alive` says which maps are not empty."""
    occurrences = alive[maps.occurrence_map]
    living = len(np.unique(maps.occurrence_code[occurrences]))
    return {
        "present_occurrences": _rest(occurrences.sum(), len(occurrences)),
        "all_codes_all_steps": _rest(occurrences.sum(), maps.codes * maps.steps),
        "codes_always_empty": _rest(living, maps.codes),
        "distinct_maps": _rest(alive.sum(), len(alive)),
        "used_codes_always_empty": _rest(living, len(np.unique(maps.occurrence_code))),
    }


def _rest(count: int, out_of: int) -> float:
    return 1 - float(count) / out_of if out_of else float("nan")
