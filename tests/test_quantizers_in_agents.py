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

from irislib.agent import Agent, export_official_iris, load_agent
from irislib.agent.config import TrainConfig
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
    fit = replace(TRAIN.fit, actor_critic=replace(TRAIN.fit.actor_critic, steps_per_epoch=1))
    config = replace(with_quantizer(kind), epochs=2, snapshots=(1,), fit=fit)
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
    for workers in ("1", "3"):  # a batch is cut in four: one of three threads computes two parts
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
        assert torch.equal(value, states[1][name]), name


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
