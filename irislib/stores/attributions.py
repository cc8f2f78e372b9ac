"""attributions.zarr: maps of a sample of occurrences under many variants of the attribution, summed up."""

from irislib.artifacts import Array, Schema

ROWS = 65536  # compressed together: every reader wants them all, and codes repeat from variant to variant
MANTISSA_BITS = 8  # of float32's 23 are kept of the extremes, for a smaller store; signs and zeros are exact

# Attributes: gradcam and methods (the key of each variant), measures and curves (names of the columns of
# `measured` and `areas`), population (what the sample stands for), min_area, connectivity.
ATTRIBUTIONS = Schema(
    name="irislib/attributions",
    version=2,
    stage="attributions",
    arrays={
        "map_variant": Array(
            "int32",
            ("map",),
            "variant of the attribution",
            "index of the attributes gradcam and methods, one after the other",
            "A row of the map arrays is the map of one occurrence of the sample under one variant.",
            chunk=ROWS,
        ),
        "map_code": Array(
            "int32",
            ("map",),
            "code of the occurrence",
            "index of the codebook",
            "The code whose map it is.",
            chunk=ROWS,
        ),
        "map_episode": Array(
            "int32",
            ("map",),
            "episode of the occurrence",
            "1",
            "Of the observation that the code is in.",
            chunk=ROWS,
        ),
        "map_high": Array(
            "float32",
            ("map",),
            "maximum of the map before the ReLU",
            "score",
            "The map is empty where it is not above 0.",
            chunk=ROWS,
            shuffle=True,
        ),
        "map_low": Array(
            "float32",
            ("map",),
            "minimum of the map before the ReLU",
            "score",
            "With map_high it tells zero, negative and mixed maps.",
            chunk=ROWS,
            shuffle=True,
        ),
        "map_share": Array(
            "float32",
            ("map",),
            "largest threshold at which the upsampled map has a region",
            "share of the map's maximum",
            "0 where it has none at any. The map has a region at crop.threshold where it is at least that.",
            chunk=ROWS,
            shuffle=True,
        ),
        "measured": Array(
            "float32",
            ("method_map", "measure"),
            "faithfulness of the maps of the methods",
            "see docs/metrics.md, attributions.csv",
            "The rows are the maps of the variants in methods, in their order; the attribute measures names "
            "the columns. NaN where a number is undefined.",
            undefined=True,
        ),
        "area_variant": Array(
            "int32",
            ("observation",),
            "variant of the attribution",
            "index of the attributes gradcam and methods, one after the other",
            "A row of the arrays of this dimension is a whole observation under one method.",
        ),
        "area_episode": Array(
            "int32", ("observation",), "episode of the observation", "1", "Of recorded play."
        ),
        "areas": Array(
            "float32",
            ("observation", "curve"),
            "areas under the insertion and the deletion curve",
            "score",
            "Of latent positions, in the order of the maps; the attribute curves names the columns.",
        ),
    },
)
