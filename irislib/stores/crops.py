"""crops.zarr: boxes of the regions under the maps, and size-matched random boxes."""

from irislib.artifacts import Array, Schema

# A row of `region_*` is a connected component of a thresholded map, in frame pixels; it depends on the
# map alone. A row of `crop_*` is a box in one frame: crop_random False for a region of code crop_code
# in frame crop_step, True for its random counterpart (same frame, same size, row of the region's crop
# in crop_match; a region's crop matches itself).
# Boxes are (y0, x0, y1, x1), half open.
CROPS = Schema(
    name="irislib/crops",
    version=1,
    stage="crop",
    arrays={
        "region_map": Array("int32", ("region",)),
        "region_box": Array("int16", ("region", "corner")),
        "crop_step": Array("int32", ("crop",)),
        "crop_code": Array("int32", ("crop",)),
        "crop_box": Array("int16", ("crop", "corner")),
        "crop_random": Array("bool", ("crop",)),
        "crop_match": Array("int32", ("crop",)),
    },
)
