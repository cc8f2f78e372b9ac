"""How well Δ-IRIS's world model predicts an episode."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from irislib.agent.delta_iris.world_model import DeltaSegments, DeltaWorldModel
from irislib.agent.segments import cut

SEGMENTS = 8  # in a batch


def delta_losses(
    world_model: DeltaWorldModel, episode: Mapping[str, np.ndarray], device: torch.device
) -> Iterator[tuple[dict[str, float], dict[str, int]]]:
    """The world model's mean losses on an episode, batch by batch, each with its number of predictions.

    Segments of `max_blocks` steps follow each other without overlap; the last is padded behind. The tokens
    of a segment's first frame are not predicted, and those of the frame after its last step are not known.

    Args:
        episode: `obs`, `action`, `reward` and `terminated` as in `ROLLOUTS`; `token` int [T,h,w], those of
            row t say what changed since row t - 1.
    """
    blocks, steps = world_model.config.max_blocks, len(episode["token"])
    following = np.roll(episode["token"].reshape(steps, -1), -1, axis=0)
    segments = DeltaSegments(
        frames=cut(episode["obs"], blocks, np.uint8),
        actions=cut(episode["action"], blocks, np.int64),
        tokens=cut(following, blocks, np.int64),
        rewards=cut(episode["reward"], blocks, np.float32),
        ends=cut(episode["terminated"], blocks, np.bool_),
        mask=cut(np.ones(steps), blocks, np.bool_),
    )
    for start in range(0, len(segments.mask), SEGMENTS):
        part = slice(start, start + SEGMENTS)
        batch = DeltaSegments(**{name: column[part].to(device) for name, column in vars(segments).items()})
        counts = world_model.count_predictions(batch.mask)
        losses = world_model.losses(batch)
        # A segment of one step predicts no tokens.
        yield {name: float(loss) if counts[name] else 0.0 for name, loss in losses.items()}, counts
