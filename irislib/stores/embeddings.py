"""embeddings.zarr: features of the distinct crops, and which crop has which."""

from irislib.artifacts import Array, Schema

# Attributes: weights, size (pixels that crops were resized to), mantissa_bits, feature (what a vector is).
# Mantissas are rounded to `mantissa_bits`: 6 change a cosine by less than 1e-3 and save a third of the disk.
# With the 512 features of the default embedder 1,000 distinct crops take 0.53 MB.
EMBEDDINGS = Schema(
    name="irislib/embeddings",
    version=1,
    stage="embed",
    arrays={
        "embedding": Array(
            "float16",
            ("distinct", "feature"),
            "features of a distinct crop",
            "1",
            "Crops with the same pixels are embedded once. Compare rows by their cosine.",
            chunk=256,
            shard=16384,
            shuffle=True,
        ),
        "crop_embedding": Array(
            "int32",
            ("crop",),
            "features of a crop",
            "row of embedding",
            "One entry for each row of the crop arrays of crops.zarr.",
        ),
    },
)
