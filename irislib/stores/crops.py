"""crops.zarr: boxes of the regions under the maps, and two counterparts of each."""

from irislib.artifacts import Array, Schema

KINDS = ("own", "random", "elsewhen")
OWN, RANDOM, ELSEWHEN = range(len(KINDS))

ROWS = 65536  # compressed together: every reader wants them all, and they take a third of the disk

_BOX = "(y0, x0, y1, x1), half open: rows y0 to y1 - 1, columns x0 to x1 - 1."

# Attributes: codebook_size, frame_size (rows, columns), kinds, and the parameters of the crop stage.
CROPS = Schema(
    name="irislib/crops",
    version=2,
    stage="crop",
    arrays={
        "region_map": Array(
            "int32",
            ("region",),
            "map that the region lies in",
            "row of the map arrays of changes.zarr",
            "A region is a connected component of a thresholded map. It depends on the map alone.",
            chunk=ROWS,
        ),
        "region_box": Array(
            "int16",
            ("region", "corner"),
            "bounding box of the region",
            "pixels",
            _BOX,
            chunk=ROWS,
            shuffle=True,
        ),
        "crop_step": Array(
            "int32",
            ("crop",),
            "observation that the crop is cut from",
            "row of rollouts.zarr",
            "A crop is one box in one observation.",
            chunk=ROWS,
        ),
        "crop_code": Array(
            "int32",
            ("crop",),
            "code whose map gave the crop",
            "index of the codebook",
            "A counterpart has the code of the crop that it is matched with.",
            chunk=ROWS,
        ),
        "crop_box": Array(
            "int16",
            ("crop", "corner"),
            "box of the crop",
            "pixels",
            _BOX,
            chunk=ROWS,
            shuffle=True,
        ),
        "crop_kind": Array(
            "uint8",
            ("crop",),
            "kind of crop",
            "index of kinds",
            "own: the box of a region. random: that box, moved by whole token patches in the same "
            "observation. elsewhen: that box in an observation of another episode, of the same stratum and "
            "the nearest step. Every crop of a region has one random counterpart, and one elsewhen "
            "counterpart unless no other episode has the stratum.",
            chunk=ROWS,
        ),
        "crop_match": Array(
            "int32",
            ("crop",),
            "crop of a region that this crop is matched with",
            "row of the crop arrays",
            "The crop of a region is matched with itself, a counterpart with the crop that it stands beside.",
            chunk=ROWS,
            shuffle=True,
        ),
    },
)
