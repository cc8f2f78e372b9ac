"""Tokenizers that look at nothing but the pixels of a token's own patch: the nearest of K centres."""

import numpy as np
from jaxtyping import Float, Float32, Int16, Int64, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.tokenizers.protocol import CODE_INPUT


class PatchTokenizer(nn.Module):
    """Describes each patch by F numbers and takes the nearest centre: a `protocol.FrameTokenizer`.

    A frame is cut into h x w patches of equal size. Pixels that are left over at the right and at the bottom
    belong to no token, and are decoded as black. Blank is black too.

    Args:
        centres: float32 [K,F], a description each, from 0 to 255.
        grid: h and w.
        frame: H and W, in pixels.
    """

    context_length = 0
    local = True
    centres: Tensor

    def __init__(
        self, centres: Float32[Tensor, "codes numbers"], grid: tuple[int, int], frame: tuple[int, int]
    ) -> None:
        super().__init__()
        self.grid, self.frame = grid, frame
        self.register_buffer("centres", centres)

    @property
    def patch(self) -> tuple[int, int]:
        """Height and width of a patch, in pixels."""
        return self.frame[0] // self.grid[0], self.frame[1] // self.grid[1]

    @property
    def patch_boxes(self) -> Int16[np.ndarray, "position 4"]:
        """Each token's patch, row by row: (y0, x0, y1, x1) in pixels, half open."""
        (rows, columns), (height, width) = self.grid, self.patch
        y, x = np.divmod(np.arange(rows * columns), columns)
        boxes = np.stack([y * height, x * width, (y + 1) * height, (x + 1) * width], axis=1)
        return boxes.astype(np.int16)

    @property
    def codebook(self) -> Float32[Tensor, "codes numbers"]:
        """The centres from -1 (black) to 1 (white), float32 [K,F]."""
        return self.centres / 127.5 - 1

    def encode(self, frames: UInt8[Tensor, "n y x 3"]) -> Int64[Tensor, "n h w"]:
        """Frames u8 [N,H,W,3] to tokens int64 [N,h,w]: the centre at the smallest Euclidean distance."""
        # Measured from the middle, so that sums of products stay small; the middle cancels in distances.
        described = self.describe(cut_patches(frames, self.grid)) - 128
        centres = self.centres.to(described) - 128
        distance = centres.square().sum(1) / 2 - described.flatten(0, 2) @ centres.T
        return distance.argmin(1).view(len(frames), *self.grid)

    def embed(self, tokens: Int64[Tensor, "n h w"]) -> Float32[Tensor, "n numbers h w"]:
        """Tokens int64 [N,h,w] to latents float32 [N,F,h,w]."""
        return self.codebook[tokens].movedim(-1, 1)

    def decode(self, latents: Float[Tensor, "n numbers h w"]) -> Float[Tensor, "n 3 y x"]:
        """Latents float [N,F,h,w] to images float [N,3,H,W]."""
        patches = self.draw(latents.movedim(1, -1))  # [N,h,w,ph,pw,3]
        images = patches.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)
        below, right = self.frame[0] - images.shape[2], self.frame[1] - images.shape[3]
        return F.pad(images, (0, right, 0, below), value=-1.0)

    def blank(self, n: int) -> Float32[Tensor, "n numbers h w"]:
        """Black patches, float32 [n,F,h,w]."""
        return self.centres.new_full((n, self.centres.shape[1], *self.grid), -1.0)

    def layers(self) -> list[str]:
        """The code input; nothing else is a layer."""
        return [CODE_INPUT]

    def describe(self, patches: UInt8[Tensor, "n h w py px 3"]) -> Float[Tensor, "n h w numbers"]:
        """Patches to F numbers each, from 0 to 255, of the type in which distances are computed."""
        raise NotImplementedError

    def draw(self, latents: Float[Tensor, "n h w numbers"]) -> Float[Tensor, "n h w py px 3"]:
        """Latents to patches of pixels, from -1 to 1."""
        raise NotImplementedError


class MeanColours(PatchTokenizer):
    """F = 3: the mean red, green and blue of a patch. Decoded to patches of one colour."""

    def describe(self, patches: UInt8[Tensor, "n h w py px 3"]) -> Float[Tensor, "n h w 3"]:
        return patches.double().mean((3, 4))

    def draw(self, latents: Float[Tensor, "n h w 3"]) -> Float[Tensor, "n h w py px 3"]:
        return latents[:, :, :, None, None].expand(-1, -1, -1, *self.patch, -1)


class Patches(PatchTokenizer):
    """F = 3 x height x width of a patch: all of its pixels.

    Centres are whole numbers, so that sums of products are exact in float32 for up to 1,024 numbers: the same
    tokens on every processor and for every number of threads.
    """

    def describe(self, patches: UInt8[Tensor, "n h w py px 3"]) -> Float[Tensor, "n h w numbers"]:
        return patches.flatten(3).float()

    def draw(self, latents: Float[Tensor, "n h w numbers"]) -> Float[Tensor, "n h w py px 3"]:
        return latents.reshape(*latents.shape[:3], *self.patch, 3)


def cut_patches(frames: UInt8[Tensor, "n y x 3"], grid: tuple[int, int]) -> UInt8[Tensor, "n h w py px 3"]:
    """Frames u8 [N,H,W,3] to the pixels of their h x w patches, u8 [N,h,w,H//h,W//w,3]."""
    (rows, columns), height, width = grid, frames.shape[1] // grid[0], frames.shape[2] // grid[1]
    whole = frames[:, : rows * height, : columns * width]
    return whole.reshape(len(frames), rows, height, columns, width, 3).swapaxes(2, 3)
