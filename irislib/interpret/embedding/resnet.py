"""ResNet50 (He et al. 2016), at its own width or a narrower one, as an embedder of crops."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.device import one_thread, pick_device
from irislib.seeding import stream_seed
from irislib.vision import torchvision

FULL_WIDTH = 64

# What torchvision's models were trained with, per channel of pixels in [0,1].
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@runtime_checkable
class Embedder(Protocol):
    """Turns crops of any sizes into vectors, each independently of the others, in any thread.

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


def build_resnet50(width: int, features: int, classes: int) -> nn.Module:
    """Torchvision's ResNet50 with `width` / 64 of the channels inside and after every residual block.

    Its last layer `fc` is two linear ones: `fc.projection`, whose outputs are the features, and
    `fc.classifier`.

    Args:
        width: a multiple of 16, at most 64, which gives torchvision's own channels.
        features: outputs of the projection.
        classes: outputs of the classifier.
    """

    class Block(torchvision.models.resnet.Bottleneck):  # type: ignore[misc, name-defined]
        expansion = 4 * width // FULL_WIDTH

    net: nn.Module = torchvision.models.ResNet(
        Block, [3, 4, 6, 3], num_classes=classes, width_per_group=width
    )
    projection = nn.Linear(pooled_channels(net), features, bias=False)
    net.fc = nn.Sequential(OrderedDict(projection=projection, classifier=nn.Linear(features, classes)))
    return net


def pooled_channels(net: nn.Module) -> int:
    """Length of the pooled output of a torchvision ResNet that still has its own last layer."""
    last = net.fc
    assert isinstance(last, nn.Linear)
    return last.in_features


def learned_projection(net: nn.Module) -> nn.Linear:
    """The projection of a network from `build_resnet50`."""
    projection = net.get_submodule("fc.projection")
    assert isinstance(projection, nn.Linear)
    return projection


def random_projection(channels: int, features: int, seed: int) -> nn.Linear:
    """A projection onto `features` random orthonormal directions of the pooled output.

    It keeps a cosine c up to an error with a standard deviation of about (1 - c^2) / sqrt(features)
    (Johnson and Lindenstrauss 1984), and exactly where `features` is `channels`, since it is a rotation then.

    Args:
        channels: length of the pooled output.
        features: at most as many.
        seed: of the directions.
    """
    projection: nn.Linear = nn.utils.skip_init(nn.Linear, channels, features, bias=False)
    generator = torch.Generator().manual_seed(stream_seed(seed, "projection"))
    with one_thread():
        nn.init.orthogonal_(projection.weight, generator=generator)
    return projection


def prepare(crops: Sequence[np.ndarray], size: int) -> Float32[Tensor, "n 3 size size"]:
    """Crops u8 [y,x,3] as a network reads them.

    They are resized bilinearly with antialiasing, which has an effect only where a crop shrinks, and
    normalised as torchvision's models expect.

    Args:
        crops: of any sizes.
        size: side that they are resized to, in pixels.
    """
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, STD))
    # This memory layout makes the network twice as fast on a CPU.
    return ((resize(crops, size) - mean) / std).contiguous(memory_format=torch.channels_last)


def resize(
    crops: Sequence[np.ndarray], size: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "n 3 size size"]:
    """Crops u8 [y,x,3] of any sizes as squares of values from 0 to 1, bilinear with antialiasing."""
    squares = torch.empty(len(crops), 3, size, size, dtype=dtype)
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for row, crop in enumerate(crops):
        by_shape.setdefault(crop.shape, []).append(row)
    for rows in by_shape.values():
        pixels = torch.from_numpy(np.stack([crops[row] for row in rows])).movedim(-1, 1).to(dtype) / 255
        squares[rows] = F.interpolate(pixels, (size, size), mode="bilinear", antialias=True)
    return squares


class ResNet50:
    """The globally pooled output of ResNet50's last stage, projected linearly.

    Args:
        net: from `build_resnet50` or torchvision; it is changed.
        size: side that crops are resized to, in pixels.
        projection: takes the place of the layer behind the pooling.
    """

    feature = "ResNet50, last stage, mean over positions, linear projection"

    def __init__(self, net: nn.Module, size: int, projection: nn.Linear) -> None:
        self.device = pick_device()
        self.size = size
        self.dimension = projection.out_features
        net.fc = projection
        net.eval().requires_grad_(False)
        self.net = net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def calibrate(self, crops: Sequence[np.ndarray]) -> None:
        """Does nothing: trained weights are used as they are."""

    @torch.inference_mode()
    def __call__(self, crops: Sequence[np.ndarray]) -> Float32[np.ndarray, "n dimension"]:
        """Features of crops u8 [y,x,3]."""
        features: Tensor = self.net(prepare(crops, self.size).to(self.device))
        return features.cpu().numpy()
