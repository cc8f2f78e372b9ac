from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from irislib.errors import ParamError
from irislib.params import (
    STRICT,
    load_params,
    one_of,
    parse_section,
    parse_value,
    read_yaml,
    require,
)
from stages.check import CONFIGS

PARAMS = Path(__file__).parent.parent / "params.yaml"


@dataclass(frozen=True)
class Net:
    __pydantic_config__ = STRICT
    ch_mult: tuple[int, ...]
    rate: Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class Section:
    __pydantic_config__ = STRICT
    steps: Annotated[int, Field(ge=1)]
    lanes: int
    score: Literal["mean", "norm"]
    net: Net

    def __post_init__(self) -> None:
        require(self.steps % self.lanes == 0, "lanes", f"{self.lanes} does not divide steps {self.steps}")
        require(len(self.net.ch_mult) > 0, "net.ch_mult", "needs a resolution")


GOOD: dict[str, Any] = {
    "steps": 8,
    "lanes": 2,
    "score": "mean",
    "net": {"ch_mult": [1, 2], "rate": 1},
}


def complaint(section: object, into: type = Section) -> str:
    with pytest.raises(ParamError) as raised:
        parse_section({"crop": section}, "crop", into)
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_good_values_become_a_nested_frozen_record() -> None:
    section = parse_section({"crop": GOOD}, "crop", Section)
    assert section == Section(8, 2, "mean", Net((1, 2), 1.0))
    assert isinstance(section.net.rate, float)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"stepz": 8}, "crop.stepz"),  # unknown
        ({"steps": "8"}, "crop.steps"),  # ill-typed: YAML quotes
        ({"steps": True}, "crop.steps"),
        ({"steps": 8.5}, "crop.steps"),
        ({"steps": None}, "crop.steps"),
        ({"steps": 0}, "crop.steps"),  # impossible
        ({"score": "median"}, "crop.score"),
        ({"lanes": 3}, "crop.lanes"),  # impossible together
        ({"net": {"ch_mult": [1, "x"], "rate": 1}}, "crop.net.ch_mult.1"),
        ({"net": {"ch_mult": [1], "rate": 0}}, "crop.net.rate"),
        ({"net": {"ch_mult": [1], "rate": float("nan")}}, "crop.net.rate"),
        ({"net": {"ch_mult": [1], "rate": float("inf")}}, "crop.net.rate"),
        ({"net": {"ch_mult": [1], "rate": 1, "typo": 1}}, "crop.net.typo"),
        ({"net": {"ch_mult": [], "rate": 1}}, "crop.net.ch_mult"),  # named by the section above it
        ({"net": {"ch_mult": [1]}}, "crop.net.rate"),  # missing
        ({"net": 3}, "crop.net"),
    ],
)
def test_a_mistake_is_one_line_led_by_its_full_key(change: dict[str, Any], key: str) -> None:
    assert complaint({**GOOD, **change}).startswith(f"{key}: ")


@pytest.mark.parametrize("key", GOOD)
def test_a_missing_key_is_named(key: str) -> None:
    rest = {name: value for name, value in GOOD.items() if name != key}
    assert complaint(rest) == f"crop.{key}: missing; add it to params.yaml"


@pytest.mark.parametrize("section", [None, 3, [], "text"])
def test_a_section_must_be_a_mapping(section: object) -> None:
    assert complaint(section).startswith("crop: ")


@pytest.mark.parametrize("seed", [True, 0.5, "0", None, [0], date(2020, 1, 1)])
def test_plain_sections_are_strict_too(seed: object) -> None:
    assert complaint(seed, int).startswith("crop: ")


def test_a_missing_section_is_named() -> None:
    with pytest.raises(ParamError, match=r"^seed: missing"):
        parse_section({"crop": GOOD}, "seed", int)


@pytest.mark.parametrize("text", ["a: [1", "a: 1\na: 2", "- seed", "", "seed: 0\n\tenv: 1"])
def test_a_broken_file_is_one_line_led_by_its_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(ParamError) as raised:
        load_params(file, "seed", int)
    assert str(raised.value).startswith(f"{file}: ")
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamError, match=r"params\.yaml: cannot be read"):
        load_params(tmp_path / "params.yaml", "seed", int)


def test_the_files_sections_are_read_by_name(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("seed: 3\ncrop: 4\n")
    assert [load_params(file, name, int) for name in ("seed", "crop")] == [3, 4]


def test_another_encoding_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_bytes("seed: 0  # Größe\n".encode("latin-1"))
    with pytest.raises(ParamError, match=r"params\.yaml: not UTF-8 \(byte 13 is 0xf6\); save it as UTF-8$"):
        load_params(file, "seed", int)


def plain(value: Any) -> Any:
    """Dataclasses as mappings and tuples as lists: as YAML has them."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("section", CONFIGS)
def test_accepted_values_are_handed_on_unchanged(section: str) -> None:
    """So the parser cannot change a result, and its code need not be among the deps of a stage."""
    assert plain(load_params(PARAMS, section, CONFIGS[section])) == read_yaml(PARAMS)[section]


@dataclass(frozen=True)
class Ball:
    __pydantic_config__ = STRICT
    kind: Literal["ball"]
    radius: Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class Box:
    __pydantic_config__ = STRICT
    kind: Literal["box"]
    sides: tuple[int, ...]
    lid: Net

    def __post_init__(self) -> None:
        require(len(self.sides) == 3, "sides", "name three")


@dataclass(frozen=True)
class Shelf:
    __pydantic_config__ = STRICT
    holds: Annotated[Ball | Box, one_of("kind")]


LID = {"ch_mult": [1], "rate": 1}


def test_a_field_chooses_among_the_sections_of_a_union() -> None:
    def held(**values: Any) -> Ball | Box:
        return parse_value({"holds": values}, "shelf", Shelf).holds

    assert held(kind="ball", radius=2) == Ball("ball", 2.0)
    assert held(kind="box", sides=[1, 2, 3], lid=LID) == Box("box", (1, 2, 3), Net((1,), 1.0))


@pytest.mark.parametrize(
    ("holds", "message"),
    [
        ({"kind": "cone"}, "shelf.holds.kind: must be one of ball, box, not 'cone'"),
        ({"radius": 1}, "shelf.holds.kind: must be one of ball, box, not None"),
        ({"kind": ["ball"]}, "shelf.holds.kind: must be one of ball, box, not ['ball']"),
        (3, "shelf.holds: must hold `kind` (ball, box) and the options of that kind"),
        ({"kind": "ball", "radius": 1, "sides": [1, 2, 3]}, "shelf.holds.sides: unknown parameter; "),
        ({"kind": "ball"}, "shelf.holds.radius: missing; "),
        ({"kind": "ball", "radius": 0}, "shelf.holds.radius: "),
        ({"kind": "box", "sides": [1], "lid": LID}, "shelf.holds.sides: name three"),
        ({"kind": "box", "sides": [1, 2, 3], "lid": {**LID, "rate": 0}}, "shelf.holds.lid.rate: "),
    ],
)
def test_a_mistake_in_a_union_is_one_line_led_by_its_full_key(holds: object, message: str) -> None:
    with pytest.raises(ParamError) as raised:
        parse_value({"holds": holds}, "shelf", Shelf)
    assert str(raised.value).startswith(message) and "\n" not in str(raised.value)
