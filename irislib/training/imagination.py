"""Learning in imagination: the policy acts inside the world model (IRIS, section 2.3, algorithm 1)."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.distributions import Categorical
from torch.nn import functional as F

from irislib.agent.actor_critic import ActorCritic
from irislib.agent.config import FitActorCriticConfig
from irislib.agent.continuation import continue_from
from irislib.agent.segments import SegmentBatch
from irislib.agent.world_model import WorldModel
from irislib.tokenizers.learned import LearnedTokenizer
from irislib.training.sampling import Sampler


@dataclass(frozen=True)
class Imagined:
    """B trajectories of H imagined steps.

    Attributes:
        logits: float [B,H,actions], with gradient.
        values: float [B,H], with gradient.
        actions: int64 [B,H].
        rewards: float [B,H] in {-1, 0, 1}.
        ends: bool [B,H].
    """

    logits: Float[Tensor, "b h actions"]
    values: Float[Tensor, "b h"]
    actions: Int64[Tensor, "b h"]
    rewards: Float[Tensor, "b h"]
    ends: Bool[Tensor, "b h"]


def imagine(
    batch: SegmentBatch,
    tokenizer: LearnedTokenizer,
    world_model: WorldModel,
    actor_critic: ActorCritic,
    horizon: int,
    sample: Sampler,
    precision: torch.dtype = torch.float32,
) -> Imagined:
    """Plays `horizon` steps from each segment's last observation; the earlier ones burn in the memory.

    Args:
        batch: segments of burn_in + 1 steps; the last step is never padding.
        sample: draws actions, tokens, rewards and ends.
        precision: of the convolutions that decode frames.
    """

    @torch.no_grad()
    def frames_of(tokens: Tensor) -> Tensor:
        # Without autocast's cache, which threads would share.
        reduced = precision != torch.float32
        with torch.autocast(tokens.device.type, precision, enabled=reduced, cache_enabled=False):
            return tokenizer.decode_tokens(tokens).float()

    # One step at a time: what all steps of a batch occupy together is gigabytes.
    state = actor_critic.burn_in(map(frames_of, batch.tokens[:, :-1].unbind(1)), batch.mask[:, :-1])
    grid, current = batch.tokens.shape[2:], batch.tokens[:, -1].flatten(1)
    imagined, steps = continue_from(world_model, current), []
    for step in range(horizon):
        logits, values, state = actor_critic(frames_of(current.unflatten(1, grid)), state)
        actions = sample(logits.detach())
        out = imagined.act(actions)
        rewards, ends = sample(out.rewards[:, 0]) - 1, sample(out.ends[:, 0]).bool()
        steps.append((logits, values, actions, rewards.float(), ends))
        if step + 1 < horizon:
            current = imagined.draw(sample)
    return Imagined(*(torch.stack(column, dim=1) for column in zip(*steps, strict=True)))


def lambda_returns(
    rewards: Float[Tensor, "b h"],
    values: Float[Tensor, "b h"],
    ends: Bool[Tensor, "b h"],
    gamma: float,
    lambda_: float,
) -> Float[Tensor, "b h"]:
    """Lambda-returns (IRIS, equation 3): each mixes its one-step target with the next step's return.

    The last value stands in for what comes later, and is its own return.
    """
    returns = [values[:, -1]]
    for t in reversed(range(values.shape[1] - 1)):
        target = (1 - lambda_) * values[:, t + 1] + lambda_ * returns[-1]
        returns.append(rewards[:, t] + gamma * (~ends[:, t]) * target)
    return torch.stack(returns[::-1], dim=1)


def actor_critic_losses(imagined: Imagined, config: FitActorCriticConfig) -> dict[str, Float[Tensor, ""]]:
    """REINFORCE with the value as baseline, squared value error, entropy bonus (IRIS, equations 4 and 5).

    Each is a mean over all steps but the last; without `past_end` those after an end count as 0.
    """
    with torch.no_grad():
        returns = lambda_returns(
            imagined.rewards, imagined.values, imagined.ends, config.gamma, config.lambda_
        )[:, :-1]
    values, ends = imagined.values[:, :-1], imagined.ends[:, :-1].long()
    counts = torch.ones_like(values) if config.past_end else (ends.cumsum(1) == ends).float()
    # Logits that are not finite make the losses so, which the trainer reports.
    policy = Categorical(logits=imagined.logits[:, :-1], validate_args=False)
    advantage = returns - values.detach()
    return {
        "actions": -(policy.log_prob(imagined.actions[:, :-1]) * advantage * counts).mean(),
        "values": F.mse_loss(values * counts, returns * counts),
        "entropy": -config.entropy_weight * (policy.entropy() * counts).mean(),
    }
