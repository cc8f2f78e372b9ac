"""changes.zarr: which pixels each code changes, and which occurrence has which map."""

from irislib.artifacts import Array, Schema
from irislib.stores.heatmaps import OWNERS

# With 63 levels a map of 16x16 values takes 119 bytes. Boxes of regions overlap with those of the unrounded
# maps by 98% (intersection over union, mean). Mantissas of 2 bits take more room and overlap by 86%.
LEVELS = 63

# Attributes: codebook_size, steps (observations), frame_size (rows, columns), levels.
CHANGES = Schema(
    name="irislib/changes",
    version=1,
    stage="change",
    arrays={
        "heatmap": Array(
            "uint8",
            ("map", "map_y", "map_x"),
            "change of the decoded frame",
            "map_raw_max / levels",
            "How much each part of the frame changes when the code is put at its positions into a blank "
            "grid: absolute difference of the decoded images, mean over channels and pixels. Each map is "
            "relative to its own largest value. All zero: the decoder ignores the code.",
            shard=16384,
        ),
        "map_raw_max": Array(
            "float32",
            ("map",),
            "largest change in the map",
            "1",
            "Decoded values lie between -1 and 1. A change is never negative, so there is no ReLU.",
        ),
        **OWNERS,
    },
)
