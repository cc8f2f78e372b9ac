"""attributions.zarr: maps of a sample of occurrences under many variants of the attribution, summed up."""

from irislib.artifacts import Array, Schema

# Attributes: gradcam and methods (the key of each variant), measures (names of the columns of `measured`),
# population (what the sample stands for), min_area, connectivity.
ATTRIBUTIONS = Schema(
    name="irislib/attributions",
    version=1,
    stage="attributions",
    arrays={
        "map_variant": Array(
            "int32",
            ("map",),
            "variant of the attribution",
            "index of the attributes gradcam and methods, one after the other",
            "A row of the map arrays is the map of one occurrence of the sample under one variant.",
        ),
        "map_code": Array(
            "int32", ("map",), "code of the occurrence", "index of the codebook", "The code whose map it is."
        ),
        "map_high": Array(
            "float32",
            ("map",),
            "maximum of the map before the ReLU",
            "score",
            "The map is empty where it is not above 0.",
        ),
        "map_low": Array(
            "float32",
            ("map",),
            "minimum of the map before the ReLU",
            "score",
            "With map_high it tells zero, negative and mixed maps.",
        ),
        "map_peak": Array(
            "float32",
            ("map",),
            "maximum of the map after the ReLU and upsampling",
            "score",
            "Regions are relative to it.",
        ),
        "map_level": Array(
            "float32",
            ("map",),
            "largest value at which the upsampled map has a region",
            "score",
            "0 where it has none. The map has a region at crop.threshold where map_level is above 0 and "
            "at least crop.threshold times map_peak.",
        ),
        "measured": Array(
            "float64",
            ("method", "measure"),
            "faithfulness of each method",
            "see docs/metrics.md, attributions.csv",
            "Columns are named by the attribute measures. NaN where a number is undefined.",
            undefined=True,
        ),
    },
)
