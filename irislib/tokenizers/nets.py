"""The tokenizer's convolutional encoder and decoder (IRIS, appendix A.1).

The architecture is that of VQGAN (Esser et al. 2021). Module names follow the official checkpoints.
"""

from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.tokenizers.config import IrisConfig, norm_groups

Norm = Literal["frame", "none"]


class Encoder(nn.Module):
    """Frames float [N,3,H,W] in [-1,1] to features [N,z_channels,h,w].

    Args:
        config: the sizes.
        height: of the frames, in pixels; it decides which feature maps get self-attention.
    """

    def __init__(self, config: IrisConfig, height: int) -> None:
        super().__init__()
        self.conv_in = conv3(3, config.ch)
        self.down = nn.ModuleList()
        channels, last = config.ch, len(config.ch_mult) - 1
        for level, mult in enumerate(config.ch_mult):
            attends = config.attention and height in config.attn_resolutions
            stage = ResolutionLevel(channels, config.ch * mult, config.num_res_blocks, attends, config.norm)
            channels = config.ch * mult
            if level < last:
                stage.downsample = Downsample(channels)
                height //= 2
            self.down.append(stage)
        self.mid = Middle(channels, config.attention, config.norm)
        self.norm_out = normalize(channels, config.norm)
        self.conv_out = conv3(channels, config.z_channels)

    def forward(self, x: Float[Tensor, "n 3 y x"]) -> Float[Tensor, "n channels h w"]:
        h = self.conv_in(x)
        for stage in self.down:
            h = stage(h)
        return self.conv_out(F.silu(self.norm_out(self.mid(h))))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """Features [N,z_channels,h,w] to frames float [N,3,H,W], nominally in [-1,1] but not clamped.

    Args:
        config: the sizes.
        height: of the frames, in pixels; it decides which feature maps get self-attention.
    """

    def __init__(self, config: IrisConfig, height: int) -> None:
        super().__init__()
        channels = config.ch * config.ch_mult[-1]
        height //= config.reduction
        self.conv_in = conv3(config.z_channels, channels)
        self.mid = Middle(channels, config.attention, config.norm)
        stages = []
        for level, mult in reversed(list(enumerate(config.ch_mult))):
            attends = config.attention and height in config.attn_resolutions
            stage = ResolutionLevel(
                channels, config.ch * mult, config.num_res_blocks + 1, attends, config.norm
            )
            channels = config.ch * mult
            if level > 0:
                stage.upsample = Upsample(channels)
                height *= 2
            stages.append(stage)
        # `up[level]` has the resolution of the encoder's `down[level]`; the highest index runs first.
        self.up = nn.ModuleList(reversed(stages))
        self.norm_out = normalize(channels, config.norm)
        self.conv_out = conv3(channels, 3)

    def forward(self, z: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n 3 y x"]:
        h = self.mid(self.conv_in(z))
        for level in reversed(range(len(self.up))):
            h = self.up[level](h)
        return self.conv_out(F.silu(self.norm_out(h)))  # type: ignore[no-any-return]


class ResolutionLevel(nn.Module):
    """Residual blocks at one resolution, each followed by attention if `attends`; then a change of size."""

    def __init__(self, channels_in: int, channels_out: int, blocks: int, attends: bool, norm: Norm) -> None:
        super().__init__()
        widths = [channels_in] + [channels_out] * blocks
        self.block = nn.ModuleList(ResnetBlock(a, b, norm) for a, b in pairwise(widths))
        self.attn = nn.ModuleList(AttnBlock(channels_out, norm) for _ in range(blocks if attends else 0))
        self.downsample: nn.Module | None = None
        self.upsample: nn.Module | None = None

    def forward(self, h: Tensor) -> Tensor:
        for i, block in enumerate(self.block):
            h = block(h)
            if len(self.attn):
                h = self.attn[i](h)
        resample = self.downsample or self.upsample
        return h if resample is None else resample(h)


class Middle(nn.Module):
    """Two residual blocks, with attention between them if `attends`, at the lowest resolution."""

    def __init__(self, channels: int, attends: bool, norm: Norm) -> None:
        super().__init__()
        self.block_1 = ResnetBlock(channels, channels, norm)
        self.attn_1 = AttnBlock(channels, norm) if attends else nn.Identity()
        self.block_2 = ResnetBlock(channels, channels, norm)

    def forward(self, h: Tensor) -> Tensor:
        return self.block_2(self.attn_1(self.block_1(h)))  # type: ignore[no-any-return]


def conv3(channels_in: int, channels_out: int) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size."""
    return nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1)


def normalize(channels: int, norm: Norm) -> nn.Module:
    """What stands before every activation; see `config.IrisConfig`."""
    if norm == "none":
        return nn.Identity()
    return nn.GroupNorm(norm_groups(channels), channels, eps=1e-6)


class ResnetBlock(nn.Module):
    """Two normalised convolutions beside a shortcut."""

    def __init__(self, channels_in: int, channels_out: int, norm: Norm) -> None:
        super().__init__()
        self.norm1 = normalize(channels_in, norm)
        self.conv1 = conv3(channels_in, channels_out)
        self.norm2 = normalize(channels_out, norm)
        self.conv2 = conv3(channels_out, channels_out)
        if channels_in != channels_out:
            self.nin_shortcut = nn.Conv2d(channels_in, channels_out, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        if hasattr(self, "nin_shortcut"):
            x = self.nin_shortcut(x)
        return x + h  # type: ignore[no-any-return]


class AttnBlock(nn.Module):
    """Single-head self-attention over the positions of a feature map."""

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        self.norm = normalize(channels, norm)
        self.q, self.k, self.v, self.proj_out = (
            nn.Conv2d(channels, channels, kernel_size=1) for _ in range(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        n = self.norm(x)
        q, k, v = (f(n).flatten(2).transpose(1, 2) for f in (self.q, self.k, self.v))  # [N, h*w, channels]
        h = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
        return x + self.proj_out(h)  # type: ignore[no-any-return]


class Downsample(nn.Module):
    """A strided convolution, padded on the right and below only."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (0, 1, 0, 1)))  # type: ignore[no-any-return]


class Upsample(nn.Module):
    """Doubles the size by repetition, then convolves."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = conv3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        # One copy, in the layout that convolutions are fastest in. Not F.interpolate: its backward pass has
        # no deterministic kernel on GPUs; this one's is a sum.
        n, c, h, w = x.shape
        doubled = x.permute(0, 2, 3, 1)[:, :, None, :, None].expand(n, h, 2, w, 2, c)
        return self.conv(doubled.reshape(n, 2 * h, 2 * w, c).permute(0, 3, 1, 2))  # type: ignore[no-any-return]


def frames_to_input(frames: UInt8[Tensor, "*n y x 3"]) -> Float[Tensor, "*n 3 y x"]:
    """Frames u8 [..., H, W, 3] to float [..., 3, H, W] in [-1, 1]."""
    return torch.movedim(frames, -1, -3).float() / 127.5 - 1
