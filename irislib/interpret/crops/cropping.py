"""The crop stage: crops of the regions under the maps, and their random counterparts."""

from pathlib import Path

import numpy as np

from irislib.artifacts import open_store, writing
from irislib.errors import ArtifactError
from irislib.interpret.crops.draws import draw_boxes, draw_crops
from irislib.interpret.crops.regions import CropConfig, find_regions
from irislib.interpret.evidence import read_maps
from irislib.runtime import progress
from irislib.stores.crops import CROPS
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS

ROWS = 1024  # maps upsampled at once


def crop_regions(config: CropConfig, seed: int, rollouts: Path, heatmaps: Path, out: Path) -> None:
    """Writes crops.zarr: the crops by code, step and region, then their random counterparts.

    Without any region the store has rows of length 0.

    Args:
        config: the `crop` section.
        seed: the pipeline's.
        rollouts: store of recorded play.
        heatmaps: store of the maps of these rollouts.
        out: the store (`CROPS`).

    Raises:
        ArtifactError: a store is missing or damaged, or the heatmaps are not of these rollouts.
    """
    play, store = open_store(rollouts, ROLLOUTS), open_store(heatmaps, HEATMAPS)
    maps = read_maps(play, store)
    frame = play.array("obs").shape[1:3]
    if tuple(store.attrs["frame_size"]) != frame:
        raise ArtifactError(f"{heatmaps}: does not belong to {rollouts}; run the gradcam stage again")

    found = []
    for start in progress(range(0, len(store), ROWS), desc="regions", unit="block"):
        rows, boxes = find_regions(store.read("heatmap", slice(start, start + ROWS)), frame, config)
        found.append((start + rows, boxes))
    region_map, region_box = (np.concatenate(parts) for parts in zip(*found, strict=True))

    code, step, region = draw_crops(maps, region_map, config.max_per_code, seed)
    box = region_box[region]
    random_box = draw_boxes(code, box, frame, seed)
    n = len(code)
    attrs = {
        "codebook_size": maps.codes,
        "frame_size": list(frame),
        "threshold": config.threshold,
        "min_area": config.min_area,
        "max_per_code": config.max_per_code,
        "connectivity": config.connectivity,
    }
    with writing(out, CROPS, attrs) as writer:
        writer.append(
            region_map=region_map.astype(np.int32),
            region_box=region_box,
            crop_step=np.tile(step, 2).astype(np.int32),
            crop_code=np.tile(code, 2).astype(np.int32),
            crop_box=np.concatenate([box, random_box]),
            crop_random=np.repeat([False, True], n),
            crop_match=np.tile(np.arange(n, dtype=np.int32), 2),
        )
