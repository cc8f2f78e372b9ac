"""Tables of what the codes show (protocol step 9)."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Float64, Int

from irislib.interpret.labels.label_mass import LabelMass
from irislib.interpret.labels.overlap import Overlap
from irislib.interpret.labels.truth import DISPLAY

WORLD = "world"  # kind of a code whose maps lie on the world rather than on the display

# p-values and q-values of codes and labels.
Tests = tuple[Float[np.ndarray, "code label"], Float[np.ndarray, "code label"]]


def lifts(counts: Int[np.ndarray, "code label"]) -> Float64[np.ndarray, "code label"]:
    """Share of each label within a code, divided by the label's share among all codes.

    Returns:
        Above 1 where the code has more of the label than codes have on the whole; NaN where the code or the
        label has no count.
    """
    code, label = counts.sum(axis=1, keepdims=True), counts.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        lift: np.ndarray = counts / code / (label / counts.sum())
    return lift


def labels_table(
    labels: LabelMass,
    overlap: Overlap,
    expected: Float[np.ndarray, "stretch label"],
    tests: Tests,
    alpha: float,
) -> pd.DataFrame:
    """One row a (code, label) where the label has most of some map's mass, or significantly much of it.

    Args:
        labels: what lies under the maps.
        overlap: of codes and labels.
        expected: label mass by place alone, see `position_baseline.expect_labels`.
        tests: see `position_baseline.judge_labels`.
        alpha: false discovery rate of these.

    Returns:
        Columns code, label, count (maps with most of their mass on the label), share (of the code's maps),
        lift (see `lifts`), mass_share (mean share of a map's mass on the label), place_share (the same,
        with the labels of the other episodes), p_value and q_value (of mass_share above place_share), iou.
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


def label_by_code(labels: LabelMass, overlap: Overlap, tests: Tests, alpha: float) -> pd.DataFrame:
    """One row a code; undefined for a code without a non-empty map.

    Returns:
        Columns label (the commonest), label_share (its share of the code's maps: purity), label_lift,
        label_q_value (see `labels_table`), named (q <= alpha), iou_label (the label with the largest
        IoU), iou, iou_elsewhen (the largest IoU when observations have the labels of others),
        display_share (of the code's maps), kind ("display" where that is above one half, else "world").
    """
    counts = labels.counts
    total = counts.sum(axis=1)
    names = np.array(labels.names, dtype=object)
    seen = np.flatnonzero(total)
    top, best = counts[seen].argmax(axis=1), np.nan_to_num(overlap.iou[seen], nan=-1).argmax(axis=1)
    display_share = counts[seen, -1] / total[seen]
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
            "display_share": display_share,
            "kind": np.where(display_share > 0.5, DISPLAY, WORLD),
        },
        index=pd.Index(seen, name="code"),
    )
    table = table.reindex(pd.RangeIndex(len(counts), name="code"))
    return table.assign(named=table["named"].eq(True))


def token_labels(names: tuple[str, ...], counts: Int[np.ndarray, "code label"]) -> pd.DataFrame:
    """One row a code: the commonest label of its tokens' patches.

    Args:
        names: of the labels.
        counts: tokens by code and label, see `token_labels.label_tokens`.

    Returns:
        Columns cell_label, cell_label_share (of the code's tokens) and cell_label_lift (see `lifts`);
        undefined for an unused code.
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
