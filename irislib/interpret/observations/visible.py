"""The observations that show the world, and what stands in for each of them (protocol step 10)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int, Int64, UInt8

from irislib.artifacts import Store
from irislib.interpret.observations.exchange import draw_partners, exchange, steps_in_episodes
from irislib.interpret.observations.strata import STRATA, read_strata


@dataclass(frozen=True)
class Visible:
    """T observations of E episodes.

    Attributes:
        observation: whether each one shows the world. What a sleeper sees tells little of the world, and
            hidden observations are alike whatever a code means.
        episode: of each, from 0 without gaps.
        step: of each in its episode.
        stratum: of each, index into `STRATA`.
        partners: which episode stands in for each episode, in R exchanges.
    """

    observation: Bool[np.ndarray, " observations"]
    episode: Int64[np.ndarray, " observations"]
    step: Int64[np.ndarray, " observations"]
    stratum: UInt8[np.ndarray, " observations"]
    partners: Int64[np.ndarray, "rounds episodes"]

    @classmethod
    def of(
        cls, episode: Int[np.ndarray, " observations"], stratum: UInt8[np.ndarray, " observations"], seed: int
    ) -> "Visible":
        """From the episode and the stratum of each observation, which are in the order of time."""
        _, number = np.unique(episode, return_inverse=True)
        partners = draw_partners(int(number.max(initial=-1)) + 1, seed)
        shown = stratum != STRATA.index("hidden")
        return cls(shown, number, steps_in_episodes(number), stratum, partners)

    @property
    def episodes(self) -> int:
        """E, the number of episodes."""
        count: int = self.partners.shape[1]
        return count

    @cached_property
    def _stand_ins(self) -> Int64[np.ndarray, "rounds observations"]:
        """What stands in for each observation in each exchange; computed once, since every family asks."""
        everything = np.arange(len(self.episode))
        partners = (row[self.episode] for row in self.partners)
        found = [exchange(self.step, self.episode, self.stratum, everything, partner) for partner in partners]
        return np.stack(found)

    def exchanged(self, of: Int[np.ndarray, " n"], round_: int) -> Int64[np.ndarray, " n"]:
        """The observations that stand in for some others; -1 where there is none (see `exchange`)."""
        others: np.ndarray = self._stand_ins[round_, of]
        return others


def read_visible(rollouts: Store, seed: int) -> Visible:
    """Which observations of recorded play show the world, and partners drawn by the seed."""
    return Visible.of(rollouts.read("episode"), read_strata(rollouts), seed)
