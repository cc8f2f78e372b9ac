"""The trained agent as a player."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int64, UInt8

from irislib.agent.actor_critic import State
from irislib.agent.load import AnyAgent
from irislib.worlds.world import World


class AgentPlayer:
    """The trained agent samples actions from its policy; IRIS sees frames through its own tokenizer.

    See `irislib.worlds.player.Player`.

    Args:
        agent: of any kind, in evaluation mode.
        temperature: of the policy's softmax.
    """

    def __init__(self, agent: AnyAgent, temperature: float) -> None:
        self.agent, self.temperature = agent, temperature
        self._rngs: Sequence[np.random.Generator] = ()
        self._lanes: list[int] = []
        self._state: State  # of the policy's memory, one row for each of `_lanes`

    def begin(self, worlds: Sequence[World], rngs: Sequence[np.random.Generator]) -> None:
        """See `Player.begin`."""
        self._rngs, self._lanes = rngs, list(range(len(worlds)))
        self._state = self.agent.actor_critic.initial_state(len(worlds))

    def act(
        self, frames: UInt8[np.ndarray, "lane height width 3"], lanes: Sequence[int]
    ) -> Int64[np.ndarray, " lane"]:
        """See `Player.act`."""
        if list(lanes) != self._lanes:
            rows = [self._lanes.index(lane) for lane in lanes]
            self._state = self._state.select(torch.tensor(rows, device=self.agent.device))
            self._lanes = list(lanes)
        rngs = [self._rngs[lane] for lane in lanes]
        actions, self._state = self.agent.play(torch.from_numpy(frames), self._state, rngs, self.temperature)
        return actions
