"""What worlds are called in a sentence."""

NAMES = {"minigrid": "MiniGrid"}  # others have the name of `env.world` with a capital


def world_name(world: str) -> str:
    """A world, by its name in `env.world`, as it writes itself."""
    return NAMES.get(world, world.capitalize())
