"""The sections that the study adds to params.yaml: `play` and `study` of studies/params.yaml."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt

from irislib.params import STRICT, one_of, require

Count = Annotated[int, Ge(1)]


@dataclass(frozen=True)
class PlayConfig:
    """The `play` section: which episodes tokenizers learn from, and on which others they are measured.

    Attributes:
        player: "scripted" (`WorldConfig.player`), or "random": every action with equal probability.
        training_episodes: whole episodes to learn from.
        held_out_episodes: whole episodes to measure on. None is for both.
        lanes: episodes side by side in one process.
    """

    __pydantic_config__ = STRICT
    player: Literal["scripted", "random"]
    training_episodes: Count
    held_out_episodes: Annotated[int, Ge(2)]
    lanes: Count


@dataclass(frozen=True)
class TrainedConfig:
    """A tokenizer of `train.tokenizer` that is trained alone, on recorded frames.

    Attributes:
        kind: chooses it.
        steps: gradient steps.
        batch_size: frames a step.
        learning_rate: of Adam.
        snapshots: steps after which the codes are measured as well; ascending, below `steps`.
    """

    __pydantic_config__ = STRICT
    kind: Literal["trained"]
    steps: Count
    batch_size: Count
    learning_rate: Annotated[float, Gt(0)]
    snapshots: tuple[Count, ...] = ()

    def __post_init__(self) -> None:
        ascending = list(self.snapshots) == sorted({step for step in self.snapshots if step < self.steps})
        require(ascending, "snapshots", f"must be ascending steps below {self.steps}")


@dataclass(frozen=True)
class UntrainedConfig:
    """A tokenizer of `train.tokenizer` with fresh weights; its codes are outputs of its encoder."""

    __pydantic_config__ = STRICT
    kind: Literal["untrained"]


@dataclass(frozen=True)
class KMeansConfig:
    """K-means of the pixels of patches, with as many centres as `train.tokenizer` has codes.

    Attributes:
        kind: chooses it.
        patch: side of a patch, in pixels; the patches start at the top left corner.
    """

    __pydantic_config__ = STRICT
    kind: Literal["k_means"]
    patch: Count

    def grid(self, frame: tuple[int, int]) -> tuple[int, int]:
        """Patches along the height and the width of a frame, (H, W)."""
        return frame[0] // self.patch, frame[1] // self.patch


@dataclass(frozen=True)
class StudyConfig:
    """The `study` section.

    Attributes:
        model: how the tokenizer is made.
    """

    __pydantic_config__ = STRICT
    model: Annotated[TrainedConfig | UntrainedConfig | KMeansConfig, one_of("kind")]
