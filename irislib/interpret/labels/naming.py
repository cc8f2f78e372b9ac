"""Tables of what the codes show (protocol step 9)."""

import numpy as np
import pandas as pd

from irislib.interpret.labels.label_mass import LabelMass
from irislib.interpret.labels.overlap import Overlap
from irislib.interpret.labels.truth import HUD

Array = np.ndarray


def lifts(counts: Array) -> Array:
    """Share of each label within a code over its share among all; above 1, the code favours it.

    Args:
        counts: int [K,L].

    Returns:
        float64 [K,L], NaN where the code or the label has none.
    """
    code, label = counts.sum(axis=1, keepdims=True), counts.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        lift: Array = counts / code / (label / counts.sum())
    return lift


def labels_table(
    labels: LabelMass, overlap: Overlap, expected: Array, tests: tuple[Array, Array], alpha: float
) -> pd.DataFrame:
    """One row a code and label that most of some map's mass lies on, or more of it than its places explain.

    Args:
        labels: what lies under the maps.
        overlap: of codes and labels.
        expected: float64 [S,L], label mass by place alone.
        tests: p- and q-values, float64 [K,L].
        alpha: false discovery rate at which there is more of a label.

    Returns:
        Columns code, label, count (maps with most of their mass on it), share (of the code's maps), lift
        (over the label's share among all), mass_share (mean share of a map's mass on it), place_share
        (what the code's places show of it in other episodes), p_value and q_value (of mass_share above
        place_share), iou.
    """
    counts, (p_values, q_values) = labels.counts, tests
    maps = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    code, label = np.nonzero((counts > 0) | (q_values <= alpha))
    columns = {
        "count": counts,
        "share": counts / maps,
        "lift": lifts(counts),
        "mass_share": labels.by_code(labels.label_mass) / maps,
        "place_share": labels.by_code(expected) / maps,
        "p_value": p_values,
        "q_value": q_values,
        "iou": overlap.iou,
    }
    table = pd.DataFrame({"code": code, "label": np.array(labels.names, dtype=object)[label]})
    return table.assign(**{name: values[code, label] for name, values in columns.items()})


def label_by_code(
    labels: LabelMass, overlap: Overlap, tests: tuple[Array, Array], alpha: float
) -> pd.DataFrame:
    """One row a code, undefined without a non-empty map.

    Returns:
        Columns label (the commonest), label_share (its share of the code's maps: purity), label_lift,
        label_q_value (see `labels_table`), named (q <= alpha), iou_label (the label with the largest
        IoU), iou, iou_elsewhen (the largest IoU when observations have the labels of others), hud_share,
        kind (hud where that is above one half, else terrain).
    """
    counts = labels.counts
    total = counts.sum(axis=1)
    names = np.array(labels.names, dtype=object)
    seen = np.flatnonzero(total)
    top, best = counts[seen].argmax(axis=1), np.nan_to_num(overlap.iou[seen], nan=-1).argmax(axis=1)
    hud_share = counts[seen, -1] / total[seen]
    q_value = tests[1][seen, top]
    table = pd.DataFrame(
        {
            "label": names[top],
            "label_share": counts[seen, top] / total[seen],
            "label_lift": lifts(counts)[seen, top],
            "label_q_value": q_value,
            "named": q_value <= alpha,
            "iou_label": names[best],
            "iou": overlap.iou[seen, best],
            "iou_elsewhen": np.nanmax(overlap.elsewhen[seen], axis=1, initial=0),
            "hud_share": hud_share,
            "kind": np.where(hud_share > 0.5, HUD, "terrain"),
        },
        index=pd.Index(seen, name="code"),
    )
    table = table.reindex(pd.RangeIndex(len(counts), name="code"))
    return table.assign(named=table["named"].eq(True))


def token_labels(names: tuple[str, ...], counts: Array) -> pd.DataFrame:
    """One row a code, undefined where unused: cell_label, cell_label_share and cell_label_lift.

    Args:
        names: of the labels.
        counts: int64 [K,L], tokens by code and label.
    """
    total = counts.sum(axis=1)
    seen = np.flatnonzero(total)
    top = counts[seen].argmax(axis=1)
    table = pd.DataFrame(
        {
            "cell_label": np.array(names, dtype=object)[top],
            "cell_label_share": counts[seen, top] / total[seen],
            "cell_label_lift": lifts(counts)[seen, top],
        },
        index=pd.Index(seen, name="code"),
    )
    return table.reindex(pd.RangeIndex(len(counts), name="code"))
