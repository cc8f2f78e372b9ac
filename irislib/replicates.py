"""Do the findings hold again? The analysis of one agent, repeated on other halves, crops and recordings.

Each run is the pipeline's own stages on other inputs, in a temporary folder:

- halves: each half of the recorded episodes alone. Half as many episodes find less, so these two are compared
  with each other.
- crops: the same recording, crops drawn anew.
- recordings: the same player plays other episodes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from irislib.artifacts import Store, open_store, writing
from irislib.interpret.attribution.change import ChangeConfig, compute_changes
from irislib.interpret.consistency.monosemanticity import crop_activation
from irislib.interpret.crops.attribution_kinds import read_attribution
from irislib.interpret.crops.cropping import crop_regions
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.embedding.embed import EmbedConfig, embed_crops
from irislib.interpret.evidence import read_crops
from irislib.interpret.findings import find
from irislib.interpret.labels.truth import read_truth
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.observations.visible import read_visible
from irislib.playing.rollout import RolloutConfig, roll_out
from irislib.runtime import progress
from irislib.stores.changes import CHANGES
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.rollouts import ROLLOUTS
from irislib.worlds.world import WorldConfig

PARTS = ("confirmed", "low", "high")
ROWS = 4096  # observations in memory at once


@dataclass(frozen=True)
class ReplicateConfig:
    """The sections of params.yaml that the replicates use."""

    env: WorldConfig
    rollout: RolloutConfig
    change: ChangeConfig
    crop: CropConfig
    embed: EmbedConfig
    metrics: MetricsConfig


def replicate(
    config: ReplicateConfig, seed: int, agent: Path, embedder: Path, rollouts: Path, work: Path
) -> pd.DataFrame:
    """Repeats the analysis of an agent.

    Args:
        config: sections of params.yaml.
        seed: the pipeline's.
        agent: folder of the agent.
        embedder: folder of the embedder.
        rollouts: store of recorded play.
        work: where half-done play and maps wait to be resumed.

    Returns:
        One row a run. Columns: comparison, run, episodes, and for each family of findings
        FAMILY_confirmed, FAMILY_low, FAMILY_high.
    """
    recorded = open_store(rollouts, ROLLOUTS)
    order = np.unique(recorded.read("episode"))

    def analyse(play: Path, folder: Path, crop_seed: int = seed) -> dict[str, float]:
        return _analyse(config, seed, crop_seed, agent, embedder, play, work, folder)

    def half(which: int) -> Callable[[Path], dict[str, float]]:
        def run(folder: Path) -> dict[str, float]:
            _copy_episodes(recorded, order[which::2], folder / "half.zarr")
            return analyse(folder / "half.zarr", folder)

        return run

    def again(folder: Path) -> dict[str, float]:
        roll_out(config.rollout, config.env, seed + 1, agent, work, folder / "again.zarr")
        return analyse(folder / "again.zarr", folder)

    runs: list[tuple[str, str, Callable[[Path], dict[str, float]]]] = [
        ("halves", "even episodes", half(0)),
        ("halves", "odd episodes", half(1)),
        ("crops", "this run", lambda folder: analyse(rollouts, folder)),
        ("crops", "crops drawn anew", lambda folder: analyse(rollouts, folder, seed + 1)),
        ("recordings", "other episodes", again),
    ]
    rows = []
    for comparison, run, measure in progress(runs, desc="replicates", unit="run"):
        with _scratch() as folder:
            rows.append({"comparison": comparison, "run": run, **measure(folder)})
    this = next(row for row in rows if row["run"] == "this run")
    rows.insert(-1, this | {"comparison": "recordings"})
    return pd.DataFrame(rows)


@contextmanager
def _scratch() -> Iterator[Path]:
    with TemporaryDirectory(prefix="irislib-replicate-") as folder:
        yield Path(folder)


def _analyse(
    config: ReplicateConfig,
    seed: int,
    crop_seed: int,
    agent: Path,
    embedder: Path,
    rollouts: Path,
    work: Path,
    folder: Path,
) -> dict[str, float]:
    changes, crops, embeddings = (folder / f"{name}.zarr" for name in ("changes", "crops", "embeddings"))
    compute_changes(config.change, agent, rollouts, work, changes)
    crop_regions(config.crop, crop_seed, rollouts, changes, crops)
    embed_crops(config.embed, seed, rollouts, crops, embedder, embeddings)
    play, changed, boxes = (
        open_store(rollouts, ROLLOUTS),
        open_store(changes, CHANGES),
        open_store(crops, CROPS),
    )
    truth = read_truth(play)
    attribution = read_attribution("change", play, changed, truth.boxes, config.crop)
    cut = read_crops(boxes, open_store(embeddings, EMBEDDINGS), changed, attribution.maps)
    activation = crop_activation(changed, attribution.maps, cut)
    found = find(truth, read_visible(play, seed), attribution, cut, activation, config.metrics, seed)
    return {"episodes": len(np.unique(play.read("episode"))), **found.row(PARTS)}


def _copy_episodes(recorded: Store, episodes: np.ndarray, out: Path) -> None:
    """Writes some episodes of recorded play as a store of its own."""
    episode = recorded.read("episode")
    steps = np.flatnonzero(np.isin(episode, episodes))
    number = np.searchsorted(episodes, episode[steps]).astype(episode.dtype)  # from 0, without gaps
    with writing(out, ROLLOUTS, {**recorded.attrs, "episodes": len(episodes)}) as store:
        for start in range(0, len(steps), ROWS):
            rows = steps[start : start + ROWS]
            arrays = {name: recorded.read(name, rows) for name in ROLLOUTS.arrays}
            store.append(**arrays | {"episode": number[start : start + ROWS]})
