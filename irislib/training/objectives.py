"""What each component learns from: segments of the replay, and its losses on each part of a batch of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from irislib.agent.agent import Agent
from irislib.agent.config import TrainConfig
from irislib.seeding import stream, stream_seed
from irislib.tokenizers.alignment import WITH_OTHERS, alignment_losses, draw_kept
from irislib.tokenizers.perceptual import load_lpips
from irislib.tokenizers.quantizers import FreeCodebook, Quantized
from irislib.tokenizers.revival import Revival
from irislib.training.encoded import EncodedReplay
from irislib.training.imagination import actor_critic_losses, imagine
from irislib.training.parts import Division, Part, Pool
from irislib.training.replay import OUTSIDE, Replay
from irislib.training.sampling import Sampler

Rows = Int[np.ndarray, "batch length"]
PartLosses = Callable[[Part], dict[str, Tensor]]


@dataclass(frozen=True)
class Objective:
    """How one component is fitted in one epoch.

    Attributes:
        length: of the segments that it learns from, steps.
        end_inside: see `Replay.sample`.
        prepare: called with a batch's rows in the replay; returns what computes a part's share of the losses,
            on any thread. The shares of all parts add up to the losses of the batch, whose sum is minimised.
        finish: called once the parts of a batch are computed, before the optimizer's step.
    """

    length: int
    end_inside: bool
    prepare: Callable[[Rows], PartLosses]
    finish: Callable[[], None] = lambda: None


class Objectives:
    """The three objectives of IRIS over one replay.

    Args:
        tokenizer_optimizer: whose moments the revival of codes resets.
        pool: encodes frames side by side.
    """

    def __init__(
        self,
        config: TrainConfig,
        agent: Agent,
        replay: Replay,
        tokenizer_optimizer: torch.optim.Optimizer,
        seed: int,
        pool: Pool,
    ) -> None:
        self.config, self.agent, self.replay, self.seed, self.pool = config, agent, replay, seed, pool
        self.tokenizer_optimizer = tokenizer_optimizer
        self.precision: torch.dtype = getattr(torch, config.precision)
        self._encoded: tuple[int, EncodedReplay] | None = None
        learns = config.epochs > config.fit.tokenizer.start_after_epochs
        self.perceptual = load_lpips(agent.device) if learns and config.tokenizer.lpips > 0 else None

    def of(self, component: str, epoch: int, division: Division) -> Objective:
        """The objective of a component in an epoch; `division` is that of its batches."""
        build = {
            "tokenizer": self._tokenizer,
            "world_model": self._world_model,
            "actor_critic": self._actor_critic,
        }
        return build[component](epoch, stream_seed(self.seed, "fit", component, epoch, "draws"), division)

    def _autocast(self) -> torch.autocast:
        enabled = self.precision != torch.float32
        # Without its cache, which all threads would share: what one cast is part of another's gradient then.
        return torch.autocast(self.agent.device.type, self.precision, enabled=enabled, cache_enabled=False)

    def _encode(self, epoch: int) -> EncodedReplay:
        """Shared by world model and policy: both learn after the tokenizer has, in every epoch."""
        if self._encoded is None or self._encoded[0] != epoch:
            self._encoded = epoch, EncodedReplay(self.replay, self.agent.tokenizer, self.pool)
        return self._encoded[1]

    def _tokenizer(self, epoch: int, seed: int, division: Division) -> Objective:
        tokenizer = self.agent.tokenizer
        hooks = self._after_batch(seed)
        alignment = self.config.tokenizer.alignment
        rng = stream(self.seed, "fit", "tokenizer", epoch, "alignment")
        seen: dict[int, Quantized] = {}

        def prepare(rows: Rows) -> PartLosses:
            # Drawn for the whole batch, and each frame is pasted into the one before it, whatever the part.
            kept = torch.from_numpy(draw_kept(rng, len(rows), tokenizer.grid))
            others = np.roll(rows, 1, axis=0)

            def losses(part: Part) -> dict[str, Tensor]:
                frames = self.replay.frames(rows[part.rows, 0]).to(self.agent.device)
                with self._autocast():
                    means, seen[part.number] = tokenizer.losses(frames, self.perceptual)
                    if isinstance(alignment, WITH_OTHERS):
                        foreign = self.replay.frames(others[part.rows, 0]).to(frames.device)
                        own = kept[part.rows].to(frames.device)
                        means |= alignment_losses(
                            alignment, tokenizer, frames, seen[part.number], foreign, own
                        )
                return _weighted(means, part, division)

            return losses

        def finish() -> None:
            parts = [seen[part.number] for part in division.own]
            for hook in hooks:
                hook(parts)

        return Objective(1, False, prepare, finish)

    def _after_batch(self, seed: int) -> list[Callable[[Sequence[Quantized]], None]]:
        """What learns from the parts of a batch without gradients, in order."""
        quantizer, options = self.agent.tokenizer.quantizer, self.config.tokenizer.quantizer
        after, by = options.revive_after, options.revive_by
        hooks = [quantizer.after_batch]
        if after and isinstance(quantizer, FreeCodebook):
            hooks.append(Revival(quantizer, self.tokenizer_optimizer, after, by, seed).after_batch)
        return hooks

    def _world_model(self, epoch: int, seed: int, division: Division) -> Objective:
        encoded, model = self._encode(epoch), self.agent.world_model

        def prepare(rows: Rows) -> PartLosses:
            encoded.encode(rows[division.own_rows])
            counts = model.count_predictions(torch.from_numpy(rows != OUTSIDE))

            def losses(part: Part) -> dict[str, Tensor]:
                batch = encoded.batch(rows[part.rows]).to(self.agent.device)
                with self._autocast():
                    return model.losses(batch, counts)

            return losses

        return Objective(model.config.max_blocks, False, prepare)

    def _actor_critic(self, epoch: int, seed: int, division: Division) -> Objective:
        agent, fit = self.agent, self.config.fit.actor_critic
        encoded = self._encode(epoch)
        samplers = {
            part.number: Sampler(seed, division.size, part.rows, agent.device) for part in division.own
        }

        def prepare(rows: Rows) -> PartLosses:
            encoded.encode(rows[division.own_rows])

            def losses(part: Part) -> dict[str, Tensor]:
                imagined = imagine(
                    encoded.batch(rows[part.rows]).to(agent.device),
                    agent.tokenizer,
                    agent.world_model,
                    agent.actor_critic,
                    fit.horizon,
                    samplers[part.number],
                    self.precision,
                )
                return _weighted(actor_critic_losses(imagined, fit), part, division)

            return losses

        return Objective(fit.burn_in + 1, True, prepare)


def _weighted(means: dict[str, Tensor], part: Part, division: Division) -> dict[str, Tensor]:
    """A part's share of the batch's means, from its own means."""
    return {name: mean * (part.size / division.size) for name, mean in means.items()}
