"""What a store holds, said before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass

from zarr.abc.codec import BytesBytesCodec as Codec
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec


@dataclass(frozen=True)
class Array:
    """One array of a store.

    Attributes:
        dtype: numpy name of the element type.
        dims: dimension names, the growing one first; arrays that share it have the same length.
        chunk: rows that are compressed together.
        shard: rows a file; a multiple of `chunk`.
        shuffle: sort the bytes by significance before compression, which suits rounded floats.
    """

    dtype: str
    dims: tuple[str, ...]
    chunk: int = 1024
    shard: int = 65536
    shuffle: bool = False

    @property
    def compressors(self) -> tuple[Codec, ...]:
        """Zstandard with a checksum, so that damage is noticed."""
        if self.shuffle:
            return BloscCodec(cname="zstd", clevel=5, shuffle="shuffle"), Crc32cCodec()
        return (ZstdCodec(level=5, checksum=True),)


@dataclass(frozen=True)
class Schema:
    """What a store holds, and which stage makes it (for the remedy in an error)."""

    name: str
    version: int
    stage: str
    arrays: Mapping[str, Array]
