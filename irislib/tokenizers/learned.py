"""What every kind of `train.tokenizer` shares: encoder, quantizer and decoder that learn together."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int16, Int64, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.tokenizers.config import TokenizerConfig
from irislib.tokenizers.nets import frames_to_input
from irislib.tokenizers.quantizers import Quantized, Quantizer


class LearnedTokenizer(nn.Module):
    """A `protocol.FrameTokenizer` whose tokens stand for square patches of the frame.

    A kind of tokenizer adds `outputs`, `decode` and `layers`, and sets `quantizer`.

    Args:
        config: the kind and its sizes.
        frame: height and width of the frames, in pixels.
        patch: side of the patch that a token stands for, in pixels.
        offset: pixels at the top and at the left that belong to no token.

    Attributes:
        variant: tells tokenizers apart that have the same weights and grid, and compute something else.

    Raises:
        ParamError: the frame does not divide into tokens.
    """

    context_length = 0
    local = True
    quantizer: Quantizer
    variant = ""

    def __init__(self, config: TokenizerConfig, frame: tuple[int, int], patch: int, offset: int) -> None:
        super().__init__()
        self.config = config
        self.frame, self.patch, self.offset = frame, patch, offset
        self.grid: tuple[int, int] = config.grid(frame)

    @property
    def patch_boxes(self) -> Int16[np.ndarray, "tokens 4"]:
        """(y0, x0, y1, x1) of each token's patch in pixels, half open, int16 [h*w,4], row by row."""
        y, x = np.indices(self.grid).reshape(2, -1) * self.patch + self.offset
        return np.stack([y, x, y + self.patch, x + self.patch], axis=1).astype(np.int16)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of pixels that belong to tokens."""
        rows, columns = (slice(self.offset, self.offset + n * self.patch) for n in self.grid)
        return rows, columns

    @property
    def codebook(self) -> Float[Tensor, "codes channels"]:
        """The codes, float [K,C]."""
        return self.quantizer.codebook

    def outputs(self, x: Float[Tensor, "n 3 y x"]) -> Float[Tensor, "n channels h w"]:
        """Frames float [N,3,H,W] in [-1,1] to what is quantized, float [N,C,h,w]."""
        raise NotImplementedError

    def decode(self, latents: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n 3 y x"]:
        """Latents float [N,C,h,w] to frames float [N,3,H,W], nominally in [-1,1] but not clamped.

        Pixels that belong to no token are black.
        """
        raise NotImplementedError

    def layers(self) -> list[str]:
        """See `protocol.FrameTokenizer`."""
        raise NotImplementedError

    def quantize(self, x: Float[Tensor, "n 3 y x"]) -> Quantized:
        """Frames float [N,3,H,W] in [-1,1] to codes."""
        return self.quantizer.quantize(self.outputs(x))

    def encode(
        self, frames: UInt8[Tensor, "n y x 3"] | UInt8[np.ndarray, "n y x 3"]
    ) -> Int64[Tensor, "n h w"]:
        """Frames u8 [N,H,W,3], a tensor or an array, to tokens int64 [N,h,w].

        Raises:
            TypeError: the frames are of another type or shape.
        """
        if not isinstance(frames, Tensor):
            frames = torch.as_tensor(frames, device=self.codebook.device)
        if frames.dtype != torch.uint8 or frames.ndim != 4 or frames.shape[-1] != 3:
            kind = str(frames.dtype).removeprefix("torch.")
            raise TypeError(f"frames: must be uint8 [N,H,W,3], not {kind} {list(frames.shape)}")
        return self.quantize(frames_to_input(frames)).tokens

    def embed(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, "n channels h w"]:
        """Tokens int64 [N,h,w] to latents float [N,C,h,w]."""
        return self.quantizer.embed(tokens)

    def decode_tokens(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, "n 3 y x"]:
        """Tokens int64 [N,h,w] to frames float [N,3,H,W] in [0,1], as the actor-critic sees them."""
        return ((self.decode(self.embed(tokens)) + 1) / 2).clamp(0, 1)

    def blank(self, n: int) -> Float[Tensor, "n channels h w"]:
        """The quantizer's blank latent at every position, float [n,C,h,w]."""
        return self.quantizer.blank[None, :, None, None].repeat(n, 1, *self.grid)

    def losses(
        self, frames: UInt8[Tensor, "n y x 3"], perceptual: Callable[[Tensor, Tensor], Tensor] | None = None
    ) -> tuple[dict[str, Tensor], Quantized]:
        """The losses on frames u8 [N,H,W,3] (IRIS, equation 1), whose sum is minimised.

        Each is a mean over the frames, so the losses of a batch are the mean of those of equal parts of it;
        but the entropy loss of LFQ is about the frames of a part together. Pixels that belong to no token
        are left out. What `config.alignment` asks for is not among them: it needs more than the frames
        (`alignment`).

        Args:
            frames: of the batch, or of a part of it.
            perceptual: maps two batches of frames in [-1,1] to a loss (LPIPS); left out by default.

        Returns:
            The losses by name, and what the quantizer made of the frames, for its `after_batch` and for
            `revival.Revival`.
        """
        x = frames_to_input(frames)
        out = self.quantize(x)
        reconstruction = self.decode(out.z_quantized).to(x.dtype)
        rows, columns = self.window
        x, reconstruction = x[:, :, rows, columns], reconstruction[:, :, rows, columns]
        losses = {"reconstruction": (x - reconstruction).abs().mean(), **out.losses}
        if self.config.squared_error > 0:
            losses["squared_error"] = self.config.squared_error * F.mse_loss(reconstruction, x)
        if perceptual is not None:
            losses["perceptual"] = self.config.lpips * perceptual(reconstruction, x)
        return losses, out
