"""The way to the goal of a level, through doors whose keys lie about."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from minigrid.core.constants import DIR_TO_VEC

Place = tuple[int, int]
State = tuple[Place, int]  # where the agent stands, and its direction


def next_action(game: Any) -> str | None:
    """The next action on the shortest way to what is to be done first, or None where nothing can be.

    First of all the agent goes to a goal that can be reached. Else it opens a locked door with the key that
    it carries, or takes a key that fits a locked door. Doors that are only closed are opened on the way.

    Args:
        game: a `MiniGridEnv`; it is not changed.
    """
    for wanted, action in _errands(game):
        way = _search(game, wanted)
        if way is not None:
            first = way[0] if way else action
            ahead = game.grid.get(*game.front_pos)
            return "toggle" if first == "forward" and _is_shut(ahead) else first
    return None


def _errands(game: Any) -> Iterator[tuple[Callable[[Any], bool], str]]:
    """What the tile ahead must show, and the action then; the most urgent errand first."""
    yield lambda thing: thing.type == "goal", "forward"
    locked = {thing.color for thing in game.grid.grid if thing and thing.type == "door" and thing.is_locked}
    held = game.carrying
    if held is None:
        yield lambda thing: thing.type == "key" and thing.color in locked, "pickup"
    elif held.type == "key":
        yield lambda thing: _is_shut(thing) and thing.is_locked and thing.color == held.color, "toggle"


def _search(game: Any, wanted: Callable[[Any], bool]) -> list[str] | None:
    """The fewest actions after which what is wanted is right ahead of the agent (breadth first)."""
    x, y = game.agent_pos
    start: State = (int(x), int(y)), int(game.agent_dir)
    came: dict[State, tuple[State, str] | None] = {start: None}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        ahead = _ahead(state)
        thing = game.grid.get(*ahead)
        if thing and wanted(thing):
            return _way(came, state)
        place, direction = state
        following: dict[str, State] = {
            "left": (place, (direction - 1) % 4),
            "right": (place, (direction + 1) % 4),
        }
        if _can_enter(thing):
            following["forward"] = ahead, direction
        for action, other in following.items():
            if other not in came:
                came[other] = state, action
                queue.append(other)
    return None


def _way(came: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    actions: list[str] = []
    while before := came[state]:
        state, action = before
        actions.append(action)
    return actions[::-1]


def _ahead(state: State) -> Place:
    (x, y), direction = state
    dx, dy = DIR_TO_VEC[direction]
    return x + int(dx), y + int(dy)


def _is_shut(thing: Any) -> bool:
    return thing is not None and thing.type == "door" and not thing.is_open


def _can_enter(thing: Any) -> bool:
    """Whether the agent survives on such a tile, and gets there, opening a door if need be."""
    if _is_shut(thing):
        return not thing.is_locked
    return thing is None or (thing.can_overlap() and thing.type != "lava")
