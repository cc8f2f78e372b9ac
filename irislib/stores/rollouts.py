"""rollouts.zarr: what the trained agent saw, did and got, and what the simulator knew."""

from pathlib import Path

from irislib.artifacts import Array, Schema, Store, digest
from irislib.errors import ArtifactError

# Row t is the state before action t; reward, terminated, truncated and achievement are what it led to.
# attrs: agent (`agent_digest` of the player), tokenizer (of the tokens: `source`, null for the agent's, and
# `digest`), episodes (count), codebook_size, label_names (index -> simulator's name, for `semantic`),
# item_names (for `inventory`), achievement_names, action_names, cell (pixels a cell of `semantic`; cell
# (i, j) covers obs[cell*i : cell*(i+1), cell*j : cell*(j+1)]; rows below 7*cell are the inventory HUD).
ROLLOUTS = Schema(
    name="irislib/rollouts",
    version=3,
    stage="rollout",
    arrays={
        "obs": Array("uint8", ("step", "y", "x", "channel"), chunk=64, shard=4096),
        "token": Array("int16", ("step", "token_y", "token_x")),
        "action": Array("uint8", ("step",)),
        "reward": Array("float32", ("step",)),
        "terminated": Array("bool", ("step",)),
        "truncated": Array("bool", ("step",)),
        "episode": Array("int32", ("step",)),
        "semantic": Array("uint8", ("step", "row", "col")),
        "inventory": Array("uint8", ("step", "item")),
        "asleep": Array("bool", ("step",)),
        "achievement": Array("bool", ("step", "goal")),
    },
)


def agent_digest(agent: Path) -> str:
    """A short name for the trained agent in a folder; what lies beside its weights does not count."""
    return digest(agent / "config.json", agent / "model.safetensors")


def check_agent(rollouts: Store, agent: Path) -> None:
    """Raises ArtifactError where another agent than the one in this folder played."""
    if rollouts.attrs["agent"] != agent_digest(agent):
        raise ArtifactError(
            f"{rollouts.path}: played by another agent than {agent}; run the rollout stage again"
        )
