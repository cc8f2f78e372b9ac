"""ResNet50 (He et al. 2016) as an embedder of crops, with ImageNet's weights or with random ones."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.device import pick_device
from irislib.errors import ParamError
from irislib.vision import torchvision

CALIBRATION = 512  # crops that set the batch norms of random weights
CALIBRATION_BATCH = 64

# What torchvision's models were trained with, per channel of pixels in [0,1].
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Embedder(Protocol):
    """Turns crops of any sizes into vectors, each independently of the others.

    Attributes:
        dimension: length of a vector.
        feature: what a vector is, for readers of the store.
    """

    @property
    def dimension(self) -> int: ...

    @property
    def feature(self) -> str: ...

    def __call__(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Crops u8 [y,x,3] to float32 [N,dimension]."""


class ResNet50:
    """The globally pooled output of ResNet50's last stage.

    Crops are resized bilinearly to `size` x `size` pixels, antialiased where that shrinks them (where it
    enlarges them antialiasing changes nothing), and normalised as torchvision's models expect.
    """

    dimension = 2048
    feature = "ResNet50, last stage, mean over positions"

    def __init__(self, net: nn.Module, size: int) -> None:
        self.device = pick_device()
        self.size = size
        net.fc = nn.Identity()
        self.net = net.eval().requires_grad_(False).to(self.device)

    @torch.inference_mode()
    def __call__(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Crops u8 [y,x,3] to float32 [N,2048]."""
        features: Tensor = self.net(self._prepare(crops))
        return features.cpu().numpy()

    @torch.no_grad()
    def calibrate(self, crops: Sequence[np.ndarray]) -> None:
        """Sets the batch norms' statistics to those of a sample of at least two crops.

        In batches of nearly equal size, so that the mean over the batches is the mean over the crops.
        """
        norms = [m for m in self.net.modules() if isinstance(m, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean over batches, not a moving one
        self.net.train()
        for rows in np.array_split(np.arange(len(crops)), -(-len(crops) // CALIBRATION_BATCH)):
            self.net(self._prepare([crops[row] for row in rows]))
        self.net.eval()

    def _prepare(self, crops: Sequence[np.ndarray]) -> Tensor:
        resized = [
            F.interpolate(
                torch.from_numpy(crop).movedim(-1, 0)[None].float() / 255,
                size=(self.size, self.size),
                mode="bilinear",
                antialias=True,
            )
            for crop in crops
        ]
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, STD))
        return ((torch.cat(resized) - mean) / std).to(self.device)


def random_resnet50(size: int, seed: int, sample: Iterable[np.ndarray]) -> ResNet50:
    """Random weights, with batch norms calibrated on a sample of the crops.

    Fresh batch norms pass everything through as if activations had mean 0 and variance 1, which in a
    random network they have not: the offsets that all inputs share grow from layer to layer until all
    features are nearly parallel and every cosine is near 1. Normalising by the crops' own statistics,
    as training would, removes what they share. (One crop alone has no statistics and is left as it is.)
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        embedder = ResNet50(torchvision.models.resnet50(), size)
    crops = list(sample)
    if len(crops) > 1:
        embedder.calibrate(crops)
    return embedder


def imagenet_resnet50(size: int, seed: int, sample: Iterable[np.ndarray]) -> ResNet50:
    """The weights IMAGENET1K_V2 of torchvision, downloaded to torch's cache when they are first needed.

    The seed and the sample are not used.

    Raises:
        ParamError: they are not in the cache and cannot be downloaded, or the cached file is damaged.
    """
    weights = torchvision.models.ResNet50_Weights.IMAGENET1K_V2
    net = torchvision.models.resnet50()
    try:
        net.load_state_dict(weights.get_state_dict(check_hash=True, weights_only=True))
    except Exception as error:  # a torn file makes the unpickler raise anything
        file = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
        reason = " ".join((str(error) or type(error).__name__).split())
        raise ParamError(
            f"embed.weights: cannot load {file} or download it from {weights.url} ({reason}); "
            "connect once to have it cached, delete it if it is damaged, or use random"
        ) from None
    return ResNet50(net, size)
