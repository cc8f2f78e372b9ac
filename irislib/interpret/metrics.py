"""The `metrics` section of params.yaml, and every number of the protocol in four files."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from annotated_types import Ge, Gt, Lt

from irislib.agent import load_agent
from irislib.agent.reconstruction import reconstruction_psnr
from irislib.artifacts import open_store
from irislib.interpret.agreement import semantic_metrics
from irislib.interpret.consistency import score_codes
from irislib.interpret.cooccurrence import Cooccurrence, score_pairs
from irislib.interpret.emptiness import codebook_metrics, count_uses, empty_shares, map_metrics, usage_by_code
from irislib.interpret.evidence import Crops, read_crops, read_maps
from irislib.interpret.playing import playing_metrics
from irislib.interpret.semantics import label_by_code, label_pairs, labels_table
from irislib.interpret.spread import spread
from irislib.params import STRICT, require
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS, check_agent
from irislib.workdir import write_atomically


@dataclass(frozen=True)
class MetricsConfig:
    """When a finding counts.

    Attributes:
        alpha: false discovery rate at which a code counts as consistent.
        permutations: of the labels "code" and "random", for each tested code.
        min_crops: crops that a code needs to be tested, and observations with crops that a pair of codes
            needs to be interpretable.
        min_pair_count: observations that two codes must share to be listed.
        psnr_frames: frames that the reconstruction is judged on, at most, evenly spaced over the rollouts.
    """

    __pydantic_config__ = STRICT
    alpha: Annotated[float, Gt(0), Lt(1)]
    permutations: Annotated[int, Ge(1)]
    min_crops: Annotated[int, Ge(2)]
    min_pair_count: Annotated[int, Ge(1)]
    psnr_frames: Annotated[int, Ge(1)]

    def __post_init__(self) -> None:
        least = math.ceil(1 / self.alpha) - 1
        require(
            1 / (self.permutations + 1) <= self.alpha,
            "permutations",
            f"{self.permutations} can never reach a p-value of {self.alpha}; use at least {least}",
        )


def compute_metrics(
    config: MetricsConfig,
    seed: int,
    agent: Path,
    rollouts: Path,
    heatmaps: Path,
    crops: Path,
    embeddings: Path,
    out: Path,
) -> None:
    """Measures empty maps, consistency, co-occurrence and what the codes show (protocol steps 4, 7, 8, 9).

    Args:
        config: the `metrics` section.
        seed: the pipeline's.
        agent: folder of the agent that was recorded.
        rollouts: store of recorded play.
        heatmaps: store of the maps of these rollouts.
        crops: store of the crops under these maps.
        embeddings: store of the features of these crops.
        out: folder that receives metrics.json, codes.csv, pairs.csv and labels.csv, each whole or not at
            all; other files there are left alone.

    Raises:
        ArtifactError: an input is missing, foreign or damaged, or they do not belong together.
    """
    recorded, drawn = open_store(rollouts, ROLLOUTS), open_store(heatmaps, HEATMAPS)
    maps = read_maps(recorded, drawn)
    cut = read_crops(open_store(crops, CROPS), open_store(embeddings, EMBEDDINGS), drawn, maps)
    player = load_agent(agent)
    check_agent(recorded, agent)
    seen = recorded.read("obs", spread(len(recorded), config.psnr_frames))

    uses = count_uses(recorded, maps.codes)
    scores = score_codes(cut, maps.codes, seed, config.alpha, config.permutations, config.min_crops)
    consistent = scores["consistent"].to_numpy()
    together = score_pairs(maps, cut, consistent, config.min_crops, config.min_pair_count)
    labels = label_pairs(recorded, drawn, maps)

    metrics = {
        "agent": {
            **playing_metrics(recorded),
            "psnr_db": reconstruction_psnr(player.tokenizer, seen).mean(),
            "training_steps": player.steps,
        },
        "codebook": codebook_metrics(maps, uses),
        "empty_share": empty_shares(maps),
        "maps": map_metrics(maps),
        "crops": crop_metrics(cut),
        "consistency": consistency_metrics(scores, config.alpha),
        "cooccurrence": cooccurrence_metrics(together, config.min_crops),
        "semantics": semantic_metrics(labels.counts, seed),
    }
    codes = pd.concat([usage_by_code(maps, uses), scores, label_by_code(labels)], axis=1).reset_index()
    out.mkdir(parents=True, exist_ok=True)
    for name, table in (("codes", codes), ("pairs", together.pairs), ("labels", labels_table(labels))):
        write_atomically(out / f"{name}.csv", table.to_csv(index=False, float_format="%.6g").encode())
    text = json.dumps(plain(metrics), indent=2, allow_nan=False)
    write_atomically(out / "metrics.json", f"{text}\n".encode())


def crop_metrics(crops: Crops) -> dict[str, int]:
    """Counts; random crops are left out."""
    return {
        "regions": crops.regions,
        "crops": len(crops.own),
        "distinct_crops": len(np.unique(crops.own)),
        "codes_with_crops": len(np.unique(crops.code)),
    }


def consistency_metrics(scores: pd.DataFrame, alpha: float) -> dict[str, float]:
    """Sums up `score_codes`; means and the median are over the tested codes."""
    tested = scores[scores["p_value"].notna()]
    consistent = int(tested["consistent"].sum())
    return {
        "codes_tested": len(tested),
        "codes_consistent": consistent,
        "share_consistent": consistent / len(tested) if len(tested) else math.nan,
        "share_of_codebook": consistent / len(scores),
        "mean_cosine_codes": tested["consistency"].mean(),
        "mean_cosine_random": tested["consistency_random"].mean(),
        "median_effect_size": tested["effect_size"].median(),
        "alpha": alpha,
    }


def cooccurrence_metrics(together: Cooccurrence, min_crops: int) -> dict[str, float]:
    """Sums up `score_pairs`; single_episode_share is over the listed (tested) pairs.

    Judged are those cropped together in at least `min_crops` observations: only they can be interpretable.
    """
    pairs = together.pairs
    return {
        "pairs_seen": together.seen,
        "pairs_tested": len(pairs),
        "pairs_judged": int((pairs["cropped"] >= min_crops).sum()),
        "pairs_interpretable": int(pairs["interpretable"].sum()),
        "observations_covered": together.covered,
        "single_episode_share": (pairs["episodes"] == 1).mean(),
    }


def plain(value: Any) -> Any:
    """JSON values: floats to 6 significant digits, None where a number is undefined."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, float | np.floating):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
