"""Training as a whole: what it starts from, keeps and resumes, and that ranks share one training."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from test_parts import experience
from tiny import CONFIG, ENV, QUANTIZERS, TOKENIZER, TRAIN
from together import together

from irislib.agent import Agent, load_agent
from irislib.agent.config import TrainConfig
from irislib.artifacts import digest
from irislib.device import one_thread
from irislib.errors import ArtifactError, IrislibError, ParamError
from irislib.training.train import train
from irislib.training.trainer import COMPONENTS, Trainer
from irislib.worlds.world import WorldConfig

UNTRAINED = replace(TRAIN, epochs=0)


def trained(folder: Path, config: TrainConfig = TRAIN, origin: Path | None = None) -> Path:
    train(config, ENV, 3, origin, folder / "work", folder / "agent", folder / "snapshots")
    return folder / "agent"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An agent trained in one go, with a snapshot of every epoch."""
    return trained(tmp_path_factory.mktemp("tiny"), replace(TRAIN, snapshots=(1, 2, 3)))


def test_every_component_leaves_a_curve(tiny: Path) -> None:
    for component in COMPONENTS:
        curve = pd.read_csv(tiny / "curves" / f"{component}.csv")
        assert curve["epoch"].tolist() == ([2, 3] if component == "actor_critic" else [1, 2, 3])
        assert np.isfinite(curve["total"]).all()
        assert curve["step"].tolist()[-1] == 80
    assert load_agent(tiny).steps == 80


