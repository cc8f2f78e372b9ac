"""Arms of the study: each is an overlay of the parameters, in a file of its own."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from annotated_types import MinLen

from irislib.errors import ParamError
from irislib.interpret.metrics_config import MetricsConfig
from irislib.params import STRICT, read_yaml
from irislib.study.config import StudyConfig
from irislib.study.overlays import overlaid, parse_from, read_overlay, told_of
from irislib.tokenizers.config import TokenizerConfig

# What an arm changes, in the order of the report.
Varies = Literal[
    "nothing",
    "training",
    "quantizer",
    "codebook_size",
    "revival",
    "receptive_field",
    "grid",
    "alignment",
    "no_learning",
]
VARIES: tuple[str, ...] = get_args(Varies)
OVERLAID = ("train.tokenizer", "study")  # what an arm may change


@dataclass(frozen=True)
class About:
    """What an arm's file says of the arm itself.

    Attributes:
        asks: the question that the arm asks, in plain English.
        varies: in what the arm differs from the arm that it is compared with.
        compared_with: name of that arm; empty for the reference arm, which varies nothing.
    """

    __pydantic_config__ = STRICT
    asks: Annotated[str, MinLen(1)]
    varies: Varies
    compared_with: str = ""


@dataclass(frozen=True)
class Arm:
    """One way to make a tokenizer.

    Attributes:
        name: of its file.
        about: what it asks.
        tokenizer: the `train.tokenizer` section.
        study: the `study` section.
        metrics: the `metrics` section, the same for all arms.
    """

    name: str
    about: About
    tokenizer: TokenizerConfig
    study: StudyConfig
    metrics: MetricsConfig


@dataclass(frozen=True)
class _Train:
    """What an arm needs of the `train` section."""

    __pydantic_config__ = STRICT
    tokenizer: TokenizerConfig


def read_arm(name: str, arms: Path, params: Path, study: Path) -> Arm:
    """An arm: params.yaml, with studies/params.yaml laid over it, and the arm's file over both.

    Args:
        name: of the arm; its file is NAME.yaml.
        arms: folder of the arms.
        params: params.yaml, for the sections `train.tokenizer` and `metrics`.
        study: studies/params.yaml, for the section `study`.

    Raises:
        ParamError: there is no such arm, a file cannot be read, or a value does not fit.
    """
    own, file = read_overlay(arms, name, "arm"), arms / f"{name}.yaml"
    about = {key: own.pop(key) for key in (one.name for one in fields(About)) if key in own}
    _check_sections(own, file)
    values = overlaid(overlaid(read_yaml(params), read_yaml(study)), own)
    if not isinstance(values.get("train"), dict):
        raise ParamError(f"{params}: train: missing; add it")
    train = {key: value for key, value in values["train"].items() if key == "tokenizer"}
    return Arm(
        name,
        about=told_of(file, about, "arm", About),
        tokenizer=told_of(file, train, "train", _Train).tokenizer,
        study=parse_from(values, "study", StudyConfig, file),
        metrics=parse_from(values, "metrics", MetricsConfig, params),
    )


def _check_sections(own: dict[str, Any], file: Path) -> None:
    """Raises ParamError where an arm sets what all arms share."""
    keys = [f"train.{key}" for key in own["train"]] if isinstance(own.get("train"), dict) else []
    keys += [key for key in own if key != "train" or not keys]
    for key in keys:
        if key not in OVERLAID:
            raise ParamError(f"{file}: {key}: an arm sets {' and '.join(OVERLAID)} alone; remove it")
