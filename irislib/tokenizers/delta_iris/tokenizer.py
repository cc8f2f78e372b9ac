"""Δ-IRIS's tokenizer: codes say what changed since the previous frame (arXiv 2406.19320, section 3.1)."""

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.tokenizers.context import Context
from irislib.tokenizers.delta_iris.config import DeltaIrisConfig
from irislib.tokenizers.delta_iris.nets import FrameDecoder, FrameEncoder, ResidualBlock, Upsample, scaled
from irislib.tokenizers.protocol import CODE_INPUT


class DeltaIrisTokenizer(nn.Module):
    """A `context.ContextTokenizer` of one earlier frame and the action taken in it.

    Parameter names are those of the official code. Its frames are in [0,1]; what is decoded here is in
    [-1,1], as everywhere in irislib.

    Args:
        config: the sizes.
        frame: height and width of the frames, in pixels.

    Raises:
        ValueError: the frame does not divide into tokens.
    """

    context_length = 1
    local = False  # a decoded image depends on the previous frame

    def __init__(self, config: DeltaIrisConfig, frame: tuple[int, int]) -> None:
        super().__init__()
        self.config, self.frame, self.grid = config, frame, config.grid(frame)
        latents = config.latents(frame)
        self.patch = latents // config.side  # latents along the side of a token
        self.encoder_act_emb = nn.Embedding(config.num_actions, frame[0] * frame[1])
        self.decoder_act_emb = nn.Embedding(config.num_actions, config.action_channels * latents**2)
        self.quantizer = Codes(config, config.encoder.latent_dim * self.patch**2)
        self.encoder = FrameEncoder(config.encoder)
        self.decoder = FrameDecoder(config.decoder)
        self.frame_cnn = FrameEncoder(config.frame_cnn)

    @property
    def codebook(self) -> Float[Tensor, "codes channels"]:
        """The codes, float [K,C], unit vectors once they are trained."""
        return self.quantizer.codebook

    def encode(self, frames: UInt8[Tensor, "n y x 3"], context: Context) -> Int64[Tensor, "n h w"]:
        """Frames u8 [N,H,W,3] to tokens int64 [N,h,w], given the previous frame and action."""
        before = scaled(context.frames[:, -1])
        action = self.encoder_act_emb(context.actions[:, -1]).view(-1, 1, *self.frame)
        z = self.encoder(torch.cat([before, action, scaled(frames)], dim=1))
        n, channels = z.shape[:2]
        z = z.view(n, channels, self.grid[0], self.patch, self.grid[1], self.patch)
        return self.quantizer.tokens(z.permute(0, 2, 4, 3, 5, 1).flatten(3))

    def embed(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, "n channels h w"]:
        """Tokens int64 [N,h,w] to their codes, float [N,C,h,w]."""
        return self.quantizer.codebook[tokens].movedim(-1, 1)

    def decode(self, latents: Float[Tensor, "n channels h w"], context: Context) -> Float[Tensor, "n 3 y x"]:
        """Codes float [N,C,h,w] to frames float [N,3,H,W], nominally in [-1,1] but not clamped."""
        x = self.quantizer.post_quant_proj(latents.movedim(1, -1))
        x = x.unflatten(-1, (self.patch, self.patch, -1)).permute(0, 5, 1, 3, 2, 4)  # [N,channels,h,p,w,p]
        x = x.flatten(4).flatten(2, 3)
        before = self.frame_cnn(scaled(context.frames[:, -1]))
        action = self.decoder_act_emb(context.actions[:, -1]).view(len(x), -1, *x.shape[2:])
        return self.decoder(torch.cat([before, action, x], dim=1)) * 2 - 1  # type: ignore[no-any-return]

    def blank(self, context: Context) -> Float[Tensor, "n channels h w"]:
        """The codes that the encoder gives to a frame that did not change, float [N,C,h,w].

        Which codes mean "nothing changes" depends on the frame and on the action, so they are asked for anew
        each time: the previous frame is encoded as its own successor.
        """
        return self.embed(self.encode(context.frames[:, -1], context))

    def layers(self) -> list[str]:
        """The code input, the decoder's first convolution, and what follows it at each resolution."""
        named = self.decoder.decoder.named_children()
        steps = [name for name, layer in named if isinstance(layer, (ResidualBlock, Upsample))]
        return [CODE_INPUT, *(f"decoder.decoder.{name}" for name in ("0", *steps))]


class Codes(nn.Module):
    """Unit vectors compared by cosine, between two linear maps.

    Args:
        config: the sizes.
        width: numbers of a token before quantization.
    """

    codebook: Tensor

    def __init__(self, config: DeltaIrisConfig, width: int) -> None:
        super().__init__()
        self.pre_quant_proj = nn.Linear(width, config.embed_dim)
        self.post_quant_proj = nn.Linear(config.embed_dim, width)
        self.register_buffer("codebook", torch.zeros(config.vocab_size, config.embed_dim))

    def tokens(self, z: Float[Tensor, "n h w width"]) -> Int64[Tensor, "n h w"]:
        """The code with the largest cosine similarity to each encoder output."""
        z = F.normalize(self.pre_quant_proj(z), dim=-1)
        return (z @ self.codebook.T).argmax(dim=-1)
