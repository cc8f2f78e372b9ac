"""crops.zarr: boxes of the regions under the maps, and size-matched random boxes."""

from irislib.artifacts import Array, Schema

_BOX = "(y0, x0, y1, x1), half open: rows y0 to y1 - 1, columns x0 to x1 - 1."

# Attributes: codebook_size, frame_size (rows, columns), and the parameters of the crop stage.
CROPS = Schema(
    name="irislib/crops",
    version=1,
    stage="crop",
    arrays={
        "region_map": Array(
            "int32",
            ("region",),
            "map that the region lies in",
            "row of the map arrays of heatmaps.zarr",
            "A region is a connected component of a thresholded map. It depends on the map alone.",
        ),
        "region_box": Array("int16", ("region", "corner"), "bounding box of the region", "pixels", _BOX),
        "crop_step": Array(
            "int32",
            ("crop",),
            "observation that the crop was cut from",
            "row of rollouts.zarr",
            "A crop is one box in one observation: of a region, or a random one.",
        ),
        "crop_code": Array(
            "int32",
            ("crop",),
            "code whose map gave the crop",
            "index of the codebook",
            "A random crop has the code of the crop that it is matched with.",
        ),
        "crop_box": Array("int16", ("crop", "corner"), "box of the crop", "pixels", _BOX),
        "crop_random": Array(
            "bool",
            ("crop",),
            "whether the box is random",
            "1",
            "False: the box of a region. True: a box of that size at a random place of the same observation.",
        ),
        "crop_match": Array(
            "int32",
            ("crop",),
            "crop of a region that this crop is matched with",
            "row of the crop arrays",
            "The crop of a region is matched with itself, a random crop with the crop whose size it has.",
        ),
    },
)
