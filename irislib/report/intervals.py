"""95% intervals of shares that were counted, and of means."""

import math

from scipy.stats import binomtest
from scipy.stats import t as student_t

from irislib.report.findings import Measured


def wilson(count: int, total: int) -> tuple[float, float]:
    """The 95% Wilson interval of the share `count` / `total`; (0, 1) for a total of 0."""
    if total == 0:
        return 0.0, 1.0
    found = binomtest(count, total).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def mean_interval(mean: float, std: float, count: float) -> Measured:
    """A mean with its 95% interval by Student's t; without one (NaN) where there is a single value.

    Args:
        mean: of the values.
        std: their standard deviation.
        count: how many values.
    """
    if count < 2:
        return Measured(mean, math.nan, math.nan)
    reach = float(student_t.ppf(0.975, count - 1)) * std / math.sqrt(count)
    return Measured(mean, mean - reach, mean + reach)
