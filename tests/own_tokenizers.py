"""Tokenizers of a user's own, for the tests of `rollout.tokenizer`: an oracle, and one that sees nothing.

Both have a code for each of the 9 x 9 cells of 7 pixels in Crafter's frames of 64 x 64.
"""

import os
import zlib

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

GRID, CELL, FRAME = 9, 7, 64
TABLE = "OWN_TOKENIZERS_TABLE"  # names an .npz: cells u8 [M,147], different ones, and label int [M] of each


def cut_cells(frames: np.ndarray) -> np.ndarray:
    """Frames u8 [N,64,64,3] to the pixels of their cells, u8 [N,9,9,147]."""
    n, side = len(frames), GRID * CELL
    cells = frames[:, :side, :side].reshape(n, GRID, CELL, GRID, CELL, 3).swapaxes(2, 3)
    return np.ascontiguousarray(cells).reshape(n, GRID, GRID, -1)


class CellTokenizer(nn.Module):
    """Decodes code k to picture k, and blank to black."""

    grid, context_length, local = (GRID, GRID), 0, True
    pictures: Tensor
    codebook: Tensor

    def __init__(self, pictures: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("pictures", torch.from_numpy(pictures).float())  # [K,7,7,3], 0 to 255
        self.register_buffer("codebook", torch.eye(len(pictures)))

    def embed(self, tokens: Tensor) -> Tensor:
        return F.one_hot(tokens, len(self.codebook)).movedim(-1, 1).float()

    def decode(self, latents: Tensor) -> Tensor:
        tiles = torch.einsum("nkij,kyxc->nciyjx", latents, self.pictures.to(latents)) / 127.5
        images = tiles.reshape(len(latents), 3, GRID * CELL, GRID * CELL)
        return F.pad(images, (0, FRAME - GRID * CELL, 0, FRAME - GRID * CELL)) - 1

    def blank(self, n: int) -> Tensor:
        return self.codebook.new_zeros(n, len(self.codebook), GRID, GRID)

    def layers(self) -> list[str]:
        return ["code_input"]


class Oracle(CellTokenizer):
    """The code of a cell is its label, looked up by its pixels; the display is one more code."""

    def __init__(self, cells: np.ndarray, label: np.ndarray) -> None:
        display = int(label.max()) + 1
        seen = [cells[label == k] if (label == k).any() else cells[:1] for k in range(display)]
        pictures = [np.round(c.mean(0)).reshape(CELL, CELL, 3) for c in seen]
        super().__init__(np.stack([*pictures, np.full((CELL, CELL, 3), 128)]))
        self.register_buffer("label", torch.from_numpy(label))
        self.known = {cell.tobytes(): int(k) for cell, k in zip(cells, label, strict=True)}
        self.display = display

    def encode(self, frames: Tensor) -> Tensor:
        cells = cut_cells(frames.cpu().numpy())
        codes = [[[self.known.get(c.tobytes(), 0) for c in row] for row in frame] for frame in cells]
        tokens = torch.tensor(codes, device=frames.device)
        tokens[:, GRID - 2 :] = self.display
        return tokens


class Random(CellTokenizer):
    """The code of a cell is a hash of the frame and the position: what stands there does not matter."""

    def __init__(self, codes: int) -> None:
        super().__init__(
            np.linspace(60, 250, codes).round()[:, None, None, None] * np.ones((1, CELL, CELL, 3))
        )

    def encode(self, frames: Tensor) -> Tensor:
        seeds = [zlib.crc32(frame.tobytes()) for frame in frames.cpu().numpy()]
        draws = [np.random.default_rng(seed).integers(len(self.codebook), size=self.grid) for seed in seeds]
        return torch.from_numpy(np.stack(draws)).to(frames.device)


def oracle() -> Oracle:
    with np.load(os.environ[TABLE]) as table:
        return Oracle(table["cells"], table["label"])


def random() -> Random:
    return Random(12)
