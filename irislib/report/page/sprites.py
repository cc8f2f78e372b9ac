"""Pictures as data URIs inside the page: sheets of many small pictures."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from irislib.report.palette import few_colours

ACROSS = 64  # cells in a row of a sheet
PER_SHEET = (
    4096  # cells of a sheet: with cells of 64 pixels, 4,096 pixels a side, which every browser decodes
)


@dataclass(frozen=True)
class Embedded:
    """A picture as a data URI, with its size in pixels."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Sheet:
    """A picture that is a grid of square cells: how many across and how many down."""

    image: Embedded
    across: int
    down: int


@dataclass(frozen=True)
class Sprite:
    """The place of a small picture: number of its sheet, column and row of its cell."""

    sheet: int
    x: int
    y: int


def embed(picture: Image.Image) -> Embedded:
    """Encodes at most 256 colours as lossless WebP; equal pixels give equal bytes."""
    data = io.BytesIO()
    few_colours(picture).save(data, "WEBP", lossless=True, method=4, exact=False)
    text = base64.b64encode(data.getvalue()).decode()
    return Embedded(f"data:image/webp;base64,{text}", picture.width, picture.height)


def pack(pictures: list[UInt8[np.ndarray, "_ _ 3"]], cell: int) -> tuple[list[Sheet], list[Sprite]]:
    """Puts pictures into the cells of sheets.

    A picture is scaled to its cell and keeps its proportions: pixels are repeated if it is smaller, averaged
    if it is larger. The rest of the cell is transparent.

    Args:
        pictures: pictures of any sizes.
        cell: side of a cell, pixels.

    Returns:
        the sheets, and the place of each picture.
    """
    sheets, sprites = list[Sheet](), list[Sprite]()
    for start in range(0, len(pictures), PER_SHEET):
        part = pictures[start : start + PER_SHEET]
        across = min(ACROSS, len(part))
        down = -(-len(part) // across)
        sheet = np.zeros((down * cell, across * cell, 4), np.uint8)
        for place, picture in enumerate(part):
            y, x = divmod(place, across)
            sprites.append(Sprite(len(sheets), x, y))
            sheet[y * cell : (y + 1) * cell, x * cell : (x + 1) * cell] = _fit(picture, cell)
        sheets.append(Sheet(embed(Image.fromarray(sheet)), across, down))
    return sheets, sprites


def _fit(picture: UInt8[np.ndarray, "h w 3"], cell: int) -> UInt8[np.ndarray, "cell cell 4"]:
    """The picture, scaled, in the middle of a cell with transparency."""
    height, width = picture.shape[:2]
    scale = cell / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX
    pixels = np.asarray(Image.fromarray(picture).resize(size, method))
    filled = np.zeros((cell, cell, 4), np.uint8)
    y, x = (cell - size[1]) // 2, (cell - size[0]) // 2
    filled[y : y + size[1], x : x + size[0], :3] = pixels
    filled[y : y + size[1], x : x + size[0], 3] = 255
    return filled
