"""heatmaps.zarr: one map for each distinct decoder input, and which occurrence has which map."""

from irislib.artifacts import Array, Schema

_RAW = "Over the whole map. The share of maps that the ReLU leaves empty follows from it."

# Whose a map is; the same arrays in every store of maps.
OWNERS = {
    "map_code": Array(
        "int32",
        ("map",),
        "code that was kept",
        "index of the codebook",
        "Every other token was masked when the map was computed.",
    ),
    "map_positions": Array(
        "bool",
        ("map", "token_y", "token_x"),
        "positions of the token grid where the code stands",
        "1",
        "Maps of the same code at the same positions are stored once, unless the score sees the frame.",
    ),
    "occurrence_step": Array(
        "int32",
        ("occurrence",),
        "observation of the occurrence",
        "row of rollouts.zarr",
        "An occurrence is an observation and a code that stands in its token grid. Every occurrence has "
        "one row, in order of its observation, then of its code.",
    ),
    "occurrence_map": Array(
        "int32",
        ("occurrence",),
        "map of the occurrence",
        "row of the map arrays",
        "map_code at this row is the code of the occurrence.",
    ),
}

# Attributes: codebook_size, steps (observations), frame_size (rows, columns), method, score, layer.
HEATMAPS = Schema(
    name="irislib/heatmaps",
    version=2,
    stage="gradcam",
    arrays={
        "heatmap": Array(
            "float32",
            ("map", "map_y", "map_x"),
            "heatmap of a code at its positions",
            "score",
            "What each place contributes to the score of the decoded image, by the method in `method`. "
            "After the ReLU and before upsampling to the frame. All zero: the map is empty.",
            shard=16384,  # a map has up to as many numbers as a frame has pixels
        ),
        "map_raw_max": Array("float32", ("map",), "maximum of the map before the ReLU", "score", _RAW),
        "map_raw_min": Array("float32", ("map",), "minimum of the map before the ReLU", "score", _RAW),
        **OWNERS,
    },
)
