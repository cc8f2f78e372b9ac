"""Change maps as text: small grids of 16 levels, which the page's scripts draw over frames."""

import base64

import numpy as np
from jaxtyping import Float

from irislib.report.pictures import block_means, block_sides

LEVELS = 15  # of a map's maximum; a value is one hexadecimal digit
FINEST = 16  # largest number of rows and columns of a map


def map_size(size: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns that `map_texts` leaves of maps of this size."""
    rows, columns = (-(-side // block) for side, block in zip(size, block_sides(size, FINEST), strict=True))
    return rows, columns


def map_texts(maps: Float[np.ndarray, "n h w"]) -> list[str]:
    """Base64 of two values a byte, row by row, the first value in the upper four bits.

    Args:
        maps: not negative. Each is scaled to its own largest value; a map of zeros stays one.
    """
    small = block_means(maps.astype(np.float64), block_sides(maps.shape[1:], FINEST))
    highest = small.max((1, 2), keepdims=True)
    level = np.round(LEVELS * small / np.where(highest > 0, highest, 1)).astype(np.uint8)
    values = level.reshape(len(level), -1)
    values = np.pad(values, ((0, 0), (0, values.shape[1] % 2)))
    return [base64.b64encode(row.tobytes()).decode() for row in values[:, ::2] << 4 | values[:, 1::2]]
