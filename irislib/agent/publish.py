"""An agent made small enough to be handed on: half the bytes, the same pictures."""

import shutil
from pathlib import Path

import torch

from irislib.agent.agent import load_agent
from irislib.artifacts import replacing
from irislib.errors import IrislibError
from irislib.playing.play import play_episodes
from irislib.worlds.crafter import EnvConfig

TOLERANCE = 1e-2  # of a decoded pixel in [0, 1]


@torch.no_grad()
def publish(agent: Path, out: Path, env: EnvConfig, seed: int) -> float:
    """Writes a trained agent again with float16 weights, with its curves and without its snapshots.

    Args:
        agent: folder of the train stage.
        out: folder for the smaller one; `load_agent` reads it.

    Returns:
        The largest difference of a pixel in [0, 1] between what the two decode from an episode's tokens.

    Raises:
        ArtifactError: the agent is missing, foreign or damaged.
        IrislibError: a pixel moves by more than `TOLERANCE`.
    """
    exact = load_agent(agent)
    (episode,) = play_episodes(exact, range(1), 1.0, env, seed, "publish")
    tokens = torch.from_numpy(episode["token"]).long().to(exact.device)
    with replacing(out) as partial:
        exact.save(partial, torch.float16)
        shutil.copytree(agent / "curves", partial / "curves")
        before, after = exact.tokenizer, load_agent(partial).tokenizer
        moved = max(
            float((before.decode_tokens(part) - after.decode_tokens(part)).abs().max())
            for part in tokens.split(64)
        )
        if moved > TOLERANCE:
            raise IrislibError(f"{agent}: in float16 a pixel moves by {moved:.3f}; keep it as it is")
    return moved
