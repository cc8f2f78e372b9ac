"""Every kind of quantizer in a whole agent: it is trained, kept, loaded, trained on, and analysed."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from test_parts import experience
from test_train import trained
from tiny import CONFIG, QUANTIZERS, TRAIN
from together import together

from irislib.agent import Agent, export_official_iris, load_agent
from irislib.agent.config import TrainConfig
from irislib.artifacts import digest
from irislib.baselines.untrained import fit_untrained
from irislib.device import one_thread
from irislib.errors import ArtifactError
from irislib.tokenizers.load import load_tokenizer, tokenizer_digest
from irislib.tokenizers.quantizers import FreeCodebook
from irislib.tokenizers.reconstruction import encode_frames
from irislib.training.trainer import Trainer

OTHERS = [kind for kind in QUANTIZERS if kind != "vq"]


def with_quantizer(kind: str, config: TrainConfig = TRAIN) -> TrainConfig:
    return replace(config, tokenizer=replace(config.tokenizer, quantizer=QUANTIZERS[kind]))


def frames(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 64, 64, 3), np.uint8)


@pytest.mark.parametrize("kind", OTHERS)
def test_an_agent_is_trained_and_kept_and_trained_on(kind: str, tmp_path: Path) -> None:
    config = replace(with_quantizer(kind), epochs=2, snapshots=(1,))
    (tmp_path / "first").mkdir()
    folder = trained(tmp_path / "first", config)
    agent = load_agent(folder)
    assert agent.config.tokenizer == config.tokenizer
    curve = pd.read_csv(folder / "curves/tokenizer.csv")
    losses = curve.drop(columns=["squared_error", "perceptual"]).dropna(axis=1)
    assert set(losses) == {"epoch", "step", "total", "reconstruction", *_losses(kind)}
    assert np.isfinite(losses).all(axis=None)
    assert {w.dtype for w in load_file(folder / "model.safetensors").values()} == {torch.float16}
    assert {w.dtype for w in agent.state_dict().values()} == {torch.float32}

    # The analysis sees the agent's tokens; so does who looks at a snapshot.
    tokenizer = load_tokenizer(folder)
    assert np.array_equal(encode_frames(tokenizer, frames(3)), agent.tokenizer.encode(frames(3)).numpy())
    assert len(np.unique(encode_frames(tokenizer, frames(3)))) > 1
    snapshot = load_tokenizer(tmp_path / "first/snapshots/epoch-0001")
    assert tokenizer_digest(snapshot) != tokenizer_digest(tokenizer)
    assert tokenizer_digest(load_tokenizer(folder)) == tokenizer_digest(tokenizer)

    (tmp_path / "on").mkdir()
    longer = load_agent(trained(tmp_path / "on", replace(config, epochs=1, snapshots=()), folder))
    moved = (longer.tokenizer.codebook - agent.tokenizer.codebook).detach().abs().amax(1)
    assert float(moved.max()) < 10  # no code was lost to rounding
    assert bool((moved > 0).any()) == (kind not in ("fsq", "lfq"))


def _losses(kind: str) -> set[str]:
    return {"fsq": set(), "ema": {"commitment"}, "lfq": {"commitment", "entropy"}}.get(
        kind, {"codebook", "commitment"}
    )


@pytest.mark.parametrize(
    ("kind", "precision"),
    [*((kind, "float32") for kind in OTHERS), *((kind, "bfloat16") for kind in ("ema", "simvq"))],
)
def test_the_bits_do_not_depend_on_threads(
    kind: str, precision: Literal["float32", "bfloat16"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = []
    for workers in ("1", "2", "4"):
        monkeypatch.setenv("IRISLIB_WORKERS", workers)
        config = replace(with_quantizer(kind), precision=precision)
        torch.manual_seed(0)
        agent = Agent(replace(CONFIG, tokenizer=config.tokenizer)).eval()
        before = {name: value.clone() for name, value in agent.tokenizer.state_dict().items()}
        (tmp_path / workers).mkdir()
        with one_thread():
            trainer = Trainer(config, agent, 0, tmp_path / workers)
            trainer.replay.record(experience())
            trainer.fit("tokenizer", 1)
        states.append(agent.tokenizer.state_dict())
        changed = {name for name, value in states[-1].items() if not torch.equal(value, before[name])}
        assert changed == set(before) - {"quantizer.levels", "quantizer.frozen"}
    for name, value in states[0].items():
        assert all(torch.equal(value, other[name]) for other in states[1:]), name


def test_ranks_share_the_moving_averages(tmp_path: Path) -> None:
    """To the bit, with a batch of 5 that nobody can halve, revived codes included."""
    fit = replace(TRAIN.fit, tokenizer=replace(TRAIN.fit.tokenizer, batch_size=5))
    config = replace(with_quantizer("ema"), epochs=1, fit=fit)
    for name in ("alone", "pair"):
        (tmp_path / name).mkdir()
    alone = trained(tmp_path / "alone", config)
    together(trained, tmp_path / "pair", config)
    assert digest(tmp_path / "pair/agent") == digest(alone)


@pytest.mark.parametrize("kind", QUANTIZERS)
def test_the_untrained_baseline_has_codes_of_its_outputs_where_codes_are_free(kind: str) -> None:
    config = with_quantizer(kind).tokenizer
    made = fit_untrained(config, 32, frames(4), seed=0)
    used = len(np.unique(encode_frames(made, frames(4))))
    assert isinstance(made.quantizer, FreeCodebook) == (kind in ("vq", "ema", "cosine"))
    assert used == 32 if isinstance(made.quantizer, FreeCodebook) else used >= 1


def test_the_official_code_is_given_no_other_quantizer(tmp_path: Path) -> None:
    agent = Agent(replace(CONFIG, tokenizer=with_quantizer("fsq").tokenizer))
    with pytest.raises(ArtifactError, match=r"last\.pt: the official code knows .* vq alone, .*fsq"):
        export_official_iris(agent, tmp_path / "last.pt")
    assert not list(tmp_path.iterdir())
