"""What each component learns from: segments of the replay, and its losses on them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from irislib.agent.agent import Agent
from irislib.agent.config import TrainConfig
from irislib.seeding import stream_seed
from irislib.tokenizers.perceptual import load_lpips
from irislib.tokenizers.revival import Revival
from irislib.training.encoded import EncodedReplay
from irislib.training.imagination import actor_critic_losses, imagine
from irislib.training.replay import Replay
from irislib.training.sampling import Sampler


@dataclass(frozen=True)
class Objective:
    """How one component is fitted in one epoch.

    Attributes:
        length: of the segments that it learns from, steps.
        end_inside: see `Replay.sample`.
        losses: of segments by their rows int64 [B,length]; their sum is minimised.
    """

    length: int
    end_inside: bool
    losses: Callable[[np.ndarray], dict[str, Tensor]]


class Objectives:
    """The three objectives of IRIS over one replay.

    Args:
        tokenizer_optimizer: whose moments the revival of codes resets.
    """

    def __init__(
        self,
        config: TrainConfig,
        agent: Agent,
        replay: Replay,
        tokenizer_optimizer: torch.optim.Optimizer,
        seed: int,
    ) -> None:
        self.config, self.agent, self.replay, self.seed = config, agent, replay, seed
        self.tokenizer_optimizer = tokenizer_optimizer
        self.precision: torch.dtype = getattr(torch, config.precision)
        self._encoded: tuple[int, EncodedReplay] | None = None
        learns = config.epochs > config.fit.tokenizer.start_after_epochs
        self.perceptual = load_lpips(agent.device) if learns and config.tokenizer.lpips > 0 else None

    def of(self, component: str, epoch: int, rows: slice) -> Objective:
        """The objective of a component in an epoch; `rows` are this rank's of every batch."""
        build = {
            "tokenizer": self._tokenizer,
            "world_model": self._world_model,
            "actor_critic": self._actor_critic,
        }
        return build[component](epoch, stream_seed(self.seed, "fit", component, epoch, "draws"), rows)

    def _autocast(self) -> torch.autocast:
        enabled = self.precision != torch.float32
        return torch.autocast(self.agent.device.type, self.precision, enabled=enabled)

    def _encode(self, epoch: int) -> EncodedReplay:
        """Shared by world model and policy: both learn after the tokenizer has, in every epoch."""
        if self._encoded is None or self._encoded[0] != epoch:
            self._encoded = epoch, EncodedReplay(self.replay, self.agent.tokenizer)
        return self._encoded[1]

    def _tokenizer(self, epoch: int, seed: int, rows: slice) -> Objective:
        tokenizer = self.agent.tokenizer
        after = self.config.tokenizer.quantizer.revive_after
        revival = Revival(tokenizer.quantizer, self.tokenizer_optimizer, after, seed)

        def losses(rows: np.ndarray) -> dict[str, Tensor]:
            frames = self.replay.frames(rows[:, 0]).to(self.agent.device)
            with self._autocast():
                values, quantized = tokenizer.losses(frames, self.perceptual)
            revival.observe(quantized)
            return values

        return Objective(1, False, losses)

    def _world_model(self, epoch: int, seed: int, rows: slice) -> Objective:
        encoded = self._encode(epoch)

        def losses(rows: np.ndarray) -> dict[str, Tensor]:
            batch = encoded.batch(rows).to(self.agent.device)
            with self._autocast():
                return self.agent.world_model.losses(batch)

        return Objective(self.agent.config.world_model.max_blocks, False, losses)

    def _actor_critic(self, epoch: int, seed: int, rows: slice) -> Objective:
        agent, fit = self.agent, self.config.fit.actor_critic
        encoded = self._encode(epoch)
        sample = Sampler(seed, fit.batch_size, rows, agent.device)

        def losses(rows: np.ndarray) -> dict[str, Tensor]:
            batch = encoded.batch(rows).to(agent.device)
            imagined = imagine(
                batch,
                agent.tokenizer,
                agent.world_model,
                agent.actor_critic,
                fit.horizon,
                sample,
                self.precision,
            )
            return actor_critic_losses(imagined, fit)

        return Objective(fit.burn_in + 1, True, losses)
