"""A made-up world of coloured cells, and tokenizers for it of which every measure of tokens is known."""

import zlib
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.interpret.boxes import Boxes
from irislib.interpret.labels.truth import Truth
from irislib.interpret.observations.visible import Visible
from irislib.interpret.tokens.recording import Recording

CELLS, SIDE, LABELS = 4, 4, 3  # cells a side, pixels of a cell, labels
EPISODES, STEPS = 12, 40
COLOURS = np.array([(40, 40, 200), (60, 180, 60), (140, 140, 140), (0, 0, 0)], np.uint8)  # black: the display
VARIANTS = 4  # shades of a label's colour
NAMES = ("water", "grass", "stone", "display")


def record(seed: int = 0, episodes: int = EPISODES) -> Recording:
    """Episodes of a world of 3 x 4 cells above a row of the display; grass is twice as common.

    The shade of a cell is drawn too: its colour plus 0 to 3.
    """
    rng = np.random.default_rng(seed)
    n, world = episodes * STEPS, (CELLS - 1) * CELLS
    label = rng.choice(LABELS, (n, world), p=(0.25, 0.5, 0.25)).astype(np.uint8)
    shown = np.concatenate([label, np.full((n, CELLS), LABELS, np.uint8)], axis=1)
    cells = COLOURS[shown] + rng.integers(0, VARIANTS, shown.shape).astype(np.uint8)[..., None]
    frames = cells.reshape(n, CELLS, CELLS, 3).repeat(SIDE, 1).repeat(SIDE, 2)
    corners = [
        (y, x, y + SIDE, x + SIDE) for y in range(0, CELLS * SIDE, SIDE) for x in range(0, CELLS * SIDE, SIDE)
    ]
    boxes = Boxes((CELLS * SIDE, CELLS * SIDE), np.array(corners, np.int16), world)
    truth = Truth(boxes, NAMES, label, ("wood",), np.zeros((n, 1), np.uint8))
    episode = np.repeat(np.arange(episodes), STEPS)
    return Recording(frames, truth, Visible.of(episode, np.zeros(n, np.uint8), seed))


class Cells(nn.Module):
    """Code k is decoded to a colour of its own; blank to black.

    Args:
        codes: K.
        read: from the red, green and blue of the cells [N,4,4,3] to codes [N,4,4].
    """

    grid, context_length, local = (CELLS, CELLS), 0, True
    codebook: Tensor

    def __init__(self, codes: int, read: Callable[[np.ndarray], np.ndarray]) -> None:
        super().__init__()
        self.register_buffer("codebook", torch.eye(codes))
        self.colour = nn.Conv2d(codes, 3, 1, bias=False)
        with torch.no_grad():
            self.colour.weight.copy_(torch.linspace(0.1, 1, 3 * codes).view(3, codes, 1, 1))
        self.requires_grad_(False)
        self.read = read

    def encode(self, frames: Tensor) -> Tensor:
        return torch.from_numpy(
            self.read(frames[:, ::SIDE, ::SIDE].numpy().astype(np.int64)).astype(np.int64)
        )

    def embed(self, tokens: Tensor) -> Tensor:
        return F.one_hot(tokens, len(self.codebook)).movedim(-1, 1).float()

    def decode(self, latents: Tensor) -> Tensor:
        return F.interpolate(self.colour(latents), scale_factor=SIDE, mode="nearest") - 1

    def blank(self, n: int) -> Tensor:
        return self.codebook.new_zeros(n, len(self.codebook), *self.grid)

    def layers(self) -> list[str]:
        return ["code_input"]


def label_of(colour: np.ndarray) -> np.ndarray:
    """Labels of cells [...,3]; 3 is the display."""
    distance = np.abs(colour[..., None, :] - COLOURS.astype(np.int64)).sum(-1)
    found: np.ndarray = distance.argmin(-1)
    return found


def oracle() -> Cells:
    """The code is the label."""
    return Cells(LABELS + 1, label_of)


def split_oracle() -> Cells:
    """Each label has four codes: label and shade."""

    def read(colour: np.ndarray) -> np.ndarray:
        label = label_of(colour)
        shade = colour[..., 0] - COLOURS.astype(np.int64)[label][..., 0]
        code: np.ndarray = label * VARIANTS + shade
        return code

    return Cells((LABELS + 1) * VARIANTS, read)


def frame_hash(codes: int = 8) -> Cells:
    """The code is a hash of the whole frame and the position: what stands there does not matter."""

    def read(colour: np.ndarray) -> np.ndarray:
        seeds = [zlib.crc32(frame.tobytes()) for frame in colour]
        return np.stack([np.random.default_rng(one).integers(codes, size=(CELLS, CELLS)) for one in seeds])

    return Cells(codes, read)


def place() -> Cells:
    """The code is the position."""
    grid = np.arange(CELLS * CELLS).reshape(CELLS, CELLS)
    return Cells(CELLS * CELLS, lambda colour: np.broadcast_to(grid, colour.shape[:3]).copy())
