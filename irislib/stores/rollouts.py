"""rollouts.zarr: what a player saw, did and got, and the world's ground truth of it."""

from irislib.artifacts import Array, Schema

# 85% of the bytes of `obs` are frames with the noise of Crafter's nights. 64 episodes (11,300 frames, 139 MB)
# take 10.5 MB at level 19 in chunks of 1,024 frames, 14.4 MB at level 5 in chunks of 64. No filter of Zarr
# does better: every transposition takes more, and so does numcodecs' Delta, which subtracts neighbouring
# bytes, not frames. A frame read alone takes 16 ms instead of 2, a block of 1,024 frames 22 ms instead of 27.
#
# Row t is the state before action t; reward, terminated, truncated and goal are what action t led to.
# Attributes:
#   world: name of the world.
#   player: who acted ("agent" or "scripted").
#   tokenizer: {"source": null for the agent's or "package.module:factory", "digest": of its content}.
#   episodes: how many; codebook_size: codes of the tokenizer.
#   label_names, world_boxes, display_boxes, hidden_label, quantity_names, quantity_box, quantity_limit,
#   goal_names, action_names: see `irislib.worlds.world.WorldDescription`.
ROLLOUTS = Schema(
    name="irislib/rollouts",
    version=5,
    stage="rollout",
    arrays={
        "obs": Array(
            "uint8",
            ("step", "y", "x", "channel"),
            "frame that the player sees",
            "1",
            "Red, green and blue from 0 to 255. Row t of every array is the state before action t, or what "
            "action t led to.",
            chunk=1024,
            shard=4096,
            level=19,
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
        "label": Array(
            "uint8",
            ("step", "world_box"),
            "label of each rectangle of the world",
            "index of label_names",
            "What stands in the rectangle of that row of world_boxes (y0, x0, y1, x1 in pixels, half open), "
            "even where the world is hidden.",
        ),
        "quantity": Array(
            "uint8",
            ("step", "quantity_name"),
            "quantities of the world",
            "1",
            "How many of each of quantity_names.",
        ),
        "hidden": Array(
            "bool", ("step",), "whether the frame hides the world", "1", "The state is called hidden_label."
        ),
        "daylight": Array(
            "float32",
            ("step",),
            "daylight of the world",
            "1",
            "From 0, the darkest night, to 1, full day. Always 1 in a world without a night.",
        ),
        "goal": Array(
            "bool",
            ("step", "goal_name"),
            "goals reached",
            "1",
            "Of goal_names, by the action of the row, for the first time or again.",
        ),
    },
)
