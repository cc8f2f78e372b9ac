"""The options of each kind of quantizer: what is accepted, refused, and taken over by an agent."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from tiny import CONFIG, QUANTIZERS, TRAIN

from irislib.agent.config import TrainConfig
from irislib.errors import ParamError
from irislib.params import parse_value
from irislib.tokenizers.config import IrisConfig, VectorQuantizerConfig
from irislib.tokenizers.quantizers.config import EMAQuantizerConfig, FSQConfig, LFQConfig, QuantizerConfig


def parse(**quantizer: Any) -> IrisConfig:
    return parse_value(asdict(CONFIG.tokenizer) | {"quantizer": quantizer}, "train.tokenizer", IrisConfig)


@pytest.mark.parametrize("kind", QUANTIZERS)
def test_a_quantizers_options_come_back(kind: str) -> None:
    """From params.yaml, and from the config.json of an agent."""
    config = parse(**json.loads(json.dumps(asdict(QUANTIZERS[kind]))))
    assert config == replace(CONFIG.tokenizer, quantizer=QUANTIZERS[kind])
    dimension = {"fsq": 2, "lfq": 5}.get(kind, 8)
    assert (config.vocab_size, config.embed_dim) == (32, dimension)
    assert config.quantizer.revive_after == (3 if kind in ("vq", "ema", "cosine") else 0)


VQ = {"kind": "vq", "vocab_size": 32, "embed_dim": 8, "revive_after": 3}
KINDS = "vq, ema, cosine, fsq, lfq, simvq"
MISTAKES: list[tuple[dict[str, Any], str]] = [
    (VQ | {"kind": "pq"}, f"kind: must be one of {KINDS}, not 'pq'"),
    (VQ | {"kind": None}, f"kind: must be one of {KINDS}, not None"),
    (VQ | {"levels": [8, 5]}, "levels: unknown parameter"),
    (VQ | {"decay": 0.9}, "decay: unknown parameter"),
    (VQ | {"kind": "fsq"}, "levels: missing"),
    (VQ | {"vocab_size": 1}, "vocab_size: "),
    (VQ | {"vocab_size": 40000}, "vocab_size: "),
    (VQ | {"embed_dim": 8.5}, "embed_dim: "),
    (VQ | {"revive_after": -1}, "revive_after: "),
    (VQ | {"kind": "ema", "decay": 1.0}, "decay: "),
    (VQ | {"kind": "ema", "commitment": -1.0}, "commitment: "),
    (VQ | {"kind": "cosine", "embed_dim": 1}, "embed_dim: "),
    ({"kind": "fsq", "levels": []}, "levels: needs at least one channel"),
    ({"kind": "fsq", "levels": [8, 2]}, "levels.1: "),
    (
        {"kind": "fsq", "levels": [40, 40, 40]},
        "levels: [40, 40, 40] make 64000 codes; use fewer,",
    ),
    ({"kind": "fsq", "levels": [8, 5], "embed_dim": 2}, "embed_dim: unknown parameter"),
    ({"kind": "lfq", "vocab_size": 1000}, "vocab_size: 1000 is not a power of 2, as lfq needs; use 512"),
    ({"kind": "lfq", "vocab_size": 64, "embed_dim": 6}, "embed_dim: unknown parameter"),
    ({"kind": "lfq", "vocab_size": 64, "temperature": 0.0}, "temperature: "),
    (
        {"kind": "simvq", "vocab_size": 64, "embed_dim": 8, "revive_after": 9},
        "revive_after: unknown parameter",
    ),
]


@pytest.mark.parametrize(("options", "complaint"), MISTAKES, ids=[mistake[1] for mistake in MISTAKES])
def test_a_mistake_is_one_line_led_by_its_full_key(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ParamError) as raised:
        parse(**options)
    message = str(raised.value)
    assert message.startswith(f"train.tokenizer.quantizer.{complaint}") and "\n" not in message


def test_revival_must_fit_an_epoch() -> None:
    values = asdict(TRAIN)
    values["tokenizer"]["quantizer"]["revive_after"] = 7
    with pytest.raises(ParamError, match=r"^train\.tokenizer\.quantizer\.revive_after: 7 .* epoch has 6"):
        parse_value(values, "train", TrainConfig)


def test_sizes_stay_and_what_learning_needs_is_taken_over() -> None:
    other = IrisConfig(VectorQuantizerConfig("vq", 5, 2, 4), 1, 2, (1,), 1, (), 0.5, 2.0)
    learnt = CONFIG.tokenizer.learn_as(other)
    assert learnt == replace(
        CONFIG.tokenizer, quantizer=VectorQuantizerConfig("vq", 32, 8, 4), lpips=0.5, squared_error=2.0
    )


@pytest.mark.parametrize(
    ("own", "other", "learnt"),
    [
        (
            QUANTIZERS["ema"],
            EMAQuantizerConfig("ema", 9, 9, 1, 0.5),
            EMAQuantizerConfig("ema", 32, 8, 1, 0.5),
        ),
        (QUANTIZERS["lfq"], LFQConfig("lfq", 4, 0.3, 2.0, 0.1), LFQConfig("lfq", 32, 0.3, 2.0, 0.1)),
        (QUANTIZERS["fsq"], FSQConfig("fsq", (3, 3)), QUANTIZERS["fsq"]),
        # Another kind: the agent's stays, and what both have is taken over.
        (QUANTIZERS["vq"], FSQConfig("fsq", (3, 3)), VectorQuantizerConfig("vq", 32, 8, 0)),
        (QUANTIZERS["fsq"], QUANTIZERS["vq"], QUANTIZERS["fsq"]),
    ],
)
def test_a_kind_learns_by_the_options_that_it_has(
    own: QuantizerConfig, other: QuantizerConfig, learnt: QuantizerConfig
) -> None:
    own_sizes, others = (replace(CONFIG.tokenizer, quantizer=config) for config in (own, other))
    assert own_sizes.learn_as(others).quantizer == learnt
