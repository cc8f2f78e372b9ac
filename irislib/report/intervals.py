"""Intervals of shares that were counted."""

from scipy.stats import binomtest


def wilson(count: int, total: int) -> tuple[float, float]:
    """The 95% Wilson interval of the share `count` / `total`; (0, 1) for a total of 0."""
    if total == 0:
        return 0.0, 1.0
    found = binomtest(count, total).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)
