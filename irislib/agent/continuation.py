"""Sequences that the world model continues: it is told an action, and draws the frame that follows."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from irislib.agent.world_model import WorldModel, WorldModelOutput

Sample = Callable[[Float[Tensor, "b *places codes"]], Int64[Tensor, "b *places"]]


class Continuation(ABC):
    """B sequences of up to `max_blocks` steps, each begun by one frame; `act` and `draw` take turns.

    Args:
        frames: the first frames' tokens, row by row.
    """

    def __init__(self, model: WorldModel, frames: Int64[Tensor, "b tokens"]) -> None:
        self.model, self.cache = model, model.new_cache(len(frames))

    @torch.no_grad()
    def _feed(self, tokens: Int64[Tensor, "b t"]) -> WorldModelOutput:
        """Continues the sequences by tokens that are known; keeps the outputs at these."""
        output: WorldModelOutput = self.model(tokens, self.cache)
        self.output = output
        return output

    @abstractmethod
    def act(self, actions: Int64[Tensor, " b"]) -> WorldModelOutput:
        """Takes an action in each sequence; the output holds one reward and one end, those of this step."""

    @abstractmethod
    def draw(self, sample: Sample) -> Int64[Tensor, "b tokens"]:
        """Draws the tokens of the next frame; `sample` draws a category from the logits of each token."""


class TokenByToken(Continuation):
    """Each token is drawn given all before it: a pass for every token, and one for the action."""

    def __init__(self, model: WorldModel, frames: Int64[Tensor, "b tokens"]) -> None:
        super().__init__(model, frames)
        self.tokens = frames.shape[1]
        self._feed(frames)

    def act(self, actions: Int64[Tensor, " b"]) -> WorldModelOutput:
        """See `Continuation`."""
        return self._feed(actions[:, None])

    def draw(self, sample: Sample) -> Int64[Tensor, "b tokens"]:
        """See `Continuation`."""
        drawn = []
        for _ in range(self.tokens):
            drawn.append(sample(self.output.observations[:, -1]))
            self._feed(drawn[-1][:, None])
        return torch.stack(drawn, dim=1)


class FrameAtOnce(Continuation):
    """All tokens of a frame are drawn from one pass, over the frame before it and the action taken there."""

    def __init__(self, model: WorldModel, frames: Int64[Tensor, "b tokens"]) -> None:
        super().__init__(model, frames)
        self.current = frames

    def act(self, actions: Int64[Tensor, " b"]) -> WorldModelOutput:
        """See `Continuation`."""
        return self._feed(torch.cat([self.current, actions[:, None]], dim=1))

    def draw(self, sample: Sample) -> Int64[Tensor, "b tokens"]:
        """See `Continuation`."""
        self.current = sample(self.output.observations)
        return self.current


WAYS: dict[str, type[Continuation]] = {"token": TokenByToken, "frame": FrameAtOnce}


def continue_from(model: WorldModel, frames: Int64[Tensor, "b tokens"]) -> Continuation:
    """Sequences that begin with these frames and are continued in the way in which the model predicts."""
    return WAYS[model.config.predicts](model, frames)
