import json
from pathlib import Path

import numpy as np
import pytest

from irislib.artifacts import plain_json, write_json


def test_what_is_written_is_valid_json_whatever_the_numbers(tmp_path: Path) -> None:
    value = {
        "share": np.float32(1 / 3),
        "nan": float("nan"),
        "all": (np.int64(7), [np.float64("inf"), True, np.bool_(False), None, "text"]),
    }
    write_json(tmp_path / "x.json", value)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)  # NaN and Infinity are Python's, not JSON's

    read = json.loads((tmp_path / "x.json").read_text(), parse_constant=refuse)
    assert read == {"share": 0.333333, "nan": None, "all": [7, [None, True, False, None, "text"]]}
    assert [file.name for file in tmp_path.iterdir()] == ["x.json"]


def test_digits_are_six_and_whole_numbers_stay_whole() -> None:
    assert plain_json({"a": 123456789, "b": 1234567.0, "c": 1e-9}) == {
        "a": 123456789,
        "b": 1234570.0,
        "c": 1e-9,
    }


def test_what_has_no_place_in_json_is_refused() -> None:
    with pytest.raises(TypeError, match="no JSON value: ndarray"):
        plain_json({"a": np.zeros(3)})
