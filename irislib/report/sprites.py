"""Pictures inside the page, as data URIs: figures, and sheets of many small ones."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

Array = np.ndarray

ACROSS = 64  # cells a row of a sheet
PER_SHEET = 4096  # cells; with cells of 64 pixels no side passes the 4,096 that any browser decodes


@dataclass(frozen=True)
class Embedded:
    """A picture as a data URI, and its size in pixels."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Sheet:
    """Square cells of `cell` pixels in a grid, and how many across and down."""

    image: Embedded
    across: int
    down: int


@dataclass(frozen=True)
class Sprite:
    """Where a small picture is: its sheet, and its cell's column and row there."""

    sheet: int
    x: int
    y: int


def embed(picture: Image.Image) -> Embedded:
    """Lossless WebP, a third of a PNG's bytes; the same pixels give the same bytes."""
    data = io.BytesIO()
    picture.save(data, "WEBP", lossless=True, method=4, exact=False)
    text = base64.b64encode(data.getvalue()).decode()
    return Embedded(f"data:image/webp;base64,{text}", picture.width, picture.height)


def embed_file(path: Path) -> Embedded:
    """A PNG without transparency, embedded."""
    with Image.open(path) as picture:
        return embed(picture.convert("RGB"))


def pack(pictures: list[Array], cell: int) -> tuple[list[Sheet], list[Sprite]]:
    """Sheets of pictures u8 [h,w,3], each as large as a cell of `cell` pixels allows, and where each is.

    Pixels are repeated where a picture is smaller than its cell, averaged where it is larger; what is left
    of the cell is transparent.
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


def _fit(picture: Array, cell: int) -> Array:
    """The picture in the middle of a cell, u8 [cell,cell,4]."""
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
