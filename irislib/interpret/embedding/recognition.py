"""The `embedder` section of params.yaml, and a ResNet50 that learns what Crafter's windows show."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge, Gt, Le, MultipleOf
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.artifacts import replacing
from irislib.device import one_thread, pick_device
from irislib.interpret.embedding.exam import confusions, grade, recall, recognise, report
from irislib.interpret.embedding.recogniser import load_recogniser, save_recogniser
from irislib.interpret.embedding.resnet import build_resnet50, prepare
from irislib.interpret.embedding.windows import share_labels
from irislib.params import STRICT
from irislib.runtime import progress
from irislib.seeding import stream, stream_seed
from irislib.worlds.crafter import VIEW, EnvConfig, cell_size
from irislib.worlds.crafter_scenes import LABELS, Scenes, play_scenes, stage_scenes

Array = np.ndarray

SINGLE = 0.5  # of the windows are exactly one cell, of every label equally often
SMALLEST = 4  # side of the others, pixels; the largest is the whole frame
WEIGHT_DECAY = 0.05
WARM_UP = 0.1  # of the steps


@dataclass(frozen=True)
class EmbedderConfig:
    """The `embedder` section.

    Attributes:
        width: of the network; 64 is ResNet50's own, with 2048 features, narrower ones have as many fewer.
        size: side that windows are resized to, in pixels.
        scenes: staged to learn from.
        steps: of gradient descent.
        batch_size: windows a step.
        learning_rate: the largest, after a warm-up; it falls to zero along a cosine.
        evaluation: scenes, and frames of random play, that the network is judged on.
    """

    __pydantic_config__ = STRICT
    width: Annotated[int, Ge(16), Le(64), MultipleOf(16)]
    size: Annotated[int, Ge(32)]
    scenes: Annotated[int, Ge(1)]
    steps: Annotated[int, Ge(1)]
    batch_size: Annotated[int, Ge(2)]
    learning_rate: Annotated[float, Gt(0)]
    evaluation: Annotated[int, Ge(1)]


def train_embedder(config: EmbedderConfig, env: EnvConfig, seed: int, out: Path) -> None:
    """Writes data/embedder: the network (see `save_recogniser`) and evaluation.json, how good it is.

    It is judged as it will be read: after rounding to float16, on worlds that it has not learned from.
    """
    cell = cell_size(env.size)
    # The same weights however many cores there are; its sums are small ones.
    with one_thread(), replacing(out) as partial:
        net = fit(stage_scenes(env, config.scenes, seed, "embedder", "training"), config, cell, seed)
        save_recogniser(
            net, config.width, config.size, [LABELS.names[thing] for thing in LABELS.thing], partial
        )
        evaluation = _plain(evaluate(partial, config, env, seed))
        (partial / "evaluation.json").write_text(json.dumps(evaluation, indent=2) + "\n")


def evaluate(embedder: Path, config: EmbedderConfig, env: EnvConfig, seed: int) -> dict[str, Any]:
    """Grades on staged scenes, and on random play, where things are as frequent as they are."""
    recogniser, cell = load_recogniser(embedder), cell_size(env.size)
    recogniser.net.to(pick_device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    staged = stage_scenes(env, config.evaluation, seed, "embedder", "staged")
    played = play_scenes(env, config.evaluation, seed, "embedder", "play")
    found = recognise(recogniser, staged, cell)
    by_label = dict(zip(LABELS.names, recall(staged.cells, found, LABELS), strict=True))
    return report(
        grade(played, recognise(recogniser, played, cell), LABELS, VIEW[0]),
        grade(staged, found, LABELS, VIEW[0])
        | {"recall": by_label, "confusions": confusions(staged.cells, found, LABELS)},
    )


class Windows:
    """Random windows of scenes, as a network learns from them.

    Half are of random size and place, their sides independent and the logarithms of these uniform; half are
    single cells, rare things as often as common ones.

    Args:
        scenes: to cut them from.
        cell: pixels along each side of a cell.
    """

    def __init__(self, scenes: Scenes, cell: int) -> None:
        self.scenes, self.cell = scenes, cell
        thing = LABELS.thing[scenes.cells].ravel()
        _, count = np.unique(thing, return_counts=True)
        self._by_thing = np.argsort(thing, kind="stable")
        self._last = np.cumsum(count)
        self._first = self._last - count

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """So many windows: their scenes int64 [N], and boxes (y0, x0, y1, x1), half open, int64 [N,4]."""
        singles = rng.random(count) < SINGLE
        scene, corner, side = self._anywhere(count, rng)
        drawn = self._single(int(singles.sum()), rng)
        scene[singles], corner[singles], side[singles] = *drawn, self.cell
        return scene, np.concatenate([corner, corner + side], axis=1)

    def batch(self, count: int, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """So many, float32 [N,3,size,size], and their shares of labels, float32 [N,L]."""
        scene, box = self.draw(count, rng)
        obs = self.scenes.obs
        crops = [obs[n, y0:y1, x0:x1] for n, (y0, x0, y1, x1) in zip(scene, box, strict=True)]
        shares = share_labels(self.scenes.cells[scene], self.cell, box, LABELS)
        return prepare(crops, size), torch.from_numpy(shares)

    def _anywhere(self, count: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        frame = np.array(self.scenes.obs.shape[1:3])
        scene = rng.integers(len(self.scenes.obs), size=count)
        side = np.exp(rng.uniform(np.log(SMALLEST), np.log(frame + 1), (count, 2))).astype(np.int64)
        side = np.minimum(side, frame)
        return scene, rng.integers(0, frame - side, endpoint=True), side

    def _single(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        thing = rng.integers(len(self._first), size=count)
        chosen = self._by_thing[rng.integers(self._first[thing], self._last[thing])]
        scene, *place = np.unravel_index(chosen, self.scenes.cells.shape)
        return scene, self.cell * np.stack(place, axis=1)


def fit(scenes: Scenes, config: EmbedderConfig, cell: int, seed: int) -> nn.Module:
    """A ResNet50 trained from scratch by cross-entropy to tell the shares of labels in windows."""
    device = pick_device()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(seed, "embedder", "initial"))
        net = build_resnet50(config.width, len(LABELS)).train()
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    # As ever, no decay of biases and norms.
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
    drawn, rng = Windows(scenes, cell), stream(seed, "embedder", "windows")
    bar = progress(range(config.steps), desc="embedder", unit="step")
    for _ in bar:
        windows, shares = drawn.batch(config.batch_size, config.size, rng)
        loss = F.cross_entropy(net(windows.to(device)), shares.to(device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    return net.eval()


def _plain(value: Any) -> Any:
    """JSON values: floats to 6 significant digits, None where a number is undefined."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, int):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None
