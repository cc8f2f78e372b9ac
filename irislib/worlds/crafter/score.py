"""Crafter's score (Hafner 2021), apart from the game so that reading it needs no game."""

from collections.abc import Sequence

import numpy as np


def crafter_score(rates: Sequence[float]) -> float:
    """exp(mean of ln(1 + s_i)) - 1, in percent, s_i the success rates in percent (arXiv 2109.06780).

    Args:
        rates: success rate of each achievement, in [0, 1].
    """
    return float(np.expm1(np.log1p(100 * np.asarray(rates)).mean()))
