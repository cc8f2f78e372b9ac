"""Learning in imagination: the policy acts inside the world model (IRIS, section 2.3, algorithm 1)."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Categorical
from torch.nn import functional as F

from irislib.agent.actor_critic import ActorCritic
from irislib.agent.config import FitActorCriticConfig
from irislib.agent.replay import Batch
from irislib.agent.tokenizer import Tokenizer
from irislib.agent.world_model import WorldModel


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

    logits: Tensor
    values: Tensor
    actions: Tensor
    rewards: Tensor
    ends: Tensor


def imagine(
    batch: Batch, tokenizer: Tokenizer, world_model: WorldModel, actor_critic: ActorCritic, horizon: int
) -> Imagined:
    """Plays `horizon` steps from each segment's last observation; the earlier ones burn in the memory.

    Args:
        batch: segments of burn_in + 1 steps; the last step is never padding.
    """
    with torch.no_grad():
        tokens = tokenizer.encode(batch.observations.flatten(0, 1)).unflatten(0, batch.actions.shape)
        past = tokenizer.decode_tokens(tokens[:, :-1].flatten(0, 1)).unflatten(0, tokens[:, :-1].shape[:2])
    state = actor_critic.burn_in(past, batch.mask[:, :-1])
    grid, current = tokens.shape[2:], tokens[:, -1].flatten(1)
    cache = world_model.new_cache(len(tokens))
    steps = []
    with torch.no_grad():
        world_model(current, cache)
    for step in range(horizon):
        with torch.no_grad():
            frames = tokenizer.decode_tokens(current.unflatten(1, grid))
        logits, values, state = actor_critic(frames, state)
        actions = Categorical(logits=logits.detach()).sample()
        with torch.no_grad():
            out = world_model(actions[:, None], cache)
            rewards = Categorical(logits=out.rewards[:, 0]).sample() - 1
            ends = Categorical(logits=out.ends[:, 0]).sample().bool()
            if step + 1 < horizon:
                sampled = []
                for _ in range(current.shape[1]):
                    sampled.append(Categorical(logits=out.observations[:, -1]).sample())
                    out = world_model(sampled[-1][:, None], cache)
                current = torch.stack(sampled, dim=1)
        steps.append((logits, values, actions, rewards.float(), ends))
    return Imagined(*(torch.stack(column, dim=1) for column in zip(*steps, strict=True)))


def lambda_returns(rewards: Tensor, values: Tensor, ends: Tensor, gamma: float, lambda_: float) -> Tensor:
    """Lambda-returns float [B,H] (IRIS, equation 3): V_t mixes one-step targets with the return from t+1.

    Args:
        rewards, values, ends: [B,H]; the last value bootstraps the rest and is its own return.
    """
    returns = [values[:, -1]]
    for t in reversed(range(values.shape[1] - 1)):
        target = (1 - lambda_) * values[:, t + 1] + lambda_ * returns[-1]
        returns.append(rewards[:, t] + gamma * (~ends[:, t]) * target)
    return torch.stack(returns[::-1], dim=1)


def actor_critic_losses(imagined: Imagined, config: FitActorCriticConfig) -> dict[str, Tensor]:
    """REINFORCE with the value as baseline, squared value error, entropy bonus (IRIS, equations 4 and 5)."""
    with torch.no_grad():
        returns = lambda_returns(
            imagined.rewards, imagined.values, imagined.ends, config.gamma, config.lambda_
        )[:, :-1]
    values = imagined.values[:, :-1]
    policy = Categorical(logits=imagined.logits[:, :-1])
    advantage = returns - values.detach()
    return {
        "actions": -(policy.log_prob(imagined.actions[:, :-1]) * advantage).mean(),
        "values": F.mse_loss(values, returns),
        "entropy": -config.entropy_weight * policy.entropy().mean(),
    }
