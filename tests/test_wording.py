"""Numbers as words, and evenly spaced indices."""

import math

import numpy as np
import pytest

from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.report.wording import (
    Prose,
    between,
    listed,
    many,
    number,
    percent,
    percent_range,
    signed,
    some_of,
)


@pytest.mark.parametrize("length", [0, 1, 2, 7, 100])
@pytest.mark.parametrize("wanted", [1, 2, 6])
def test_spread_reaches_both_ends_without_repeats(length: int, wanted: int) -> None:
    indices = evenly_spaced(length, wanted)
    assert len(indices) == min(length, wanted)
    assert len(np.unique(indices)) == len(indices)
    assert all(0 <= index < length for index in indices)
    if min(length, wanted) > 1:
        assert (indices[0], indices[-1]) == (0, length - 1)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent(0.0), "0%"),
        (percent(1.0), "100%"),
        (percent(0.1234), "12.3%"),
        (percent(0.00012), "0.012%"),
        (percent(0.9999), "99.99%"),
        (percent(None), "undefined"),
        (percent(math.nan), "undefined"),
        (percent_range([0.5, math.nan, 0.25]), "25% to 50%"),
        (percent_range([0.5]), "50%"),
        (percent_range([]), "undefined"),
        (number(127434.0), "127,434"),
        (number(0.03456), "0.0346"),
        (number(None), "undefined"),
        (many(1, "code"), "1 code"),
        (between(18.0, 29.5), "18 to 29.5"),
        (between(3.0, 3.0), "3"),
        (listed([]), ""),
        (listed(["a"]), "a"),
        (listed(["a", "b", "c"]), "a, b and c"),
        (many(0, "code"), "0 codes"),
        (some_of(0, 315, "code"), "none of 315 codes"),
        (some_of(1, 315, "code"), "1 of 315 codes"),
        (some_of(512, 512, "code"), "all 512 codes"),
        (some_of(0, 0, "code"), "no code"),
        (some_of(0, 1, "code"), "not the only code"),
        (some_of(1, 1, "code"), "the only code"),
        (
            Prose({"a": 2.0, "b.c": 9.0}.get).format("{a:of b.c odd code}, {a:code}"),
            "2 of 9 odd codes, 2 codes",
        ),
        (signed(-0.0123), "\N{MINUS SIGN}0.012"),
    ],
)
def test_wording(shown: str, expected: str) -> None:
    assert shown == expected
