"""The crop stage: crops of the regions under the maps, and the counterparts that they are compared with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int16, Int64, Integer

from irislib.artifacts import open_store, writing
from irislib.errors import ArtifactError
from irislib.interpret.crops.draws import draw_crops, draw_partners, move_boxes
from irislib.interpret.crops.regions import CropConfig, read_regions
from irislib.interpret.evidence import Maps, read_maps
from irislib.interpret.observations.exchange import exchange, steps_in_episodes
from irislib.interpret.observations.strata import STRATA, read_strata
from irislib.stores.changes import CHANGES
from irislib.stores.crops import CROPS, ELSEWHEN, KINDS, OWN, RANDOM
from irislib.stores.rollouts import ROLLOUTS


@dataclass(frozen=True)
class CropPlan:
    """What to cut out of which observation: N crops, ordered by code, step and region.

    Attributes:
        code, step, region: of each crop.
        box: (y0, x0, y1, x1) of each in pixels, half open; that of its region.
        random_box: of the random counterpart, in the same observation.
        elsewhen_step: observation of the elsewhen counterpart, which has the same box; -1 for none.
    """

    code: Int64[np.ndarray, " crops"]
    step: Int64[np.ndarray, " crops"]
    region: Int64[np.ndarray, " crops"]
    box: Int16[np.ndarray, "crops 4"]
    random_box: Int16[np.ndarray, "crops 4"]
    elsewhen_step: Int64[np.ndarray, " crops"]


def plan_crops(
    maps: Maps,
    region_map: Integer[np.ndarray, " regions"],
    region_box: Int16[np.ndarray, "regions 4"],
    stratum: Integer[np.ndarray, " steps"],
    frame: tuple[int, ...],
    grid: tuple[int, ...],
    max_per_code: int,
    seed: int,
) -> CropPlan:
    """Draws the crops of each code and their counterparts.

    Args:
        maps: which occurrence has which map.
        region_map: the map of each region, ascending.
        region_box: its bounding box.
        stratum: of each observation (`strata.read_strata`).
        frame: (H, W).
        grid: (h, w), rows and columns of tokens.
        max_per_code: largest number of crops of a code.
        seed: the pipeline's.
    """
    hidden = stratum == STRATA.index("hidden")
    code, step, region = draw_crops(maps, region_map, hidden, max_per_code, seed)
    box = region_box[region]
    partner = draw_partners(code, step, maps.episode, stratum, seed)
    return CropPlan(
        code=code,
        step=step,
        region=region,
        box=box,
        random_box=move_boxes(code, box, frame, grid, seed),
        elsewhen_step=exchange(steps_in_episodes(maps.episode), maps.episode, stratum, step, partner),
    )


def crop_regions(config: CropConfig, seed: int, rollouts: Path, changes: Path, out: Path) -> None:
    """Writes crops.zarr: the crops by code, step and region, then their counterparts of each kind.

    Without any region the store has rows of length 0.

    Args:
        config: the `crop` section.
        seed: the pipeline's.
        rollouts: store of recorded play.
        changes: store of the maps of these rollouts.
        out: the store (`CROPS`).

    Raises:
        ArtifactError: a store is missing or damaged, or the maps are not of these rollouts.
    """
    play, store = open_store(rollouts, ROLLOUTS), open_store(changes, CHANGES)
    maps, stratum = read_maps(play, store), read_strata(play)
    frame, grid = play.array("obs").shape[1:3], play.array("token").shape[1:]
    if tuple(store.attrs["frame_size"]) != frame:
        raise ArtifactError(f"{changes}: does not belong to {rollouts}; run the change stage again")
    region_map, region_box = read_regions(store, frame, config)
    plan = plan_crops(maps, region_map, region_box, stratum, frame, grid, config.max_per_code, seed)

    own = np.arange(len(plan.code))
    known = np.flatnonzero(plan.elsewhen_step >= 0)
    match = np.concatenate([own, own, known])
    attrs = {
        "codebook_size": maps.codes,
        "frame_size": list(frame),
        "kinds": list(KINDS),
        "threshold": config.threshold,
        "min_area": config.min_area,
        "max_per_code": config.max_per_code,
        "connectivity": config.connectivity,
    }
    with writing(out, CROPS, attrs) as writer:
        writer.append(
            region_map=region_map.astype(np.int32),
            region_box=region_box,
            crop_step=np.concatenate([plan.step, plan.step, plan.elsewhen_step[known]]).astype(np.int32),
            crop_code=plan.code[match].astype(np.int32),
            crop_box=np.concatenate([plan.box, plan.random_box, plan.box[known]]),
            crop_kind=np.repeat([OWN, RANDOM, ELSEWHEN], [len(own), len(own), len(known)]).astype(np.uint8),
            crop_match=match.astype(np.int32),
        )
