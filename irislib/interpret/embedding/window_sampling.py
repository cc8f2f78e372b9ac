"""Random windows of scenes, from which the embedder learns."""

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from irislib.interpret.embedding.resnet import prepare
from irislib.interpret.embedding.windows import WindowLabels, share_labels
from irislib.worlds.scenes import Scenes

SINGLE = 0.5  # share of the windows that are exactly one labelled rectangle, every thing equally often
SMALLEST = 4  # side of the other windows, pixels; the largest is the whole frame


class Windows:
    """Random windows of scenes, from which a network learns.

    Half of the windows have random sizes and places: their sides are independent, and the logarithms of the
    sides are uniform. The other half are single labelled rectangles; every thing is drawn equally often.

    Args:
        scenes: to cut windows from.
        label: window label of every rectangle of every scene.
        boxes: the rectangles.
        labels: what window labels mean.
    """

    def __init__(
        self,
        scenes: Scenes,
        label: Int64[np.ndarray, "n box"],
        boxes: Int64[np.ndarray, "box 4"],
        labels: WindowLabels,
    ) -> None:
        self.scenes, self.label, self.boxes, self.labels = scenes, label, boxes, labels
        thing = labels.thing[label].ravel()
        _, count = np.unique(thing, return_counts=True)
        self._by_thing = np.argsort(thing, kind="stable")
        self._last = np.cumsum(count)
        self._first = self._last - count

    def draw(
        self, count: int, rng: np.random.Generator
    ) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, "n 4"]]:
        """The scenes of so many windows, and their corners (y0, x0, y1, x1), half open."""
        singles = rng.random(count) < SINGLE
        scene, box = self._anywhere(count, rng)
        scene[singles], box[singles] = self._single(int(singles.sum()), rng)
        return scene, box

    def batch(
        self, count: int, size: int, rng: np.random.Generator
    ) -> tuple[Float32[Tensor, "n 3 size size"], Float32[Tensor, "n window_label"]]:
        """So many windows, resized, and the shares of the window labels in each."""
        scene, box = self.draw(count, rng)
        obs = self.scenes.obs
        crops = [obs[n, y0:y1, x0:x1] for n, (y0, x0, y1, x1) in zip(scene, box, strict=True)]
        shares = share_labels(self.label[scene], self.boxes, box, self.labels)
        return prepare(crops, size), torch.from_numpy(shares)

    def _anywhere(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        frame = np.array(self.scenes.obs.shape[1:3])
        scene = rng.integers(len(self.scenes.obs), size=count)
        side = np.exp(rng.uniform(np.log(SMALLEST), np.log(frame + 1), (count, 2))).astype(np.int64)
        side = np.minimum(side, frame)
        corner = rng.integers(0, frame - side, endpoint=True)
        return scene, np.concatenate([corner, corner + side], axis=1)

    def _single(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        thing = rng.integers(len(self._first), size=count)
        chosen = self._by_thing[rng.integers(self._first[thing], self._last[thing])]
        scene, box = np.unravel_index(chosen, self.label.shape)
        return scene, self.boxes[box]
