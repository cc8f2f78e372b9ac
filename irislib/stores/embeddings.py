"""embeddings.zarr: features of the distinct crops, and which crop has which."""

from irislib.artifacts import Array, Schema

# crop_embedding[i] is the row of `embedding` for row i of crops.zarr; crops with the same pixels share it.
# Mantissas are rounded to `mantissa_bits`: 6 move a cosine by less than 1e-3 and save a third of the disk.
# With the 512 features of the default embedder 1,000 distinct crops take 0.53 MB.
# attrs: weights, size (pixels that crops were resized to), mantissa_bits, feature (what a vector is).
EMBEDDINGS = Schema(
    name="irislib/embeddings",
    version=1,
    stage="embed",
    arrays={
        "embedding": Array("float16", ("distinct", "feature"), chunk=256, shard=16384, shuffle=True),
        "crop_embedding": Array("int32", ("crop",)),
    },
)
