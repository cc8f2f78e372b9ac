"""A GPT-style transformer, causal by groups, with a preallocated key-value cache (IRIS, section 2.2)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.agent.config import WorldModelConfig
from irislib.agent.dropout import Dropout, current_stream, drop


class KVCache:
    """Keys and values of the tokens seen so far, for sampling group by group without gradients.

    Args:
        batch: sequences side by side.
        max_tokens: longest sequence.
    """

    def __init__(self, config: WorldModelConfig, batch: int, max_tokens: int, device: torch.device) -> None:
        head_dim = config.embed_dim // config.num_heads
        shape = (config.num_layers, 2, batch, config.num_heads, max_tokens, head_dim)
        self.values = torch.empty(shape, device=device)
        self.size = 0

    def extend(
        self, layer: int, k: Float[Tensor, "b heads t dim"], v: Float[Tensor, "b heads t dim"]
    ) -> tuple[Float[Tensor, "b heads past dim"], Float[Tensor, "b heads past dim"]]:
        """Stores keys and values float [B,heads,T,head_dim]; returns those of the whole sequence so far."""
        stop = self.size + k.shape[2]
        self.values[layer, 0, :, :, self.size : stop] = k
        self.values[layer, 1, :, :, self.size : stop] = v
        return self.values[layer, 0, :, :, :stop], self.values[layer, 1, :, :, :stop]


class Transformer(nn.Module):
    """Embeddings float [B,T,E] to hidden states of the same shape.

    Args:
        group: how many neighbouring positions see each other. Each position sees its own group and all groups
            before it; with 1 this is causal attention. Each group must come whole.
    """

    def __init__(self, config: WorldModelConfig, group: int) -> None:
        super().__init__()
        self.drop = Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, group) for _ in range(config.num_layers))
        self.ln_f = nn.LayerNorm(config.embed_dim)

    def forward(self, x: Float[Tensor, "b t e"], cache: KVCache | None = None) -> Float[Tensor, "b t e"]:
        steps = x.shape[1]
        x = self.drop(x)
        for layer, block in enumerate(self.blocks):
            x = block(x, layer, cache)
        if cache is not None:
            cache.size += steps
        return self.ln_f(x)  # type: ignore[no-any-return]


class Block(nn.Module):
    """Pre-norm attention and feed-forward, each beside a residual connection."""

    def __init__(self, config: WorldModelConfig, group: int) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(config.embed_dim)
        self.ln2 = nn.LayerNorm(config.embed_dim)
        self.attn = SelfAttention(config, group)
        self.mlp = nn.Sequential(
            nn.Linear(config.embed_dim, 4 * config.embed_dim),
            nn.GELU(),
            nn.Linear(4 * config.embed_dim, config.embed_dim),
            Dropout(config.dropout),
        )

    def forward(self, x: Float[Tensor, "b t e"], layer: int, cache: KVCache | None) -> Float[Tensor, "b t e"]:
        x = x + self.attn(self.ln1(x), layer, cache)
        return x + self.mlp(self.ln2(x))  # type: ignore[no-any-return]


class SelfAttention(nn.Module):
    """Multi-head self-attention, causal by groups."""

    def __init__(self, config: WorldModelConfig, group: int) -> None:
        super().__init__()
        self.num_heads, self.dropout, self.group = config.num_heads, config.dropout, group
        self.key, self.query, self.value, self.proj = (
            nn.Linear(config.embed_dim, config.embed_dim) for _ in range(4)
        )
        self.resid_drop = Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "b t e"], layer: int, cache: KVCache | None) -> Float[Tensor, "b t e"]:
        batch, steps, dim = x.shape
        q, k, v = (
            f(x).view(batch, steps, self.num_heads, -1).transpose(1, 2)
            for f in (self.query, self.key, self.value)
        )
        mask = None
        if cache is not None and cache.size > 0:
            past = cache.size
            k, v = cache.extend(layer, k, v)
            if steps > self.group:  # a single group sees all there is
                mask = visible(past, past + steps, self.group, x.device)
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:
            if cache is not None:
                cache.extend(layer, k, v)
            y = attend(q, k, v, self.dropout if self.training else 0.0, self.group)
        return self.resid_drop(self.proj(y.transpose(1, 2).reshape(batch, steps, dim)))  # type: ignore[no-any-return]


def attend(
    q: Float[Tensor, "b heads t dim"],
    k: Float[Tensor, "b heads t dim"],
    v: Float[Tensor, "b heads t dim"],
    dropout: float,
    group: int = 1,
) -> Float[Tensor, "b heads t dim"]:
    """Attention causal by groups, with dropout of the attention weights from this thread's stream."""
    if group == 1 and (dropout == 0 or current_stream() is None):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=dropout)
    mask = visible(0, q.shape[2], group, q.device)
    if dropout == 0 or current_stream() is None:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
    # The same in steps, because torch's function draws from its global stream alone.
    scores = (q / q.shape[3] ** 0.5 @ k.transpose(2, 3)).masked_fill(~mask, -torch.inf)
    return drop(scores.softmax(-1), dropout) @ v


def visible(start: int, stop: int, group: int, device: torch.device) -> Bool[Tensor, "new stop"]:
    """Which positions before `stop` each one from `start` on sees: its own group and those before it."""
    groups = torch.arange(stop, device=device) // group
    return groups[start:, None] >= groups
