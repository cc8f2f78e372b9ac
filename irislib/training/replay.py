"""Experience: all episodes so far, sampled as fixed-length segments.

A step is known by its row, its number in the order of arrival. Frames stay on disk and are mapped into
memory, where the system keeps as many as fit: a replay may be larger than memory.
"""

import hashlib
import io
import os
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int, Int64, UInt8
from torch import Tensor

from irislib.artifacts.files import told_in_one_line
from irislib.workdir import damage, read_checked, write_checked

OUTSIDE = -1  # the row of a step before the first or behind the last of an episode


@dataclass(frozen=True)
class Experience:
    """S steps of L lanes played side by side. Entry t is the state before action t and what came of it.

    Attributes:
        observations: u8 [S,L,H,W,3].
        actions: int64 [S,L].
        rewards: float32 [S,L].
        terminated: bool [S,L], the episode ended in the environment's sense.
        truncated: bool [S,L], the episode was cut at the step limit.
    """

    observations: UInt8[np.ndarray, "s l y x 3"]
    actions: Int64[np.ndarray, "s l"]
    rewards: Float32[np.ndarray, "s l"]
    terminated: Bool[np.ndarray, "s l"]
    truncated: Bool[np.ndarray, "s l"]


class Episode:
    """One episode so far: the rows of its steps."""

    def __init__(self) -> None:
        self.rows = np.zeros(0, np.int64)
        self.finished = False

    def __len__(self) -> int:
        return len(self.rows)

    def segment(self, start: int, stop: int) -> Int64[np.ndarray, " steps"]:
        """Rows int64 [stop - start] of steps start..stop, `OUTSIDE` before the first and behind the last."""
        rows = np.full(stop - start, OUTSIDE)
        first, last = max(start, 0), min(stop, len(self))
        rows[first - start : last - start] = self.rows[first:last]
        return rows


class Replay:
    """All episodes, finished or not; `current[lane]` is the one that a lane is in (None between two).

    Args:
        folder: of the chunks that were recorded; a replay over the same folder reads them with `load`.
        frame: height and width of the frames, pixels.
    """

    def __init__(self, lanes: int, folder: Path, frame: tuple[int, int]) -> None:
        self.folder, self.frame = folder, (*frame, 3)
        self.episodes: list[Episode] = []
        self.current: list[Episode | None] = [None] * lanes
        self.started = [0] * lanes  # episodes begun in each lane, which number their seeds
        self.steps, self.chunks = 0, 0
        self.actions = np.zeros(0, np.int64)
        self.rewards = np.zeros(0, np.float32)
        self.terminated = np.zeros(0, bool)

    def record(self, experience: Experience) -> list[Episode]:
        """Writes a chunk of experience to disk, then adds it; returns the episodes that it finished.

        A crash in between leaves bytes behind the last chunk, which the next one overwrites.
        """
        columns = {f.name: getattr(experience, f.name) for f in fields(experience)}
        frames = columns.pop("observations")
        content = np.ascontiguousarray(frames).data
        with told_in_one_line(self._frames_file, "written"):
            self._frames_file.touch()
            with self._frames_file.open("r+b") as file:
                file.seek(self.steps * int(np.prod(self.frame)))
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        buffer = io.BytesIO()
        frames_sha256 = np.frombuffer(hashlib.sha256(content).digest(), np.uint8)
        np.savez_compressed(buffer, **columns, frames_sha256=frames_sha256)
        write_checked(self._chunk_file(self.chunks + 1), buffer.getvalue())
        return self._add(**columns)

    def load(self, chunks: int) -> None:
        """Adds what is on disk up to the chunk of that number, counted from 1.

        Raises ArtifactError where a file is not what was recorded.
        """
        while self.chunks < chunks:
            stored = read_checked(self._chunk_file(self.chunks + 1), whole=self.folder)
            with np.load(io.BytesIO(stored)) as arrays:
                columns = dict(arrays)
            frames_sha256 = columns.pop("frames_sha256").tobytes()
            if (
                not self._frames_file.exists()
                or self._frames_digest(columns["actions"].size) != frames_sha256
            ):
                raise damage(self._frames_file, self.folder)
            self._add(**columns)

    def _frames_digest(self, count: int) -> bytes:
        """SHA-256 of the next `count` frames on disk, read a piece at a time."""
        sha, size = hashlib.sha256(), int(np.prod(self.frame))
        with told_in_one_line(self._frames_file, "read"), self._frames_file.open("rb") as file:
            file.seek(self.steps * size)
            for start in range(0, count, 1024):
                sha.update(file.read(min(1024, count - start) * size))
        return sha.digest()

    def _add(
        self, actions: np.ndarray, rewards: np.ndarray, terminated: np.ndarray, truncated: np.ndarray
    ) -> list[Episode]:
        rows = self.steps + np.arange(actions.size).reshape(actions.shape)
        self.actions = np.concatenate([self.actions, actions.ravel()])
        self.rewards = np.concatenate([self.rewards, rewards.ravel()])
        self.terminated = np.concatenate([self.terminated, terminated.ravel()])
        self.steps += actions.size
        self.chunks += 1
        finished = []
        done = terminated | truncated
        for lane in range(len(self.current)):
            # Steps up to and including an end belong to one episode.
            for part in np.split(rows[:, lane], np.flatnonzero(done[:, lane]) + 1):
                if not len(part):
                    continue
                episode = self.current[lane]
                if episode is None:
                    episode = Episode()
                    self.episodes.append(episode)
                    self.started[lane] += 1
                episode.rows = np.concatenate([episode.rows, part])
                episode.finished = bool(done.flat[part[-1] - rows.flat[0]])
                self.current[lane] = None if episode.finished else episode
                if episode.finished:
                    finished.append(episode)
        return finished

    def frames(self, rows: Int[np.ndarray, "*n"]) -> UInt8[Tensor, "*n y x 3"]:
        """Frames u8 [..., H, W, 3] of rows int64 [...]; zero where `OUTSIDE`."""
        frames = np.memmap(self._frames_file, np.uint8, "r", shape=(self.steps, *self.frame))
        found = np.asarray(frames[rows])  # the last frame stands in outside, for a moment
        found[rows == OUTSIDE] = 0
        return torch.from_numpy(found)

    def sample(
        self, rng: np.random.Generator, batch_size: int, length: int, *, end_inside: bool
    ) -> Int64[np.ndarray, "batch length"]:
        """Rows int64 [batch_size, length] of segments of uniformly drawn episodes.

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
                segments.append(episode.segment(stop - length, stop))
            else:
                start = int(rng.integers(len(episode)))
                segments.append(episode.segment(start, start + length))
        return np.stack(segments)

    @property
    def _frames_file(self) -> Path:
        return self.folder / "frames.u8"

    def _chunk_file(self, number: int) -> Path:
        return self.folder / f"steps-{number:04d}.npz"
