"""Random draws of the crop stage: which regions become crops, and where their random counterparts lie."""

import numpy as np
from jaxtyping import Int

from irislib.interpret.evidence import Maps
from irislib.seeding import stream


def draw_crops(
    maps: Maps, region_map: Int[np.ndarray, " regions"], max_per_code: int, seed: int
) -> tuple[Int[np.ndarray, " crops"], Int[np.ndarray, " crops"], Int[np.ndarray, " crops"]]:
    """Chooses at most `max_per_code` of the candidates (observation, region) of each code.

    Episodes take turns: the first observation of each episode, then the second, and so on, because crops of
    one episode look alike whatever the code. All codes prefer the same observations, in one random order;
    otherwise two codes would hardly ever be cropped in the same observation, and no pair could be judged.

    Args:
        maps: which occurrence has which map.
        region_map: the map of each region, ascending.
        max_per_code: largest number of crops of a code.
        seed: the pipeline's.

    Returns:
        int64, the code, step and region of each crop, ordered by the three.
    """
    regions = np.bincount(region_map, minlength=len(maps.code))
    first_region = np.cumsum(regions) - regions
    rank = stream(seed, "crops").permutation(maps.steps)
    alive = np.flatnonzero(regions[maps.occurrence_map])
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


def draw_boxes(
    code: Int[np.ndarray, " crops"], box: Int[np.ndarray, "crops 4"], frame: tuple[int, ...], seed: int
) -> Int[np.ndarray, "crops 4"]:
    """For each box one of the same size, its place uniform over the frame.

    Args:
        code: of each crop, ascending; each code has its own random stream.
        box: (y0, x0, y1, x1), half open, in pixels.
        frame: (H, W).
        seed: the pipeline's.

    Returns:
        int16.
    """
    size = (box[:, 2:] - box[:, :2]).astype(np.int64)
    corner = np.zeros_like(size)
    for k in np.unique(code):
        rows = slice(*np.searchsorted(code, [k, k + 1]))
        corner[rows] = stream(seed, "random boxes", int(k)).integers(
            0, np.array(frame) - size[rows], endpoint=True
        )
    return np.concatenate([corner, corner + size], axis=1).astype(np.int16)
