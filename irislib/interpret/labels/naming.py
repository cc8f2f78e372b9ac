"""Tables of what the codes show (protocol step 9)."""

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int

from irislib.interpret.labels.label_mass import LabelMass
from irislib.interpret.labels.names import Names
from irislib.interpret.labels.overlap import Overlap
from irislib.interpret.labels.truth import DISPLAY

WORLD = "world"  # kind of a code whose maps lie on the world rather than on the display

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


def labels_table(mass: LabelMass, overlap: Overlap, names: Names) -> pd.DataFrame:
    """One row for each code and label that has most of some map's mass, or that some division confirms.

    Returns:
        Columns code, label, count (maps with most of their mass on the label), share (of the code's maps),
        lift (see `lifts`), mass_share (mean share of a map's mass on the label), place_share (the same with
        exchanged observations), confirmed (share of the divisions that confirm it; empty where untested), iou.
    """
    counts = mass.counts.sum(axis=0)
    maps = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    confirmed, expected = names.shares(mass)
    code, label = np.nonzero((counts > 0) | (confirmed > 0))
    columns = {
        "count": counts,
        "share": counts / maps,
        "lift": lifts(counts),
        "mass_share": mass.by_code(mass.mass) / maps,
        "place_share": expected / maps,
        "confirmed": confirmed,
        "iou": overlap.iou,
    }
    table = pd.DataFrame({"code": code, "label": np.array(mass.names, dtype=object)[label]})
    return table.assign(**{name: values[code, label] for name, values in columns.items()})


def label_by_code(mass: LabelMass, overlap: Overlap) -> pd.DataFrame:
    """One row a code; undefined for a code without a map in a visible observation.

    Returns:
        Columns label (the commonest), label_share (its share of the code's maps: purity), label_lift,
        iou_label (the label with the largest IoU), iou, iou_elsewhen (the largest IoU with exchanged
        observations), display_share (of the code's maps), kind ("display" where that is above one half, else
        "world").
    """
    counts = mass.counts.sum(axis=0)
    total = counts.sum(axis=1)
    names = np.array(mass.names, dtype=object)
    seen = np.flatnonzero(total)
    top, best = counts[seen].argmax(axis=1), np.nan_to_num(overlap.iou[seen], nan=-1).argmax(axis=1)
    display_share = counts[seen, -1] / total[seen]
    table = pd.DataFrame(
        {
            "label": names[top],
            "label_share": counts[seen, top] / total[seen],
            "label_lift": lifts(counts)[seen, top],
            "iou_label": names[best],
            "iou": overlap.iou[seen, best],
            "iou_elsewhen": np.nanmax(overlap.elsewhen[seen], axis=1, initial=0),
            "display_share": display_share,
            "kind": np.where(display_share > 0.5, DISPLAY, WORLD),
        },
        index=pd.Index(seen, name="code"),
    )
    return table.reindex(pd.RangeIndex(len(counts), name="code"))
