"""The networks that crops can be embedded with: trained on the world's scenes, on ImageNet, or not at all."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from irislib.errors import ParamError
from irislib.interpret.embedding.recogniser import load_recogniser, read_features
from irislib.interpret.embedding.resnet import (
    Embedder,
    ResNet50,
    learned_projection,
    pooled_channels,
    prepare,
    random_projection,
)
from irislib.vision import torchvision

CALIBRATION_BATCH = 64


def cells_resnet50(path: Path, imagenet_size: int, seed: int) -> ResNet50:
    """What the embedder stage trained to tell what windows of the world's frames show.

    Args:
        path: data/embedder.
        imagenet_size, seed: not used.

    Raises:
        ArtifactError: it is missing, foreign, damaged or untrained.
    """
    recogniser = load_recogniser(path)
    return ResNet50(recogniser.net, recogniser.size, learned_projection(recogniser.net))


class Untrained(ResNet50):
    """Random weights, with batch norms that are calibrated on a sample of the crops.

    A new batch norm assumes activations of mean 0 and variance 1. In a random network they have other
    means, which all inputs share and which grow from layer to layer, until all features are nearly parallel
    and every cosine is near 1. Normalising by the statistics of the crops removes the shared part, as
    training would. A single crop has no statistics; then nothing is changed.
    """

    @torch.no_grad()
    def calibrate(self, crops: Sequence[np.ndarray]) -> None:
        """Sets the batch norms' statistics to those of the crops.

        In batches of nearly equal size, so that the mean over the batches is the mean over the crops.
        """
        if len(crops) < 2:
            return
        norms = [m for m in self.net.modules() if isinstance(m, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean over batches, not a moving one
        self.net.train()
        for rows in np.array_split(np.arange(len(crops)), -(-len(crops) // CALIBRATION_BATCH)):
            self.net(prepare([crops[row] for row in rows], self.size).to(self.device))
        self.net.eval()


def random_resnet50(path: Path, imagenet_size: int, seed: int) -> Untrained:
    """The embedder stage's network untrained: a control.

    Args:
        path: data/embedder, for its layout.
        imagenet_size: not used.
        seed: of the weights, and of the random projection of its pooled output.

    Raises:
        ArtifactError: data/embedder is missing, foreign or damaged.
    """
    recogniser = load_recogniser(path, untrained=seed)
    learned = learned_projection(recogniser.net)
    projection = random_projection(learned.in_features, learned.out_features, seed)
    return Untrained(recogniser.net, recogniser.size, projection)


def imagenet_resnet50(path: Path, imagenet_size: int, seed: int) -> ResNet50:
    """The weights IMAGENET1K_V2 of torchvision, downloaded to torch's cache when they are first needed.

    Args:
        path: data/embedder, for the number of features.
        imagenet_size: side that crops are resized to, in pixels.
        seed: of the random projection of the pooled output.

    Raises:
        ArtifactError: data/embedder is missing, foreign or damaged.
        ParamError: the weights are not in the cache and cannot be downloaded, or the cached file is damaged.
    """
    features = read_features(path)
    weights = torchvision.models.ResNet50_Weights.IMAGENET1K_V2
    net = torchvision.models.resnet50()
    try:
        net.load_state_dict(weights.get_state_dict(check_hash=True, weights_only=True))
    except Exception as error:  # a torn file makes the unpickler raise anything
        file = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
        reason = " ".join((str(error) or type(error).__name__).split())
        raise ParamError(
            f"embed.weights: cannot load {file} or download it from {weights.url} ({reason}); "
            "connect once to have it cached, delete it if it is damaged, or use cells"
        ) from None
    return ResNet50(net, imagenet_size, random_projection(pooled_channels(net), features, seed))


# By the value of `embed.weights`.
EMBEDDERS: dict[str, Callable[[Path, int, int], Embedder]] = {
    "cells": cells_resnet50,
    "imagenet": imagenet_resnet50,
    "random": random_resnet50,
}
