"""attributions.zarr: maps of a sample of occurrences under many variants of the attribution, summed up."""

from irislib.artifacts import Array, Schema

# A row of `map_*` is the map of one occurrence of the sample under one variant: map_variant counts the
# variants in the attributes `gradcam`, then those in `methods`. `map_high` and `map_low` are the extremes
# before the ReLU; `map_peak` is the maximum after the ReLU and upsampling; `map_level` is the largest value
# at which the upsampled map has a region of `min_area` pixels, 0 for none. So it is known without the map
# whether there is a region at some crop.threshold: map_level >= threshold * map_peak.
# Row m of `measured` holds the numbers `measures` of method m; NaN where undefined.
# attrs: gradcam, methods (the key of each variant), measures, population (what the sample stands for),
# min_area, connectivity.
ATTRIBUTIONS = Schema(
    name="irislib/attributions",
    version=1,
    stage="attributions",
    arrays={
        "map_variant": Array("int32", ("map",)),
        "map_code": Array("int32", ("map",)),
        "map_high": Array("float32", ("map",)),
        "map_low": Array("float32", ("map",)),
        "map_peak": Array("float32", ("map",)),
        "map_level": Array("float32", ("map",)),
        "measured": Array("float64", ("method", "measure")),
    },
)
