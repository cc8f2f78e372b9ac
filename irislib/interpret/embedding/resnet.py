"""ResNet50 (He et al. 2016), at its own width or a narrower one, as an embedder of crops."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.device import pick_device
from irislib.vision import torchvision

FULL_WIDTH = 64

# What torchvision's models were trained with, per channel of pixels in [0,1].
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@runtime_checkable
class Embedder(Protocol):
    """Turns crops of any sizes into vectors, each independently of the others.

    Attributes:
        dimension: length of a vector.
        feature: what a vector is, for readers of the store.
        size: side that crops are resized to, in pixels.
    """

    @property
    def dimension(self) -> int: ...

    @property
    def feature(self) -> str: ...

    @property
    def size(self) -> int: ...

    def calibrate(self, crops: Sequence[np.ndarray]) -> None:
        """Adapts to a sample of the crops u8 [y,x,3], before the first is embedded."""

    def __call__(self, crops: Sequence[np.ndarray]) -> Float32[np.ndarray, "n dimension"]:
        """Features of crops u8 [y,x,3]."""


def build_resnet50(width: int, classes: int) -> nn.Module:
    """Torchvision's ResNet50 with `width` / 64 of the channels inside and after every residual block.

    Args:
        width: a multiple of 16, at most 64, which gives torchvision's own.
        classes: outputs of the last layer.
    """

    class Block(torchvision.models.resnet.Bottleneck):  # type: ignore[misc, name-defined]
        expansion = 4 * width // FULL_WIDTH

    net: nn.Module = torchvision.models.ResNet(
        Block, [3, 4, 6, 3], num_classes=classes, width_per_group=width
    )
    return net


def prepare(crops: Sequence[np.ndarray], size: int) -> Float32[Tensor, "n 3 size size"]:
    """Crops u8 [y,x,3] as a network reads them.

    They are resized bilinearly with antialiasing, which has an effect only where a crop shrinks, and
    normalised as torchvision's models expect.

    Args:
        crops: of any sizes.
        size: side that they are resized to, in pixels.
    """
    prepared = torch.empty(len(crops), 3, size, size)
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for row, crop in enumerate(crops):
        by_shape.setdefault(crop.shape, []).append(row)
    for rows in by_shape.values():
        pixels = torch.from_numpy(np.stack([crops[row] for row in rows])).movedim(-1, 1).float() / 255
        prepared[rows] = F.interpolate(pixels, (size, size), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, STD))
    # This memory layout makes the network twice as fast on a CPU.
    return ((prepared - mean) / std).contiguous(memory_format=torch.channels_last)


class ResNet50:
    """The globally pooled output of ResNet50's last stage.

    Args:
        net: from `build_resnet50` or torchvision.
        size: side that crops are resized to, in pixels.
    """

    feature = "ResNet50, last stage, mean over positions"

    def __init__(self, net: nn.Module, size: int) -> None:
        self.device = pick_device()
        self.size = size
        last = net.fc
        assert isinstance(last, nn.Linear)
        self.dimension = last.in_features
        net.fc = nn.Identity()
        net.eval().requires_grad_(False)
        self.net = net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def calibrate(self, crops: Sequence[np.ndarray]) -> None:
        """Does nothing: trained weights are used as they are."""

    @torch.inference_mode()
    def __call__(self, crops: Sequence[np.ndarray]) -> Float32[np.ndarray, "n dimension"]:
        """Features of crops u8 [y,x,3]."""
        features: Tensor = self.net(prepare(crops, self.size).to(self.device))
        return features.cpu().numpy()
