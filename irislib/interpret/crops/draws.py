"""Random draws of the crop stage: which regions become crops, and what they are compared with."""

import numpy as np
from jaxtyping import Bool, Int, Int16, Int64, Integer

from irislib.interpret.evidence import Maps
from irislib.seeding import stream


def draw_crops(
    maps: Maps,
    region_map: Int[np.ndarray, " regions"],
    hidden: Bool[np.ndarray, " steps"],
    max_per_code: int,
    seed: int,
) -> tuple[Int64[np.ndarray, " crops"], Int64[np.ndarray, " crops"], Int64[np.ndarray, " crops"]]:
    """Chooses at most `max_per_code` of the candidates (observation, region) of each code.

    Observations that hide the world are left out, unless a code has no other. Episodes take turns: the first
    observation of each episode, then the second, and so on, because crops of one episode look alike whatever
    the code. All codes prefer the same observations, in one random order; otherwise two codes would hardly
    ever be cropped in the same observation, and no pair could be judged.

    Args:
        maps: which occurrence has which map.
        region_map: the map of each region, ascending.
        hidden: whether an observation hides the world.
        max_per_code: largest number of crops of a code.
        seed: the pipeline's.

    Returns:
        The code, step and region of each crop, ordered by the three.
    """
    regions = np.bincount(region_map, minlength=len(maps.code))
    first_region = np.cumsum(regions) - regions
    rank = stream(seed, "crops").permutation(maps.steps)
    alive = np.flatnonzero(regions[maps.occurrence_map])
    shown = np.zeros(maps.codes, bool)
    shown[maps.occurrence_code[alive[~hidden[maps.occurrence_step[alive]]]]] = True
    alive = alive[~(hidden[maps.occurrence_step[alive]] & shown[maps.occurrence_code[alive]])]
    steps = maps.occurrence_step[alive]
    by_code = alive[_in_turn(maps.occurrence_code[alive], maps.episode[steps], rank[steps])]
    times = regions[maps.occurrence_map[by_code]]
    occurrence = np.repeat(by_code, times)
    nth = np.arange(len(occurrence)) - np.repeat(np.cumsum(times) - times, times)

    code = maps.occurrence_code[occurrence].astype(np.int64)
    place = np.arange(len(code)) - np.searchsorted(code, code)  # among the candidates of its code
    chosen = place < max_per_code
    step = maps.occurrence_step[occurrence[chosen]].astype(np.int64)
    region = first_region[maps.occurrence_map[occurrence[chosen]]] + nth[chosen]
    order = np.lexsort((region, step, code[chosen]))
    return code[chosen][order], step[order], region[order]


def _in_turn(code: np.ndarray, episode: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """The order by code in which its episodes take turns, each with its observations by rank, int64 [n]."""
    order = np.lexsort((rank, episode, code))
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(code[order]) != 0) | (np.diff(episode[order]) != 0)
    start = np.flatnonzero(new)
    turn = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order))))
    by_turn: np.ndarray = order[np.lexsort((rank[order], turn, code[order]))]
    return by_turn


def move_boxes(
    code: Int[np.ndarray, " crops"],
    box: Int[np.ndarray, "crops 4"],
    frame: tuple[int, ...],
    grid: tuple[int, ...],
    seed: int,
) -> Int16[np.ndarray, "crops 4"]:
    """Each box, moved by a random whole number of token patches along each axis.

    So a moved box keeps its phase relative to the token grid, to which the boxes of maps may be tied. All
    places that lie inside the frame are equally likely, the box's own included. Where a patch is no whole
    number of pixels, the move is rounded.

    Args:
        code: of each crop, ascending; each code has its own random stream.
        box: (y0, x0, y1, x1), half open, in pixels.
        frame: (H, W).
        grid: (h, w), rows and columns of tokens.
        seed: the pipeline's.
    """
    patch = np.array(frame) / np.array(grid)
    fewest = -np.floor(box[:, :2] / patch).astype(np.int64)
    most = np.floor((np.array(frame) - box[:, 2:]) / patch).astype(np.int64)
    moves = np.zeros_like(fewest)
    for k in np.unique(code):
        rows = slice(*np.searchsorted(code, [k, k + 1]))
        moves[rows] = stream(seed, "random boxes", int(k)).integers(fewest[rows], most[rows], endpoint=True)
    pixels = np.rint(moves * patch).astype(np.int16)
    moved: np.ndarray = (box + np.tile(pixels, 2)).astype(np.int16)
    return moved


def draw_partners(
    code: Int[np.ndarray, " crops"],
    step: Int[np.ndarray, " crops"],
    episode: Int[np.ndarray, " steps"],
    stratum: Integer[np.ndarray, " steps"],
    seed: int,
) -> Int64[np.ndarray, " crops"]:
    """The episode that stands in for the one of each crop (see `exchange`); -1 where none has the stratum.

    A code draws one circle of all episodes. The partner of an episode is the next one in the circle that has
    the crop's stratum, so different episodes of a code have different partners (unless a stratum is lacking).
    Were two of them the same, their counterparts would come from one episode, and be alike for that.

    Args:
        code: of each crop, ascending; each code has its own random stream.
        step: the observation of each crop.
        episode: of each observation.
        stratum: of each observation.
        seed: the pipeline's.
    """
    lacks = np.ones((int(stratum.max(initial=0)) + 1, int(episode.max(initial=0)) + 1), bool)
    lacks[stratum, episode] = False
    partner = np.full(len(code), -1)
    episodes = lacks.shape[1]
    for k in np.unique(code):
        rows = slice(*np.searchsorted(code, [k, k + 1]))
        place = stream(seed, "partners", int(k)).permutation(episodes)  # of each episode in the circle
        distance = (place - place[episode[step[rows]]][:, None]) % episodes
        distance[(distance == 0) | lacks[stratum[step[rows]]]] = episodes
        first = distance.argmin(axis=1)
        partner[rows] = np.where(distance.min(axis=1) < episodes, first, -1)
    return partner
