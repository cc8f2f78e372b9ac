"""How many cells are done, and how long the others take."""

from collections.abc import Mapping, Sequence


def seconds_left(waiting: Sequence[str], seen: Mapping[str, Sequence[float]]) -> float | None:
    """Seconds that cells take, one after the other; None where no cell was seen yet.

    Args:
        waiting: the arm of each cell that is not done.
        seen: seconds of cells that ran on this machine, by arm. An arm without any counts as the mean of the
            others.
    """
    means = {arm: sum(times) / len(times) for arm, times in seen.items() if len(times)}
    if not means:
        return None
    typical = sum(means.values()) / len(means)
    return sum(means.get(arm, typical) for arm in waiting)


def describe_progress(done: int, total: int, left: float | None) -> str:
    """In words: ``3 of 58 cells are done; the others take about 4 h 10 min, one after the other``."""
    text = f"{done} of {total} cells are done"
    if done == total:
        return text
    if left is None:
        return f"{text}; how long the others take is known after the first one"
    minutes = max(1, round(left / 60))
    time = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    return f"{text}; the others take about {time}, one after the other"
