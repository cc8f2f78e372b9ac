"""The `embedder` section of params.yaml, and a ResNet50 that learns what windows of a world's frames show."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge, Gt, Le, MultipleOf
from torch import nn
from torch.nn import functional as F

from irislib.artifacts import replacing, write_json
from irislib.device import one_thread, pick_device
from irislib.errors import IrislibError, ParamError
from irislib.interpret.embedding.exam import confusions, grade, recall, recognise, report
from irislib.interpret.embedding.recogniser import load_recogniser, save_recogniser
from irislib.interpret.embedding.resnet import build_resnet50
from irislib.interpret.embedding.window_sampling import Windows
from irislib.interpret.embedding.windows import WindowLabels
from irislib.params import STRICT, require
from irislib.runtime import progress
from irislib.seeding import stream, stream_seed
from irislib.worlds.scenes import SceneSource
from irislib.worlds.world import WorldConfig, WorldDescription

WEIGHT_DECAY = 0.05
WARM_UP = 0.1  # of the steps


@dataclass(frozen=True)
class EmbedderConfig:
    """The `embedder` section.

    Attributes:
        width: of the network; 64 is ResNet50's own, narrower ones have as many fewer channels.
        window_size: side that windows are resized to, in pixels.
        features: length of a feature vector; outputs of a linear layer between the pooled output of the
            network, with 32 * width channels, and the classifier.
        scenes: staged ones to learn from.
        steps: of gradient descent. 0 leaves the network untrained, for a world without scenes; then
            `embed.weights` and `compare.weights` can be random or imagenet only.
        batch_size: windows a step.
        learning_rate: the largest, after a linear warm-up; it falls to zero along a cosine.
        evaluation: staged scenes, and as many frames of random play, that the network is judged on.
    """

    __pydantic_config__ = STRICT
    width: Annotated[int, Ge(16), Le(64), MultipleOf(16)]
    window_size: Annotated[int, Ge(32)]
    features: Annotated[int, Ge(1)]
    scenes: Annotated[int, Ge(1)]
    steps: Annotated[int, Ge(0)]
    batch_size: Annotated[int, Ge(2)]
    learning_rate: Annotated[float, Gt(0)]
    evaluation: Annotated[int, Ge(1)]

    def __post_init__(self) -> None:
        channels = 32 * self.width
        complaint = f"{self.features} are more than the network's {channels} channels; use at most {channels}"
        require(self.features <= channels, "features", complaint)


def train_embedder(config: EmbedderConfig, env: WorldConfig, seed: int, out: Path) -> None:
    """Writes data/embedder: the network (see `save_recogniser`) and evaluation.json, how good it is.

    It is judged as it will be read: after rounding to float16, on episodes that it has not learned from.

    Raises:
        ParamError: the world has no scenes to learn from, and `embedder.steps` is not 0.
    """
    check_scenes(config, env)
    description, source = env.describe(), env.scenes()
    labels = WindowLabels.of(description)
    # One thread: the same weights on any number of cores, and the sums are small.
    with one_thread(), replacing(out) as partial:
        boxes = np.concatenate([description.world_boxes, description.display_boxes]).astype(np.int64)
        windows = None
        if source is not None and config.steps:
            scenes = source.stage(config.scenes, seed, "embedder", "training")
            windows = Windows(scenes, labels.of_boxes(scenes.label, scenes.quantity), boxes, labels)
        net = fit(windows, config, len(labels), seed)
        names = [labels.names[thing] for thing in labels.thing]
        save_recogniser(net, config.width, config.window_size, names, config.steps, partial)
        evaluation: dict[str, Any] = {}
        if source is not None and config.steps:
            evaluation = evaluate(partial, config.evaluation, source, description, seed)
        write_json(partial / "evaluation.json", evaluation)


def check_scenes(config: EmbedderConfig, env: WorldConfig) -> None:
    """Raises ParamError where the embedder is to be trained and the world has no scenes for that."""
    if config.steps and env.scenes() is None:
        raise ParamError(
            f"embedder.steps: {env.world} has no scenes to teach an embedder with; set 0, and embed.weights "
            "and compare.weights to random or imagenet"
        )


def evaluate(
    embedder: Path, count: int, source: SceneSource, description: WorldDescription, seed: int
) -> dict[str, Any]:
    """Grades on staged scenes, and on random play, where things are as frequent as they are.

    Args:
        embedder: folder of the network.
        count: scenes of each.
        source: of the scenes.
        description: of their world.
        seed: the pipeline's.
    """
    recogniser, labels = load_recogniser(embedder), WindowLabels.of(description)
    recogniser.net.to(pick_device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    boxes = np.concatenate([description.world_boxes, description.display_boxes])
    grades = {}
    for name, scenes in (
        ("staged", source.stage(count, seed, "embedder", "staged")),
        ("play", source.play(count, seed, "embedder", "play")),
    ):
        truth = labels.of_boxes(scenes.label, scenes.quantity)
        found = recognise(recogniser, scenes, boxes)
        grades[name] = grade(scenes, truth, found, labels, description)
        if name == "staged":
            by_thing = dict(zip(labels.names, recall(truth, found, labels), strict=True))
            more = {"recall": by_thing, "confusions": confusions(truth, found, labels)}
    return report(grades["play"], grades["staged"] | more)


def fit(windows: Windows | None, config: EmbedderConfig, labels: int, seed: int) -> nn.Module:
    """A ResNet50 trained from scratch by cross-entropy to tell the shares of window labels.

    Args:
        windows: to learn from; None leaves the network untrained.
        config: the `embedder` section.
        labels: how many window labels there are.
        seed: the pipeline's.

    Raises:
        IrislibError: the loss is no longer finite.
    """
    device = pick_device()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(seed, "embedder", "initial"))
        net = build_resnet50(config.width, config.features, labels).train()
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if windows is None:
        return net.eval()
    # No weight decay for biases and normalisation layers, as is usual.
    kinds = [[p for p in net.parameters() if (p.ndim > 1) is decays] for decays in (True, False)]
    optimizer = torch.optim.AdamW(
        [{"params": kinds[0], "weight_decay": WEIGHT_DECAY}, {"params": kinds[1], "weight_decay": 0.0}],
        lr=config.learning_rate,
    )
    warm_up = max(1, round(WARM_UP * config.steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(
            (step + 1) / warm_up,
            0.5 * (1 + np.cos(np.pi * max(0, step - warm_up) / max(1, config.steps - warm_up))),
        ),
    )
    rng = stream(seed, "embedder", "windows")
    bar = progress(range(config.steps), desc="embedder", unit="step")
    for _ in bar:
        images, shares = windows.batch(config.batch_size, config.window_size, rng)
        loss = F.cross_entropy(net(images.to(device)), shares.to(device))
        if not bool(torch.isfinite(loss)):
            raise IrislibError("embedder.learning_rate: the loss is not finite; lower it")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    return net.eval()
