"""The strata of recorded play."""

from pathlib import Path

import numpy as np
from recordings import record_play

from irislib.interpret.observations.strata import STRATA, read_strata


def test_sleep_hides_day_and_night(tmp_path: Path) -> None:
    daylight = np.array([1, 0.5, 0.49, 0, 1, 0.2], np.float32)
    hidden = np.array([0, 0, 0, 0, 1, 1], bool)
    play = record_play(
        tmp_path / "play",
        np.zeros((6, 48, 64, 3), np.uint8),
        np.zeros((6, 3, 4)),
        2,
        daylight=daylight,
        hidden=hidden,
    )
    strata = read_strata(play)
    assert strata.dtype == np.uint8
    assert [STRATA[index] for index in strata] == ["day", "day", "night", "night", "hidden", "hidden"]


def test_a_world_without_night_and_sleep_has_one_stratum(tmp_path: Path) -> None:
    play = record_play(tmp_path / "play", np.zeros((3, 48, 64, 3), np.uint8), np.zeros((3, 3, 4)), 2)
    assert read_strata(play).tolist() == [STRATA.index("day")] * 3
