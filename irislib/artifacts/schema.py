"""What a store holds, said before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass

from zarr.abc.codec import BytesBytesCodec as Codec
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec
from zarr.core.common import JSON


@dataclass(frozen=True)
class Array:
    """One array of a store. The store itself says what it means, in the attributes that xarray shows.

    Attributes:
        dtype: numpy name of the element type.
        dims: dimension names, the growing one first; arrays that share it have the same length.
        long_name: what it is, in a few words.
        units: of its numbers; "1" where they have none, and "row of ..." or "index of ..." for a reference.
        description: what a reader must know beyond that, in sentences.
        chunk: rows that are compressed together.
        shard: rows a file; a multiple of `chunk`.
        level: of Zstandard, from 1 to 22; from 18 on it writes tens of times slower and reads as fast.
        shuffle: sort the bytes by significance before compression, which suits rounded floats.
        undefined: NaN stands for an undefined number here; elsewhere no number that is not finite is stored.
    """

    dtype: str
    dims: tuple[str, ...]
    long_name: str = ""
    units: str = ""
    description: str = ""
    chunk: int = 1024
    shard: int = 65536
    level: int = 5
    shuffle: bool = False
    undefined: bool = False

    @property
    def attributes(self) -> dict[str, JSON]:
        """What the store says of the array."""
        return {"description": self.description, "long_name": self.long_name, "units": self.units}

    @property
    def compressors(self) -> tuple[Codec, ...]:
        """Zstandard with a checksum, so that damage is noticed."""
        if self.shuffle:
            return BloscCodec(cname="zstd", clevel=self.level, shuffle="shuffle"), Crc32cCodec()
        return (ZstdCodec(level=self.level, checksum=True),)


@dataclass(frozen=True)
class Schema:
    """What a store holds, and which stage makes it (for the remedy in an error)."""

    name: str
    version: int
    stage: str
    arrays: Mapping[str, Array]
