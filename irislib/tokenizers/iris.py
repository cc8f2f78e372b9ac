"""The tokenizer of IRIS: frames to a grid of codes and back (Micheli et al. 2023, section 2.1)."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from irislib.tokenizers.config import IrisConfig
from irislib.tokenizers.learned import LearnedTokenizer
from irislib.tokenizers.nets import Decoder, Encoder
from irislib.tokenizers.protocol import CODE_INPUT
from irislib.tokenizers.quantizers import make_quantizer


class Tokenizer(LearnedTokenizer):
    """A convolutional encoder and decoder around a quantizer.

    Parameter names follow the official checkpoints, but for the codebook: `quantizer.embedding.weight` here
    is `embedding.weight` there.

    Args:
        config: the sizes.
        frame: height and width of the frames, in pixels.

    Raises:
        ParamError: the frame does not divide into tokens.
    """

    def __init__(self, config: IrisConfig, frame: tuple[int, int]) -> None:
        super().__init__(config, frame, config.reduction, 0)
        self.encoder = Encoder(config, frame[0])
        self.pre_quant_conv = nn.Conv2d(config.z_channels, config.embed_dim, kernel_size=1)
        self.quantizer = make_quantizer(config.quantizer)
        self.post_quant_conv = nn.Conv2d(config.embed_dim, config.z_channels, kernel_size=1)
        self.decoder = Decoder(config, frame[0])
        self.quantizer.initialize()

    def outputs(self, x: Float[Tensor, "n 3 y x"]) -> Float[Tensor, "n channels h w"]:
        """See `LearnedTokenizer`."""
        return self.pre_quant_conv(self.encoder(x))  # type: ignore[no-any-return]

    def decode(self, latents: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n 3 y x"]:
        """See `LearnedTokenizer`."""
        return self.decoder(self.post_quant_conv(latents))  # type: ignore[no-any-return]

    def layers(self) -> list[str]:
        """The code input, the convolutions before the decoder's blocks, and the blocks by resolution."""
        levels = reversed(range(len(self.decoder.up)))
        convolutions = ["post_quant_conv", "decoder.conv_in", "decoder.mid"]
        return [CODE_INPUT, *convolutions, *(f"decoder.up.{level}" for level in levels)]


@torch.no_grad()
def perplexity(tokens: Int64[Tensor, "..."], vocab_size: int) -> float:
    """The effective number of codes among these tokens; see `usage_perplexity`."""
    return usage_perplexity(torch.bincount(tokens.flatten(), minlength=vocab_size))


def usage_perplexity(uses: Int64[Tensor, " codes"]) -> float:
    """The effective number of codes in use: exp of the entropy of their frequencies.

    Args:
        uses: number of tokens of each code.
    """
    share = uses.double()
    share /= share.sum()
    return float(torch.special.entr(share).sum().exp())
