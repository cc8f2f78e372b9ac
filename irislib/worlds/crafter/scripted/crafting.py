"""How the scripted player collects, places and makes things, by the rules that the game itself reads."""

import numpy as np
from crafter import constants
from jaxtyping import Bool
from scipy.ndimage import maximum_filter

from irislib.worlds.crafter.scripted.situation import Situation

NEAR = 25  # steps to a table or a furnace; if it is farther away, another one is placed


def collect(s: Situation, item: str) -> str | None:
    """The next action to have one more of an item that some material gives; None if that is impossible."""
    sources = [name for name, rule in constants.collect.items() if item in rule["receive"]]
    for name in sources:
        for tool in constants.collect[name]["require"]:
            if not s.inventory[tool]:
                return make(s, tool)
    if s.facing_free(*sources):
        return "do"
    return s.toward(s.on(*sources) & (s.standing == 0))


def place(s: Situation, name: str) -> str | None:
    """The next action to place something in front of the player; None if that is impossible."""
    rule = constants.place[name]
    if lacking := _lacking(s, rule["uses"]):
        return collect(s, lacking)
    spots = beside(s.on("table"))
    if name == "furnace" and not spots[s.position] and (way := s.toward(spots & s.free, NEAR)):
        return way  # iron tools need both beside the player
    if s.facing_free(*rule["where"]):
        return f"place_{name}"
    # A step changes what is in front, so any step to a neighbouring cell of the right kind will do.
    suitable = s.on(*rule["where"]) & s.free
    return s.toward(suitable)


def make(s: Situation, tool: str) -> str | None:
    """The next action to make a tool, from its materials on; None if that is impossible."""
    rule = constants.make[tool]
    if lacking := _lacking(s, rule["uses"]):
        return collect(s, lacking)
    spots = np.ones(s.ground.shape, bool)
    for station in rule["nearby"]:
        closer = spots & beside(s.on(station))
        if not closer[s.position] and s.travel.nearest(closer & s.free, NEAR) is None:
            return _build(s, station, spots)
        spots = closer
    return f"make_{tool}" if spots[s.position] else s.toward(spots & s.free)


def beside(cells: Bool[np.ndarray, "x y"]) -> Bool[np.ndarray, "x y"]:
    """Cells from which the game counts one of these cells as nearby: they share a side or a corner."""
    near: np.ndarray = maximum_filter(cells, size=3)
    return near


def _build(s: Situation, station: str, spots: Bool[np.ndarray, "x y"]) -> str | None:
    """Places a table or a furnace at one of the spots."""
    if spots[s.position] or _lacking(s, constants.place[station]["uses"]):
        return place(s, station)
    return s.toward(spots & s.free)


def _lacking(s: Situation, uses: dict[str, int]) -> str | None:
    """The first item of which there are too few."""
    return next((item for item, amount in uses.items() if s.inventory[item] < amount), None)
