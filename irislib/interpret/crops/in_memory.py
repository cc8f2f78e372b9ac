"""Crops of a plan with their features in memory, for measures that keep no store of crops."""

import numpy as np
from jaxtyping import Int, Int16, Int64, Real

from irislib.interpret.crops.cropping import CropPlan
from irislib.interpret.evidence import Crops


def crops_to_embed(plan: CropPlan) -> tuple[Int64[np.ndarray, " cut"], Int16[np.ndarray, "cut 4"]]:
    """Observation and rectangle of every crop of a plan, then those of the counterparts elsewhen."""
    known = np.flatnonzero(plan.elsewhen_step >= 0)
    step = np.concatenate([plan.step, plan.elsewhen_step[known]])
    return step, np.concatenate([plan.box, plan.box[known]])


def with_features(
    plan: CropPlan,
    episode: Int[np.ndarray, " observations"],
    regions: int,
    row: Int[np.ndarray, " cut"],
    embedding: Real[np.ndarray, "distinct features"],
) -> Crops:
    """The crops of a plan as consistency reads them; they have no random counterparts.

    Args:
        plan: what was cut.
        episode: of each observation.
        regions: that the plan was drawn from.
        row: of `crops_to_embed`, in that order: the row of the features.
        embedding: features of the distinct crops.
    """
    n, there = len(plan.code), plan.elsewhen_step >= 0
    elsewhen = np.full(n, -1, row.dtype)
    elsewhen[there] = row[n:]
    return Crops(
        regions=regions,
        code=plan.code.astype(np.int32),
        step=plan.step.astype(np.int32),
        episode=episode[plan.step],
        box=plan.box,
        own=row[:n],
        random=np.full(n, -1, row.dtype),
        elsewhen=elsewhen,
        own_from=episode[plan.step],
        elsewhen_from=np.where(there, episode[plan.elsewhen_step], -1),
        embedding=embedding,
    )
