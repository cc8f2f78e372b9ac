"""Experience: episodes in memory, sampled as fixed-length segments.

Experience grows by `Experience` chunks, one an epoch, which are also what a checkpoint keeps: the replay
is the chunks so far, in order.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Experience:
    """S steps of L lanes played side by side. Row t is the state before action t and what came of it.

    Attributes:
        observations: u8 [S,L,H,W,3].
        actions: int64 [S,L].
        rewards: float32 [S,L].
        terminated: bool [S,L], the episode ended in the environment's sense.
        truncated: bool [S,L], the episode was cut at the step limit.
    """

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray


@dataclass(frozen=True)
class Batch:
    """B segments of T steps.

    Attributes:
        observations: u8 [B,T,H,W,3], zero where padded.
        actions: int64 [B,T].
        rewards: float32 [B,T].
        ends: bool [B,T].
        mask: bool [B,T], False where padded.
    """

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    ends: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        return Batch(*(getattr(self, f.name).to(device) for f in fields(self)))


class Episode:
    """One episode so far, as arrays over its steps."""

    def __init__(self) -> None:
        self._chunks: list[tuple[np.ndarray, ...]] = []
        self.finished = False

    def __len__(self) -> int:
        return sum(len(chunk[0]) for chunk in self._chunks)

    def extend(self, *columns: np.ndarray, finished: bool) -> None:
        """Adds steps: observations, actions, rewards and ends, each over the same steps."""
        self._chunks.append(columns)
        self.finished = finished

    def columns(self) -> tuple[np.ndarray, ...]:
        """Observations, actions, rewards and ends over the whole episode."""
        if len(self._chunks) > 1:
            self._chunks = [tuple(np.concatenate(column) for column in zip(*self._chunks, strict=True))]
        return self._chunks[0]


class Replay:
    """All episodes, finished or not; `current[lane]` is the one that a lane is in (None between two)."""

    def __init__(self, lanes: int) -> None:
        self.episodes: list[Episode] = []
        self.current: list[Episode | None] = [None] * lanes
        self.started = [0] * lanes  # episodes begun in each lane, which number their seeds
        self.steps = 0

    def add(self, experience: Experience) -> list[Episode]:
        """Appends experience to the lanes' episodes; returns those that finished."""
        finished = []
        done = experience.terminated | experience.truncated
        for lane in range(len(self.current)):
            # Steps up to and including an end belong to one episode.
            stops = [*(np.flatnonzero(done[:, lane]) + 1), len(done)]
            start = 0
            for stop in dict.fromkeys(stops):
                if stop == start:
                    continue
                episode = self.current[lane]
                if episode is None:
                    episode = Episode()
                    self.episodes.append(episode)
                    self.started[lane] += 1
                ended = bool(done[stop - 1, lane])
                columns = (
                    experience.observations,
                    experience.actions,
                    experience.rewards,
                    experience.terminated,
                )
                episode.extend(*(c[start:stop, lane] for c in columns), finished=ended)
                self.current[lane] = None if ended else episode
                if ended:
                    finished.append(episode)
                start = stop
        self.steps += done.size
        return finished

    def sample(self, rng: np.random.Generator, batch_size: int, length: int, *, end_inside: bool) -> Batch:
        """Segments of uniformly drawn episodes.

        Args:
            rng: the stream that decides.
            end_inside: False draws where a segment starts and pads behind a short episode; True draws
                its last step and pads before.
        """
        segments = []
        for i in rng.integers(len(self.episodes), size=batch_size):
            episode = self.episodes[i]
            if end_inside:
                stop = int(rng.integers(1, len(episode) + 1))
                segments.append(segment(episode, stop - length, stop))
            else:
                start = int(rng.integers(len(episode)))
                segments.append(segment(episode, start, start + length))
        return Batch(*(torch.from_numpy(np.stack(column)) for column in zip(*segments, strict=True)))


def segment(episode: Episode, start: int, stop: int) -> tuple[np.ndarray, ...]:
    """Steps start..stop of an episode with a mask behind the columns; zero and False outside it."""
    inside = slice(max(start, 0), min(stop, len(episode)))
    before = inside.start - start
    out = []
    for column in episode.columns():
        padded = np.zeros((stop - start, *column.shape[1:]), column.dtype)
        padded[before : before + inside.stop - inside.start] = column[inside]
        out.append(padded)
    mask = np.zeros(stop - start, bool)
    mask[before : before + inside.stop - inside.start] = True
    return (*out, mask)
