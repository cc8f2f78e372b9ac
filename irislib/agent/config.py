"""The `train` section of params.yaml, and the part of it that an agent's architecture is made from.

Names and the official values (profile `paper`) follow Micheli et al. 2023 (arXiv 2209.00588, appendix A)
and the released configuration of eloialonso/iris.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

from irislib.errors import ParamError
from irislib.params import STRICT, require
from irislib.tokenizers.config import TokenizerConfig

MIN_SIDE = 16  # pixels: the actor-critic's four poolings leave one at least

Count = Annotated[int, Ge(1)]
NonNegative = Annotated[int, Ge(0)]
Positive = Annotated[float, Gt(0)]
Weight = Annotated[float, Ge(0)]
Share = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True)
class WorldModelConfig:
    """The transformer over blocks of one observation's tokens and one action token.

    Attributes:
        max_blocks: longest sequence, in environment steps.
        predicts: "token", the next token given all before it, one by one (IRIS); or "frame", all tokens of
            the next frame at once, each given the steps before it alone (block teacher forcing; Dedieu et
            al. 2025, arXiv 2502.01591). The weights have the same shapes.
    """

    __pydantic_config__ = STRICT
    max_blocks: Annotated[int, Ge(2)]
    num_layers: Count
    num_heads: Count
    embed_dim: Count
    dropout: Share
    predicts: Literal["token", "frame"] = "token"

    def __post_init__(self) -> None:
        require(
            self.embed_dim % self.num_heads == 0,
            "embed_dim",
            f"{self.embed_dim} is not divisible by num_heads {self.num_heads}",
        )


@dataclass(frozen=True)
class ActorCriticConfig:
    """The CNN-LSTM policy and value function."""

    __pydantic_config__ = STRICT
    lstm_dim: Count


@dataclass(frozen=True)
class CollectConfig:
    """Experience collected at the start of an epoch, by the agent as it is.

    Attributes:
        lanes: environments played side by side.
        steps_per_epoch: environment steps an epoch, all lanes together.
        stop_after_epochs: later epochs train on what there is.
        epsilon: chance of a uniformly random action.
        temperature: of the policy's softmax.
    """

    __pydantic_config__ = STRICT
    lanes: Count
    steps_per_epoch: Count
    stop_after_epochs: Count
    epsilon: Share
    temperature: Positive

    def __post_init__(self) -> None:
        require(
            self.steps_per_epoch % self.lanes == 0,
            "steps_per_epoch",
            f"{self.steps_per_epoch} is not divisible by lanes {self.lanes}",
        )


@dataclass(frozen=True)
class FitConfig:
    """How one component is fitted in each epoch after `start_after_epochs`."""

    __pydantic_config__ = STRICT
    start_after_epochs: NonNegative
    steps_per_epoch: Count
    batch_size: Count
    learning_rate: Positive
    max_grad_norm: Positive


@dataclass(frozen=True)
class FitWorldModelConfig(FitConfig):
    """Adds AdamW's weight decay, which applies to the weights of linear layers."""

    __pydantic_config__ = STRICT
    weight_decay: Weight


@dataclass(frozen=True)
class FitActorCriticConfig(FitConfig):
    """Adds what learning in imagination needs.

    Attributes:
        horizon: imagined steps; rewards beyond it are bootstrapped by the value function.
        burn_in: real observations before the first imagined one that warm the LSTM's state.
        past_end: whether steps after an imagined end count, as in the official code.
    """

    __pydantic_config__ = STRICT
    horizon: Annotated[int, Ge(2)]
    burn_in: NonNegative
    gamma: Share
    lambda_: Share
    entropy_weight: Weight
    past_end: bool


@dataclass(frozen=True)
class FitsConfig:
    """One entry a component."""

    __pydantic_config__ = STRICT
    tokenizer: FitConfig
    world_model: FitWorldModelConfig
    actor_critic: FitActorCriticConfig


@dataclass(frozen=True)
class TrainConfig:
    """The `train` section.

    Attributes:
        epochs: 0 takes the agent of data/init as it is.
        precision: of the arithmetic in the nets' training and in the frames that are imagined; the weights
            are float32 in either case.
        snapshots: epochs after which the agent is kept in data/snapshots; none are kept where `epochs` is 0.
    """

    __pydantic_config__ = STRICT
    epochs: NonNegative
    precision: Literal["float32", "bfloat16"]
    snapshots: tuple[Count, ...]
    collect: CollectConfig
    tokenizer: TokenizerConfig
    world_model: WorldModelConfig
    actor_critic: ActorCriticConfig
    fit: FitsConfig

    def __post_init__(self) -> None:
        for epoch in self.snapshots if self.epochs else ():
            require(epoch <= self.epochs, "snapshots", f"{epoch} is after the last of {self.epochs} epochs")
        revive_after, steps = self.tokenizer.quantizer.revive_after, self.fit.tokenizer.steps_per_epoch
        require(
            revive_after <= steps,
            "tokenizer.quantizer.revive_after",
            f"{revive_after} batches never come, an epoch has {steps}; use fewer, or 0",
        )


@dataclass(frozen=True)
class AgentConfig:
    """Everything that fixes an agent's shapes; stored beside its weights.

    Attributes:
        frame: height and width of the frames, in pixels.
        num_actions: size of the discrete action space.
    """

    __pydantic_config__ = STRICT
    frame: tuple[Count, Count]
    num_actions: Count
    tokenizer: TokenizerConfig
    world_model: WorldModelConfig
    actor_critic: ActorCriticConfig

    def __post_init__(self) -> None:
        if min(self.frame) < MIN_SIDE:
            height, width = self.frame
            raise ParamError(
                f"env: frames of {height} x {width} pixels are too small for the actor-critic, which halves "
                f"them four times; use at least {MIN_SIDE} x {MIN_SIDE}"
            )

    @property
    def grid(self) -> tuple[int, int]:
        """Tokens along the height and the width of an observation (4 x 4 in IRIS)."""
        return self.tokenizer.grid(self.frame)

    @property
    def tokens_per_block(self) -> int:
        """Tokens a step: the observation's and one action."""
        return self.grid[0] * self.grid[1] + 1
