"""What fixes the shapes of a Δ-IRIS agent; names follow the released configuration of vmicheli/delta-iris."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge

from irislib.agent.config import Count
from irislib.params import STRICT, require
from irislib.tokenizers.delta_iris import DeltaIrisConfig, NetConfig


@dataclass(frozen=True)
class DeltaWorldModelConfig:
    """The transformer over blocks of a frame, an action and the tokens of the next frame.

    Attributes:
        max_blocks: longest sequence, in environment steps.
        two_hot_rewards: whether it predicts the reward itself, by buckets, or only its sign.
        frame_cnn: turns a frame into one embedding.
    """

    __pydantic_config__ = STRICT
    max_blocks: Annotated[int, Ge(2)]
    num_layers: Count
    num_heads: Count
    embed_dim: Count
    two_hot_rewards: bool
    frame_cnn: NetConfig

    def __post_init__(self) -> None:
        require(
            self.embed_dim % self.num_heads == 0,
            "embed_dim",
            f"{self.embed_dim} is not divisible by num_heads {self.num_heads}",
        )


@dataclass(frozen=True)
class DeltaActorCriticConfig:
    """The CNN-LSTM policy and value function, which sees frames and no codes.

    Attributes:
        two_hot_values: whether it predicts the value by buckets, or as one number.
    """

    __pydantic_config__ = STRICT
    lstm_dim: Count
    two_hot_values: bool
    frame_encoder: NetConfig


@dataclass(frozen=True)
class DeltaIrisAgentConfig:
    """Everything that fixes the shapes of a Δ-IRIS agent; stored beside its weights.

    Attributes:
        frame: height and width of the frames, in pixels.
        num_actions: size of the discrete action space.
    """

    __pydantic_config__ = STRICT
    kind: Literal["delta_iris"]
    frame: tuple[Count, Count]
    num_actions: Count
    tokenizer: DeltaIrisConfig
    world_model: DeltaWorldModelConfig
    actor_critic: DeltaActorCriticConfig

    @property
    def tokens(self) -> int:
        """Tokens of an observation (4 in the official configuration)."""
        return self.tokenizer.side**2

    @property
    def tokens_per_block(self) -> int:
        """Embeddings a step: the frame's, the action's, and those of the next frame's tokens."""
        return 2 + self.tokens
