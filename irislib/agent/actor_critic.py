"""The CNN-LSTM policy and value function (IRIS, section 2.3 and appendix A.3)."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.agent.config import AgentConfig


@dataclass(frozen=True)
class State:
    """The LSTM's memory: hidden and cell state."""

    h: Float[Tensor, "b dim"]
    c: Float[Tensor, "b dim"]

    def where(self, keep: Bool[Tensor, " b"], other: "State") -> "State":
        """This state where `keep` is true, the other elsewhere."""
        return State(torch.where(keep[:, None], self.h, other.h), torch.where(keep[:, None], self.c, other.c))

    def select(self, rows: Int64[Tensor, " rows"] | slice) -> "State":
        """The states of some rows of the batch."""
        return State(self.h[rows], self.c[rows])

    @staticmethod
    def concatenate(states: list["State"]) -> "State":
        """The states of several batches, one behind the other."""
        return State(torch.cat([s.h for s in states]), torch.cat([s.c for s in states]))


class Recurrent(nn.Module):
    """A policy that remembers by an LSTM."""

    lstm: nn.LSTMCell

    def initial_state(self, batch: int) -> State:
        """A blank memory."""
        zeros = self.lstm.weight_hh.new_zeros(batch, self.lstm.hidden_size)
        return State(zeros, zeros)


class ActorCritic(Recurrent):
    """Frames float [B,3,H,W] in [0,1] to action logits and a value; names as in the official one."""

    def __init__(self, config: AgentConfig) -> None:
        super().__init__()
        dim = config.actor_critic.lstm_dim
        self.conv1 = nn.Conv2d(3, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 64, 3, padding=1)
        self.conv4 = nn.Conv2d(64, 64, 3, padding=1)
        self.lstm = nn.LSTMCell(64 * (config.frame[0] // 16) * (config.frame[1] // 16), dim)
        self.critic_linear = nn.Linear(dim, 1)
        self.actor_linear = nn.Linear(dim, config.num_actions)

    def forward(
        self, frames: Float[Tensor, "b 3 y x"], state: State
    ) -> tuple[Float[Tensor, "b actions"], Float[Tensor, " b"], State]:
        """Returns action logits, values and the next state."""
        x = frames * 2 - 1
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = F.relu(F.max_pool2d(conv(x), 2))
        h, c = self.lstm(x.flatten(1), (state.h, state.c))
        return self.actor_linear(h), self.critic_linear(h).squeeze(1), State(h, c)

    @torch.no_grad()
    def burn_in(self, frames: Iterable[Float[Tensor, "b 3 y x"]], mask: Bool[Tensor, "b t"]) -> State:
        """Warms the memory on real observations before a decision.

        Args:
            frames: T batches of them, float [B,3,H,W] in [0,1].
            mask: bool [B,T], False where an episode is too short and frames hold padding.
        """
        state = self.initial_state(len(mask))
        for seen, real in zip(frames, mask.unbind(1), strict=True):
            state = self(seen, state)[2].where(real, state)
        return state
