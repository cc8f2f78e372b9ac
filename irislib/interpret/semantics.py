"""What the simulator says is under the maps (protocol step 9)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from irislib.artifacts import Store
from irislib.errors import ArtifactError
from irislib.interpret.evidence import Maps
from irislib.interpret.regions import upsample
from irislib.runtime import progress

Array = np.ndarray

HUD = "hud"
CHUNK = 16384


@dataclass(frozen=True)
class Labels:
    """How often each code shows each label.

    Attributes:
        names: the L labels of the simulator and, last, "hud": what lies below the local view.
        counts: int64 [K,L+1], pairs (observation, code) with a non-empty map, by code and label.
    """

    names: tuple[str, ...]
    counts: Array


def cell_weights(grid: Sequence[int], frame: Sequence[int], cells: Sequence[int], cell: int) -> Array:
    """How each value of a map spreads over the cells of the view when it is upsampled bilinearly.

    Upsampling is linear, so a map's mass on every cell is the map times this matrix. The view is a square
    of cells, the local view above and the HUD below; the frame's margin beside it belongs to nothing.

    Args:
        grid: rows and columns of a map.
        frame: height and width of a frame, in pixels.
        cells: rows and columns of the local view.
        cell: pixels a cell, along each side.

    Returns:
        float64 [grid cells, view cells + 1]; the last column is the HUD.
    """
    size = grid[0] * grid[1]
    pixels = upsample(np.eye(size).reshape(size, *grid), tuple(frame))
    rows, columns = cells
    side = columns * cell
    view = pixels[:, : rows * cell, :side].reshape(size, rows, cell, columns, cell).sum(axis=(2, 4))
    hud = pixels[:, rows * cell : side, :side].sum(axis=(1, 2))
    return np.concatenate([view.reshape(size, -1), hud[:, None]], axis=1)


def label_pairs(rollouts: Store, heatmaps: Store, maps: Maps) -> Labels:
    """The label of each pair with a non-empty map: the one with the largest share of the map's mass.

    The mass of a label is the sum of the upsampled map over the cells that the simulator gives that label
    in the pair's observation. Only the observation's labels vary among the pairs that share a map, so the
    map's mass on each cell is computed once a map.

    Raises:
        ArtifactError: the simulator's labels are not all named.
    """
    semantic = rollouts.read("semantic")
    _, *cells = semantic.shape
    semantic = semantic.reshape(len(semantic), -1)
    names = (*rollouts.attrs["label_names"], HUD)
    if semantic.max() >= len(names) - 1:
        raise ArtifactError(f"{rollouts.path}: labels without a name; run the rollout stage again")
    counts = np.zeros((maps.codes, len(names)), np.int64)
    _, *frame, _ = rollouts.array("obs").shape
    _, *grid = heatmaps.array("map").shape
    mass = mass_by_cell(heatmaps, cell_weights(grid, frame, cells, rollouts.attrs["cell"]))
    chosen = np.flatnonzero(maps.pair_nonempty)
    for start in progress(range(0, len(chosen), CHUNK), desc="semantics", unit="chunk"):
        pairs = chosen[start : start + CHUNK]
        label = heaviest_label(mass[maps.pair_map[pairs]], semantic[maps.pair_step[pairs]], len(names))
        np.add.at(counts, (maps.pair_code[pairs], label), 1)
    return Labels(names, counts)


def mass_by_cell(heatmaps: Store, weights: Array) -> Array:
    """Shares of each map's mass, float32 [U, cells + 1], summing to 1 where the map is not empty."""
    mass = np.zeros((len(heatmaps), weights.shape[1]), np.float32)
    for start in range(0, len(mass), CHUNK):
        rows = slice(start, start + CHUNK)
        values = heatmaps.read("map", rows).reshape(-1, len(weights)) @ weights
        total = values.sum(axis=1, keepdims=True)
        mass[rows] = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
    return mass


def heaviest_label(mass: Array, semantic: Array, labels: int) -> Array:
    """Sums mass by label and takes the largest, the first of equals.

    Args:
        mass: float [n, cells + 1], the HUD's last.
        semantic: int [n, cells], in [0, labels - 1).
        labels: how many there are; the last is the HUD.

    Returns:
        int64 [n], in [0, labels).
    """
    n = len(mass)
    label = np.concatenate([semantic, np.full((n, 1), labels - 1)], axis=1)
    index = np.arange(n)[:, None] * labels + label
    by_label = np.bincount(index.ravel(), weights=mass.ravel(), minlength=n * labels)
    heaviest: Array = by_label.reshape(n, labels).argmax(axis=1)
    return heaviest


def labels_table(labels: Labels) -> pd.DataFrame:
    """One row a code and label that it shows: code, label, count, share (within the code), lift.

    Lift is the share within the code over the label's share among all pairs; above 1, the code favours it.
    """
    counts = labels.counts
    code, label = np.nonzero(counts)
    count = counts[code, label]
    share = count / counts.sum(axis=1)[code]
    overall = counts.sum(axis=0) / max(counts.sum(), 1)
    return pd.DataFrame(
        {
            "code": code,
            "label": np.array(labels.names, dtype=object)[label],
            "count": count,
            "share": share,
            "lift": share / overall[label],
        }
    )


def label_by_code(labels: Labels) -> pd.DataFrame:
    """One row a code: its commonest label, label_share, label_lift, and hud_share (of its labelled pairs)."""
    table = labels_table(labels)
    # The first of equals, as the table is ordered by label within a code.
    top = table.loc[table.groupby("code")["share"].idxmax()].set_index("code")
    hud = table[table["label"] == HUD].set_index("code")["share"]
    result = pd.DataFrame(
        {"label": top["label"], "label_share": top["share"], "label_lift": top["lift"]},
        index=pd.RangeIndex(len(labels.counts), name="code"),
    )
    result["hud_share"] = hud.reindex(result.index).fillna(0.0).where(result["label"].notna())
    return result
