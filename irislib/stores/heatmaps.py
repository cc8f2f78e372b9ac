"""heatmaps.zarr: one map per distinct input, and which (observation, code) pair uses which."""

from irislib.artifacts import Array, Schema

# `heatmap` is after the ReLU and before upsampling; `map_raw_max` and `map_raw_min` are the extremes before
# the ReLU. Row m of the occurrence arrays: code map_code[occurrence_map[m]] is present in observation
# occurrence_step[m]; every occurrence appears once, ordered by step, then code.
# attrs: codebook_size, steps, method, score, layer, threshold-free facts only.
HEATMAPS = Schema(
    name="irislib/heatmaps",
    version=2,
    stage="gradcam",
    arrays={
        "heatmap": Array("float32", ("map", "map_y", "map_x"), shard=16384),  # up to the size of a frame each
        "map_raw_max": Array("float32", ("map",)),
        "map_raw_min": Array("float32", ("map",)),
        "map_code": Array("int32", ("map",)),
        "map_positions": Array("bool", ("map", "token_y", "token_x")),
        "occurrence_step": Array("int32", ("pair",)),
        "occurrence_map": Array("int32", ("pair",)),
    },
)
