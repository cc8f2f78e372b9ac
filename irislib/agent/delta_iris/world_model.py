"""Δ-IRIS's world model: predicts the next frame's tokens, the reward and the end (section 3.2)."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float32, Int64, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.agent.config import WorldModelConfig
from irislib.agent.delta_iris.buckets import BUCKETS, two_hot
from irislib.agent.delta_iris.config import DeltaIrisAgentConfig
from irislib.agent.transformer import KVCache, Transformer
from irislib.tokenizers.delta_iris.nets import FrameEncoder, scaled


@dataclass(frozen=True)
class DeltaSegments:
    """B segments of T steps of episodes.

    Attributes:
        frames: u8 [B,T,H,W,3]; anything where padded.
        actions: int64 [B,T], taken in the frames.
        tokens: int64 [B,T,k], of the next frames; anything where there is none.
        rewards: float32 [B,T].
        ends: bool [B,T], the episode terminated.
        mask: bool [B,T], False where padded, which is behind.
    """

    frames: UInt8[Tensor, "b t y x 3"]
    actions: Int64[Tensor, "b t"]
    tokens: Int64[Tensor, "b t k"]
    rewards: Float32[Tensor, "b t"]
    ends: Bool[Tensor, "b t"]
    mask: Bool[Tensor, "b t"]


@dataclass(frozen=True)
class DeltaPredictions:
    """Logits at the positions where they mean something.

    Attributes:
        tokens: float [B,P,K], at the actions and at all tokens of a frame but its last.
        rewards: float [B,A,255], over buckets, or [B,A,3], of the reward's sign; at the actions.
        ends: float [B,A,2], at the actions: does the episode terminate.
    """

    tokens: Float[Tensor, "b p codes"]
    rewards: Float[Tensor, "b a classes"]
    ends: Float[Tensor, "b a 2"]


class DeltaWorldModel(nn.Module):
    """A causal transformer over blocks of a frame, an action, and the tokens of the next frame."""

    def __init__(self, config: DeltaIrisAgentConfig) -> None:
        super().__init__()
        self.config, self.block = config.world_model, config.tokens_per_block
        sizes, dim = self.config, self.config.embed_dim
        self.attention = WorldModelConfig(sizes.max_blocks, sizes.num_layers, sizes.num_heads, dim, 0.0)
        self.max_tokens = sizes.max_blocks * self.block
        self.transformer = Transformer(self.attention, 1)
        self.pos_emb = nn.Embedding(self.max_tokens, dim)
        self.frame_cnn = FrameEncoder(sizes.frame_cnn)
        self.frame_norm = nn.LayerNorm(dim)
        self.act_emb = nn.Embedding(config.num_actions, dim)
        self.latents_emb = nn.Embedding(config.tokenizer.vocab_size, dim)
        self.head_latents = _head(dim, config.tokenizer.vocab_size)
        self.head_rewards = _head(dim, BUCKETS if sizes.two_hot_rewards else 3)
        self.head_ends = _head(dim, 2)

    def new_cache(self, batch: int) -> KVCache:
        """An empty cache for sequences of up to `max_blocks` steps."""
        return KVCache(self.attention, batch, self.max_tokens, self.pos_emb.weight.device)

    def embed(
        self,
        frames: UInt8[Tensor, "b t y x 3"],
        actions: Int64[Tensor, "b t"],
        tokens: Int64[Tensor, "b t k"],
    ) -> Float[Tensor, "b t_times_block e"]:
        """Whole steps as a sequence of embeddings, float [B,T*(2+k),E]; see `DeltaSegments`."""
        seen = self.frame_cnn(scaled(frames.flatten(0, 1)))
        seen = self.frame_norm(seen.movedim(1, -1).flatten(1)).view(*actions.shape, 1, -1)
        steps = [seen, self.act_emb(actions)[:, :, None], self.latents_emb(tokens)]
        return torch.cat(steps, dim=2).flatten(1, 2)

    def forward(self, x: Float[Tensor, "b p e"], cache: KVCache | None = None) -> DeltaPredictions:
        """Predicts from embeddings float [B,P,E], which continue the cache's sequence where one is given."""
        past = 0 if cache is None else cache.size
        place = torch.arange(past, past + x.shape[1], device=x.device)
        x = self.transformer(x + self.pos_emb(place), cache)
        inside = place % self.block
        before_token, acts = (inside > 0) & (inside < self.block - 1), inside == 1
        return DeltaPredictions(
            self.head_latents(x[:, before_token]),
            self.head_rewards(x[:, acts]),
            self.head_ends(x[:, acts]),
        )

    def losses(self, batch: DeltaSegments) -> dict[str, Float[Tensor, ""]]:
        """Mean cross-entropies of a token, the reward (its bucket or sign) and the end, in nats.

        The tokens of a segment's last frame are not known, so none is predicted from it.
        """
        out = self(self.embed(batch.frames, batch.actions, batch.tokens))
        mask, followed = batch.mask, batch.mask[:, 1:]
        predicted = out.tokens.unflatten(1, (mask.shape[1], -1))[:, :-1]
        tokens = predicted[followed].flatten(0, 1), batch.tokens[:, :-1][followed].flatten()
        rewards = batch.rewards[mask]
        reward_targets = two_hot(rewards) if self.config.two_hot_rewards else rewards.sign().long() + 1
        return {
            "observations": F.cross_entropy(*tokens),
            "rewards": F.cross_entropy(out.rewards[mask], reward_targets),
            "ends": F.cross_entropy(out.ends[mask], batch.ends[mask].long()),
        }

    def count_predictions(self, mask: Bool[Tensor, "b t"]) -> dict[str, int]:
        """How many predictions the losses are made of, by the loss's name."""
        steps, followed = int(mask.sum()), int(mask[:, 1:].sum())
        return {"observations": followed * (self.block - 2), "rewards": steps, "ends": steps}


def _head(dim: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, outputs))
