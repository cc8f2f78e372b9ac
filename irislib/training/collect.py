"""The agent plays in vectorised environments and its experience goes to the replay (IRIS, algorithm 1)."""

import numpy as np
import torch
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from jaxtyping import Int64
from torch import Tensor

from irislib.agent.actor_critic import State
from irislib.agent.agent import Agent
from irislib.agent.config import CollectConfig
from irislib.errors import IrislibError
from irislib.runtime import progress
from irislib.seeding import stream, stream_seed
from irislib.tokenizers.iris import perplexity
from irislib.training.parts import PARTS, Pool, cut
from irislib.training.replay import OUTSIDE, Experience, Replay


class Collector:
    """Keeps the lanes of a vector environment in step with the replay.

    Every episode has a seed of its own, given by its lane and its number there. So a crash loses nothing:
    `restore` brings the environments back by playing the recorded actions again.

    Args:
        envs: one environment a lane, with automatic resets disabled.
        replay: what was collected before.
        pool: acts for parts of the lanes side by side.
    """

    def __init__(
        self,
        envs: AsyncVectorEnv | SyncVectorEnv,
        replay: Replay,
        config: CollectConfig,
        seed: int,
        pool: Pool,
    ) -> None:
        self.envs, self.replay, self.config, self.seed, self.pool = envs, replay, config, seed, pool
        self.over = np.ones(config.lanes, bool)  # lanes whose next step must start an episode
        self.begun = np.array(replay.started)  # episodes begun in each lane
        self.observations = np.zeros((config.lanes, *envs.single_observation_space.shape), np.uint8)  # type: ignore[misc]

    def restore(self) -> None:
        """Takes the lanes back to where the replay's unfinished episodes stand.

        Raises IrislibError where the environment does not show again what it showed then.
        """
        running = self.replay.current
        if all(episode is None for episode in running):
            return
        actions = [np.zeros(0, np.int64) if e is None else self.replay.actions[e.rows] for e in running]
        length = max(map(len, actions))
        begin = np.array([length - len(a) for a in actions])
        self._reset(np.ones(len(begin), bool))
        for t in range(length):
            # Lanes with shorter episodes idle until it is their turn, so that all arrive together.
            self._reset(self.over | (begin == t))
            if t == length - 1:
                for seen, episode in zip(self.observations, running, strict=True):
                    if episode is None:
                        continue
                    if not np.array_equal(seen, self.replay.frames(episode.rows[-1:])[0].numpy()):
                        raise IrislibError("env: does not repeat itself; delete .work and train again")
            self._step(np.array([a[t - b] if t >= b else 0 for a, b in zip(actions, begin, strict=True)]))
        self.over |= begin == length

    @torch.no_grad()
    def collect(self, agent: Agent, burn_in: int, epoch: int) -> dict[str, float]:
        """Plays `steps_per_epoch` steps and records them in the replay; returns the curves' values.

        Args:
            burn_in: last observations of the running episodes that warm the policy's memory.
            epoch: names the random streams.
        """
        lanes = self.config.lanes
        rngs = [stream(self.seed, "act", epoch, lane) for lane in range(lanes)]
        blank = agent.actor_critic.initial_state(lanes)
        state = self._burned_in(agent, burn_in) if burn_in and self.replay.steps else blank
        rows, all_tokens = [], []
        for _ in progress(
            range(self.config.steps_per_epoch // lanes), desc=f"epoch {epoch} collect", unit="step"
        ):
            if self.over.any():
                fresh = torch.from_numpy(self.over).to(agent.device)
                state = blank.where(fresh, state)
                self.begun += self.over
                self._reset(self.over)
            observations = self.observations
            actions, tokens, state = self._act(agent, state, rngs)
            for lane, rng in enumerate(rngs):
                if rng.random() < self.config.epsilon:
                    actions[lane] = rng.integers(agent.config.num_actions)
            rows.append((observations, actions, *self._step(actions)))
            all_tokens.append(tokens)
        experience = Experience(*(np.stack(column) for column in zip(*rows, strict=True)))
        finished = self.replay.record(experience)
        logs = {"perplexity": perplexity(torch.stack(all_tokens), agent.config.tokenizer.vocab_size)}
        if finished:
            logs["return"] = float(np.mean([self.replay.rewards[e.rows].sum() for e in finished]))
            logs["length"] = float(np.mean([len(e) for e in finished]))
        return logs

    def _reset(self, lanes: np.ndarray) -> None:
        """Starts the latest begun episode of some lanes from its first observation."""
        if lanes.any():
            seeds: list[int | None] = [
                stream_seed(self.seed, "episode", lane, int(n)) for lane, n in enumerate(self.begun)
            ]
            self.observations, _ = self.envs.reset(seed=seeds, options={"reset_mask": lanes.copy()})
            self.over = self.over & ~lanes

    def _step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns rewards float32, terminated and truncated; the new observations are kept."""
        self.observations, rewards, terminated, truncated, _ = self.envs.step(actions)
        self.over = terminated | truncated
        return rewards.astype(np.float32), terminated, truncated

    def _burned_in(self, agent: Agent, burn_in: int) -> State:
        """The memory after the last `burn_in` observations of the lanes' running episodes."""
        rows = np.full((len(self.over), burn_in), OUTSIDE)
        for lane, episode in enumerate(self.replay.current):
            if episode is not None:
                rows[lane] = episode.segment(len(episode) - burn_in, len(episode))

        @torch.no_grad()
        def burn_in_some(lanes: slice) -> State:
            mask = torch.from_numpy(rows[lanes] != OUTSIDE).to(agent.device)
            frames = (self.replay.frames(column).to(agent.device) for column in rows[lanes].T)
            seen = (agent.tokenizer.decode_tokens(agent.tokenizer.encode(f)) for f in frames)
            return agent.actor_critic.burn_in(seen, mask)

        return State.concatenate(self.pool.map(burn_in_some, self._parts(agent)))

    def _act(
        self, agent: Agent, state: State, rngs: list[np.random.Generator]
    ) -> tuple[Int64[np.ndarray, " lanes"], Int64[Tensor, "lanes h w"], State]:
        """See `Agent.act`; by parts, so that the bits do not depend on the number of threads."""
        frames = torch.from_numpy(self.observations)
        acted = self.pool.map(
            lambda lanes: agent.act(frames[lanes], state.select(lanes), rngs[lanes], self.config.temperature),
            self._parts(agent),
        )
        actions, tokens, states = zip(*acted, strict=True)
        return np.concatenate(actions), torch.cat(tokens), State.concatenate(list(states))

    def _parts(self, agent: Agent) -> list[slice]:
        return cut(self.config.lanes, PARTS if agent.device.type == "cpu" else 1)
