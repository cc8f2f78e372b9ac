"""A tokenizer of patches on a grid of any size, whose tokens see their own patch or the patches around it."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.tokenizers.config import PatchConfig
from irislib.tokenizers.learned import LearnedTokenizer
from irislib.tokenizers.protocol import CODE_INPUT
from irislib.tokenizers.quantizers import make_quantizer


class PatchAutoencoder(LearnedTokenizer):
    """Cuts a frame into patches; the same small networks encode and decode each.

    With `context` 0 nothing passes between patches, so a token depends on the pixels of its own patch alone,
    and a decoded patch on its own token alone. Each 3x3 convolution over the grid widens both by one patch.
    Pixels before the first patch and behind the last belong to no token.

    Args:
        config: the sizes.
        frame: height and width of the frames, in pixels.

    Raises:
        ParamError: no patch fits the frame.
    """

    def __init__(self, config: PatchConfig, frame: tuple[int, int]) -> None:
        super().__init__(config, frame, config.patch, config.offset)
        self.variant = f"offset {config.offset}"
        pixels, width = 3 * config.patch**2, config.width
        alone, around = [1] * config.depth, [3] * config.context
        self.encoder = grid_network(pixels, width, config.embed_dim, [*alone, *around])
        self.quantizer = make_quantizer(config.quantizer)
        self.decoder = grid_network(config.embed_dim, width, pixels, [*around, *alone])
        self.quantizer.initialize()

    def outputs(self, x: Float[Tensor, "n 3 y x"]) -> Float[Tensor, "n channels h w"]:
        """See `LearnedTokenizer`."""
        rows, columns = self.window
        return self.encoder(F.pixel_unshuffle(x[:, :, rows, columns], self.patch))  # type: ignore[no-any-return]

    def decode(self, latents: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n 3 y x"]:
        """See `LearnedTokenizer`."""
        image = F.pixel_shuffle(self.decoder(latents), self.patch)
        bottom, right = (side - part.stop for side, part in zip(self.frame, self.window, strict=True))
        return F.pad(image, (self.offset, right, self.offset, bottom), value=-1.0)

    def layers(self) -> list[str]:
        """The code input and the decoder's layers, of which the last puts out the patches' pixels."""
        return [CODE_INPUT, *(f"decoder.{i}" for i in range(len(self.decoder)))]


def grid_network(inputs: int, width: int, outputs: int, kernels: list[int]) -> nn.Sequential:
    """Convolutions over a grid of patches, each but the first after a normalisation and an activation.

    Args:
        inputs: channels of a position.
        width: channels between the convolutions.
        outputs: channels of a position that come out.
        kernels: sides of the convolutions between the first and the last, which see one position alone.
    """
    first, last = nn.Conv2d(inputs, width, 1), GridLayer(width, outputs, 1)
    return nn.Sequential(first, *(GridLayer(width, width, kernel) for kernel in kernels), last)


class GridLayer(nn.Module):
    """A convolution of normalised activations that keeps the grid."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int) -> None:
        super().__init__()
        self.norm = PositionNorm(channels_in)
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.silu(self.norm(x)))  # type: ignore[no-any-return]


class PositionNorm(nn.LayerNorm):
    """Normalises the channels of a feature map [N,C,h,w] at each position alone."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)
