"""The world model: predicts the next tokens, the reward's sign and the end (IRIS, section 2.2).

An output looks `lookahead` tokens ahead, actions not counted: one where the next token is predicted (IRIS),
all tokens of a frame where the next frame is predicted at once. In the first case a token sees those before
it; in the second also all of its own block, the action included (block teacher forcing; Dedieu et al. 2025,
arXiv 2502.01591).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.agent.config import AgentConfig
from irislib.agent.segments import SegmentBatch
from irislib.agent.transformer import KVCache, Transformer

IGNORE = -100  # the label that cross_entropy leaves out


@dataclass(frozen=True)
class WorldModelOutput:
    """Logits at the positions where they mean something.

    Attributes:
        observations: float [B,P,K], at every position that foretells a token of an observation.
        rewards: float [B,A,3], at the action tokens: sign of the reward, -1, 0 or 1.
        ends: float [B,A,2], at the action tokens: does the episode terminate.
    """

    observations: Float[Tensor, "b p codes"]
    rewards: Float[Tensor, "b a 3"]
    ends: Float[Tensor, "b a 2"]


class WorldModel(nn.Module):
    """A transformer over blocks of one observation's tokens and one action; names as in the official one."""

    table_start: Tensor
    foretelling: Tensor

    def __init__(self, config: AgentConfig) -> None:
        super().__init__()
        self.config = config.world_model
        self.tokens_per_block = config.tokens_per_block
        self.max_tokens = self.config.max_blocks * self.tokens_per_block
        dim, codes = self.config.embed_dim, config.tokenizer.vocab_size
        at_once = self.config.predicts == "frame"
        self.lookahead = self.tokens_per_block - 1 if at_once else 1
        self.transformer = Transformer(self.config, self.tokens_per_block if at_once else 1)
        self.pos_emb = nn.Embedding(self.max_tokens, dim)
        self.embedder = nn.Module()
        self.embedder.embedding_tables = nn.ModuleList(
            [nn.Embedding(config.num_actions, dim), nn.Embedding(codes, dim)]
        )
        self.head_observations = _head(dim, codes)
        self.head_rewards = _head(dim, 3)
        self.head_ends = _head(dim, 2)
        self.apply(_init_weights)
        place = torch.arange(self.max_tokens) % self.tokens_per_block
        # One place in a block foretells no token: the action, where every token foretells its successor in
        # the next frame; else an observation's last token, which the action follows.
        self.silent = self.tokens_per_block - (1 if at_once else 2)
        # Observation tokens are looked up behind the actions.
        start = torch.where(place == self.tokens_per_block - 1, 0, config.num_actions)
        self.register_buffer("table_start", start, persistent=False)
        self.register_buffer("foretelling", torch.nonzero(place != self.silent)[:, 0], persistent=False)

    def new_cache(self, batch: int) -> KVCache:
        """An empty cache for sequences of up to `max_blocks` steps."""
        return KVCache(self.config, batch, self.max_tokens, self.pos_emb.weight.device)

    def forward(self, tokens: Int64[Tensor, "b t"], cache: KVCache | None = None) -> WorldModelOutput:
        """Predicts from tokens int64 [B,T], which continue the cache's sequence where one is given.

        Where frames are predicted at once, tokens come in whole blocks.
        """
        past = 0 if cache is None else cache.size
        stop = past + tokens.shape[1]
        # What stands where follows from the position alone: a GPU need not be asked.
        block = self.tokens_per_block
        acts = slice(block - 1 - past % block, None, block)
        before = slice(*(p - (p + block - 1 - self.silent) // block for p in (past, stop)))
        foretells = self.foretelling[before] - past
        tables = torch.cat([table.weight for table in self.embedder.embedding_tables])  # type: ignore[union-attr]
        x = F.embedding(tokens + self.table_start[past:stop], tables)
        x = self.transformer(x + self.pos_emb.weight[past:stop], cache)
        return WorldModelOutput(
            self.head_observations.head_module(x[:, foretells]),  # type: ignore[operator]
            self.head_rewards.head_module(x[:, acts]),  # type: ignore[operator]
            self.head_ends.head_module(x[:, acts]),  # type: ignore[operator]
        )

    def count_predictions(self, mask: Bool[Tensor, "b t"]) -> dict[str, int]:
        """How many predictions the losses on segments are made of, by the loss's name; `mask` is theirs."""
        steps = int(mask.sum())
        # Nothing comes before a segment's first tokens that they could be predicted from.
        first = int(mask[:, 0].sum()) * self.lookahead
        observations = steps * (self.tokens_per_block - 1) - first
        return {"observations": observations, "rewards": steps, "ends": steps}

    def losses(
        self, batch: SegmentBatch, counts: Mapping[str, int] | None = None
    ) -> dict[str, Float[Tensor, ""]]:
        """Cross-entropies of a token, the reward's sign and the end, in nats, over unpadded steps.

        Args:
            counts: what the sums over predictions are divided by, by the loss's name; the numbers of a whole
                batch where this one is a part of it. By default its own, which gives means.
        """
        if counts is None:
            counts = self.count_predictions(batch.mask)
        obs_tokens = batch.tokens.flatten(2)  # [B,T,h*w]
        out = self(torch.cat([obs_tokens, batch.actions[..., None]], dim=2).flatten(1))
        padded = ~batch.mask
        foretold = obs_tokens.masked_fill(padded[..., None], IGNORE).flatten(1)[:, self.lookahead :]
        reward_signs = batch.rewards.sign().long() + 1
        sums = {
            "observations": _cross_entropy(out.observations[:, : -self.lookahead], foretold),
            "rewards": _cross_entropy(out.rewards, reward_signs.masked_fill(padded, IGNORE)),
            "ends": _cross_entropy(out.ends, batch.ends.long().masked_fill(padded, IGNORE)),
        }
        return {name: total / max(1, counts[name]) for name, total in sums.items()}


def _cross_entropy(logits: Float[Tensor, "b p classes"], labels: Int64[Tensor, "b p"]) -> Float[Tensor, ""]:
    """Summed over the positions with a label."""
    logits, labels = logits.flatten(0, 1).float(), labels.flatten()
    return F.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="sum")


def _head(dim: int, outputs: int) -> nn.Module:
    head = nn.Module()
    head.head_module = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, outputs))
    return head


def _init_weights(module: nn.Module) -> None:
    """GPT's initialisation: normal weights with standard deviation 0.02, no bias."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
