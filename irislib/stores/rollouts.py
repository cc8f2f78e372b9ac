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
        "obs": Array(
            "uint8",
            ("step", "y", "x", "channel"),
            "frame that the player sees",
            "1",
            "Red, green and blue from 0 to 255. Row t of every array is the state before action t, or what "
            "action t led to.",
            chunk=64,
            shard=4096,
        ),
        "token": Array(
            "int16",
            ("step", "token_y", "token_x"),
            "codes of the frame",
            "index of the codebook",
            "The grid of codes that the tokenizer encodes the frame to.",
        ),
        "action": Array(
            "uint8",
            ("step",),
            "action of the player",
            "index of action_names",
            "Taken in the state of its row.",
        ),
        "reward": Array("float32", ("step",), "reward", "1", "What the action of the row earned."),
        "terminated": Array(
            "bool", ("step",), "whether the world ended the episode", "1", "After the action of the row."
        ),
        "truncated": Array(
            "bool", ("step",), "whether the step limit ended the episode", "1", "After the action of the row."
        ),
        "episode": Array(
            "int32",
            ("step",),
            "episode that the step belongs to",
            "1",
            "Episodes are numbered from 0, in order.",
        ),
        "semantic": Array(
            "uint8",
            ("step", "row", "col"),
            "label of each cell of the world",
            "index of label_names",
            "Cell (i, j) shows the square of `cell` pixels that begins at row cell*i, column cell*j.",
        ),
        "inventory": Array(
            "uint8", ("step", "item"), "what the player has", "1", "How many of each of item_names."
        ),
        "asleep": Array(
            "bool", ("step",), "whether the player sleeps", "1", "A sleeper sees noise in the dark."
        ),
        "achievement": Array(
            "bool",
            ("step", "goal"),
            "goals reached",
            "1",
            "Of achievement_names, by the action of the row, new or not.",
        ),
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