def test_snapshots_are_the_agent_as_it_was(tiny: Path, tmp_path: Path) -> None:
    last = load_agent(tiny.parent / "snapshots/epoch-0003").state_dict()
    assert all(torch.equal(last[name], weight) for name, weight in load_agent(tiny).state_dict().items())
    shorter = load_agent(trained(tmp_path, replace(TRAIN, epochs=2)))
    after_two = load_agent(tiny.parent / "snapshots/epoch-0002")
    assert after_two.steps == shorter.steps == 80
    for one, other in zip(after_two.parameters(), shorter.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_checkpoint_carried_to_another_place_is_taken_up(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(TRAIN, snapshots=(1, 2, 3))
    fit = Trainer.fit

    def killed(self: Trainer, component: str, epoch: int) -> None:
        if (component, epoch) == ("world_model", 3):
            raise IrislibError("killed")
        fit(self, component, epoch)

    with monkeypatch.context() as patch, pytest.raises(IrislibError, match="killed"):
        patch.setattr(Trainer, "fit", killed)
        trained(tmp_path / "here", config)
    shutil.copytree(tmp_path / "here/work", tmp_path / "there/work")
    fitted = []

    def noted(self: Trainer, component: str, epoch: int) -> None:
        fitted.append((component, epoch))
        fit(self, component, epoch)

    monkeypatch.setattr(Trainer, "fit", noted)
    assert digest(trained(tmp_path / "there", config)) == digest(tiny)
    assert fitted == [(component, 3) for component in COMPONENTS]
    assert not any((tmp_path / "there/work").iterdir())


def test_an_agent_to_start_from_is_passed_on_untrained(tiny: Path, tmp_path: Path) -> None:
    """With sizes of its own, which take the place of those in the parameters."""
    other = replace(UNTRAINED, tokenizer=replace(TOKENIZER, ch=8))
    again = trained(tmp_path, other, tiny)
    assert digest(again / "model.safetensors") == digest(tiny / "model.safetensors")
    assert digest(again / "curves") == digest(tiny / "curves")
    assert load_agent(again).config == load_agent(tiny).config and load_agent(again).steps == 80


def test_training_goes_on_from_an_agent(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    begun, ended = dict[str, torch.Tensor](), dict[str, torch.Tensor]()
    run = Trainer.run

    def noted(self: Trainer, env: WorldConfig) -> None:
        begun.update((name, weight.detach().clone()) for name, weight in self.agent.named_parameters())
        run(self, env)
        ended.update(self.agent.named_parameters())

    monkeypatch.setattr(Trainer, "run", noted)
    longer = load_agent(trained(tmp_path, TRAIN, tiny))
    assert longer.steps == 160
    bars = capfd.readouterr().err
    assert all(re.search(rf"epoch 3 {component}.*loss=\d", bars) for component in COMPONENTS)
    curve = pd.read_csv(tmp_path / "agent/curves/tokenizer.csv")
    assert curve["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert curve["step"].tolist() == [40, 80, 80, 120, 160, 160]
    first = dict(load_agent(tiny).named_parameters())
    assert all(torch.equal(weight, first[name]) for name, weight in begun.items())
    # Before they are rounded to float16, which can take a small step back.
    assert [name for name, weight in ended.items() if torch.equal(weight, begun[name])] == []
    assert {name.split(".")[0] for name in ended} == {"tokenizer", "world_model", "actor_critic"}


def test_an_agent_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    Agent(replace(CONFIG, frame=(144, 144))).save(_folder(tmp_path / "large"))
    with pytest.raises(ParamError, match=r"env: frames of 64 x 64 pixels, but .*large sees 144 x 144"):
        trained(tmp_path, UNTRAINED, tmp_path / "large")
    Agent(replace(CONFIG, num_actions=6)).save(_folder(tmp_path / "atari"))
    with pytest.raises(ParamError, match=r"env: has 17 actions, but .*atari has 6"):
        trained(tmp_path, UNTRAINED, tmp_path / "atari")
    short = replace(CONFIG, world_model=replace(CONFIG.world_model, max_blocks=2))
    Agent(short).save(_folder(tmp_path / "short"))
    with pytest.raises(ParamError, match=r"horizon: 3 imagined steps do not fit .*max_blocks of 2"):
        trained(tmp_path, TRAIN, tmp_path / "short")


def test_half_precision_trains_nearly_the_same(tiny: Path, tmp_path: Path) -> None:
    coarse = trained(tmp_path, replace(TRAIN, precision="bfloat16"))
    assert digest(coarse / "model.safetensors") != digest(tiny / "model.safetensors")
    for component in ("tokenizer", "world_model"):
        one, other = (pd.read_csv(a / "curves" / f"{component}.csv")["total"] for a in (tiny, coarse))
        np.testing.assert_allclose(one, other, rtol=0.02)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("component", COMPONENTS)
def test_a_learning_rate_that_is_too_high_is_one_line(
    component: str, precision: Literal["float32", "bfloat16"], tmp_path: Path
) -> None:
    fit = replace(getattr(TRAIN.fit, component), learning_rate=1e20)
    config = replace(TRAIN, precision=precision, fit=replace(TRAIN.fit, **{component: fit}))
    trainer = Trainer(config, Agent(CONFIG).eval(), 0, tmp_path)
    trainer.replay.record(experience())
    message = rf"^train.fit.{component}.learning_rate: .* not finite.*; lower"
    with one_thread(), pytest.raises(IrislibError, match=message):
        trainer.fit(component, epoch=2)


def test_stored_weights_take_half_the_bytes_and_decode_the_same(tiny: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    agent = Agent(CONFIG).eval()
    half, full = _folder(tmp_path / "half"), _folder(tmp_path / "full")
    agent.save(half, torch.float16)
    agent.save(full)
    assert (half / "model.safetensors").stat().st_size < 0.6 * (full / "model.safetensors").stat().st_size
    tokens = torch.arange(32).view(2, 4, 4)
    decoded = [load_agent(folder).tokenizer.decode_tokens(tokens) for folder in (half, full)]
    assert 0 < (decoded[0] - decoded[1]).abs().max() < 0.01
    assert {w.dtype for w in load_file(tiny / "model.safetensors").values()} == {torch.float16}


def test_no_epochs_leave_no_snapshots(tiny: Path, tmp_path: Path) -> None:
    trained(tmp_path, replace(UNTRAINED, snapshots=(1, 2)), tiny)
    assert [file.name for file in (tmp_path / "snapshots").iterdir()] == ["epochs.json"]
    assert json.loads((tmp_path / "snapshots/epochs.json").read_text()) == []
    assert json.loads((tiny.parent / "snapshots/epochs.json").read_text()) == [1, 2, 3]


def test_a_damaged_past_is_refused_before_training(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "origin")
    (tmp_path / "origin/curves/world_model.csv").unlink()
    with pytest.raises(ArtifactError, match=r"curves/world_model.csv: missing or damaged"):
        trained(tmp_path, TRAIN, tmp_path / "origin")
    assert not (tmp_path / "work").exists()


def trained_all(folder: Path, configs: dict[str, TrainConfig]) -> None:
    """An agent of each configuration, in a folder of its name."""
    for name, config in configs.items():
        (folder / name).mkdir(exist_ok=True)
        trained(folder / name, config)


def test_two_ranks_train_what_one_does(tmp_path: Path) -> None:
    """To the bit, dropout, revived codes and moving averages included, with batches that nobody can halve."""
    fit = TRAIN.fit
    fit = replace(
        fit,
        tokenizer=replace(fit.tokenizer, batch_size=5),
        world_model=replace(fit.world_model, batch_size=5),
    )
    whole = replace(TRAIN, snapshots=(2,), fit=fit)
    averages = replace(TRAIN, epochs=1, fit=fit, tokenizer=replace(TOKENIZER, quantizer=QUANTIZERS["ema"]))
    configs = {"vq": whole, "ema": averages}
    trained_all(_folder(tmp_path / "alone"), configs)
    together(trained_all, _folder(tmp_path / "pair"), configs)
    for made in ("vq/agent", "vq/snapshots", "ema/agent"):
        assert digest(tmp_path / "pair" / made) == digest(tmp_path / "alone" / made)


def test_a_batch_that_ranks_cannot_share_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is trained. (`test_ranks` says how a group tells a mistake.)"""
    fit = replace(TRAIN.fit, actor_critic=replace(TRAIN.fit.actor_critic, batch_size=1))
    monkeypatch.setattr("irislib.ranks.world_size", lambda: 2)
    message = r"^train.fit.actor_critic.batch_size: 1 cannot be shared by 2 ranks; use at least 2"
    with pytest.raises(ParamError, match=message):
        Trainer(replace(TRAIN, fit=fit), Agent(CONFIG), 0, tmp_path)


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
