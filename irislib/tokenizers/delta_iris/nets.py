"""The convolutions of Δ-IRIS: frames to latents and back. Parameter names follow the official code."""

from collections.abc import Iterator

from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.tokenizers.delta_iris.config import NORM_GROUPS, NetConfig


def scaled(frames: UInt8[Tensor, "n y x 3"]) -> Float[Tensor, "n 3 y x"]:
    """Frames u8 [N,H,W,3] as the networks of Δ-IRIS read them: float [N,3,H,W] in [0,1]."""
    return frames.movedim(-1, 1).float() / 255


class FrameEncoder(nn.Module):
    """Frames float [N,channels,H,W] to latents float [N,latent_dim,H/r,W/r] for the reduction r."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        width = config.num_channels
        layers: list[nn.Module] = [nn.Conv2d(config.image_channels, width, 3, padding=1)]
        for near, far, down in _levels(config):
            layers += [ResidualBlock(near, far), *([Downsample(far)] if down else [])]
            width = far
        self.encoder = nn.Sequential(*layers, *_normalised(width, config.latent_dim))

    def forward(self, x: Float[Tensor, "n channels y x"]) -> Float[Tensor, "n latent h w"]:
        return self.encoder(x)  # type: ignore[no-any-return]


class FrameDecoder(nn.Module):
    """Latents float [N,latent_dim,h,w] to frames float [N,channels,h*r,w*r]."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = config.num_channels
        for near, far, down in _levels(config):
            layers += [ResidualBlock(far, near), *([Upsample(far)] if down else [])]
            width = far
        layers = [nn.Conv2d(config.latent_dim, width, 3, padding=1), *reversed(layers)]
        self.decoder = nn.Sequential(*layers, *_normalised(config.num_channels, config.image_channels))

    def forward(self, x: Float[Tensor, "n latent h w"]) -> Float[Tensor, "n channels y x"]:
        return self.decoder(x)  # type: ignore[no-any-return]


class ResidualBlock(nn.Module):
    """Two normalised convolutions beside a skip connection; channels of the input and of the output."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.f = nn.Sequential(*_normalised(before, after), *_normalised(after, after))
        self.skip_projection = nn.Identity() if before == after else nn.Conv2d(before, after, 1)

    def forward(self, x: Float[Tensor, "n before y x"]) -> Float[Tensor, "n after y x"]:
        return self.skip_projection(x) + self.f(x)  # type: ignore[no-any-return]


class Downsample(nn.Module):
    """Halves the resolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 2, stride=2)

    def forward(self, x: Float[Tensor, "n c y x"]) -> Float[Tensor, "n c y2 x2"]:
        return self.conv(x)  # type: ignore[no-any-return]


class Upsample(nn.Module):
    """Doubles the resolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Float[Tensor, "n c y x"]) -> Float[Tensor, "n c y2 x2"]:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))  # type: ignore[no-any-return]


def _levels(config: NetConfig) -> Iterator[tuple[int, int, int]]:
    """From the frame on: channels before and after each block, and whether the resolution is halved then."""
    near = config.num_channels
    for mult, down in zip(config.mult, config.down, strict=True):
        far = mult * config.num_channels
        yield near, far, down
        near = far


def _normalised(before: int, after: int) -> list[nn.Module]:
    """A convolution of what is normalised first."""
    return [nn.GroupNorm(NORM_GROUPS, before), nn.SiLU(), nn.Conv2d(before, after, 3, padding=1)]
