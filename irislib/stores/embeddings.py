"""embeddings.zarr: features of the distinct crops, and which crop has which."""

from irislib.artifacts import Array, Schema

# crop_embedding[i] is the row of `embedding` for row i of crops.zarr; crops with the same pixels share it.
# Mantissas are rounded to `mantissa_bits`: moves a cosine by less than 1e-3, saves two fifths of the disk.
# attrs: weights, mantissa_bits, size, feature dimension's meaning.
EMBEDDINGS = Schema(
    name="irislib/embeddings",
    version=1,
    stage="embed",
    arrays={
        "embedding": Array("float16", ("distinct", "feature"), chunk=256, shard=16384, shuffle=True),
        "crop_embedding": Array("int32", ("crop",)),
    },
)
