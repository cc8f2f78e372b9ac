"""An agent from elsewhere as the start of training: `python -m stages.init`."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from tiny import CONFIG, TOKENIZER

from irislib.agent import Agent, export_official_iris, load_agent
from irislib.agent.initial import past_curves, placed_agent
from irislib.artifacts import digest
from irislib.errors import ArtifactError
from stages import init

PARAMS = Path(__file__).parent.parent / "params.yaml"


def placed(folder: Path, *arguments: str) -> str:
    """What the command prints, its line of error included."""
    options = ["--init", str(folder), "--params", str(PARAMS), *arguments]
    return CliRunner().invoke(init.main, options).output


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data/init, outside DVC."""
    monkeypatch.setattr(init, "version", lambda path: path.with_suffix(".dvc"))
    (tmp_path / "init").mkdir()
    return tmp_path / "init"


def saved(agent: Agent, path: Path) -> Path:
    path.mkdir()
    agent.save(path)
    return path


def fitting() -> Agent:
    """An agent that fits params.yaml, whose horizon of 10 needs as many blocks."""
    torch.manual_seed(0)
    return Agent(replace(CONFIG, world_model=replace(CONFIG.world_model, max_blocks=10)))


def test_an_agent_folder_is_taken_over_as_it_is(folder: Path, tmp_path: Path) -> None:
    source = saved(fitting(), tmp_path / "source")
    (source / "notes.txt").write_text("not part of an agent")
    assert f"git add {folder}/agent.dvc" in placed(folder, str(source))
    assert sorted(file.name for file in (folder / "agent").iterdir()) == ["config.json", "model.safetensors"]
    assert digest(folder / "agent/model.safetensors") == digest(source / "model.safetensors")
    assert placed_agent(folder) == folder / "agent"


def test_an_official_checkpoint_is_written_in_our_format(folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    wide = replace(fitting().config, tokenizer=replace(TOKENIZER, ch=64, ch_mult=(1, 1, 1, 1, 1)))
    agent = Agent(wide)
    export_official_iris(agent, tmp_path / "last.pt")
    placed(folder, str(tmp_path / "last.pt"), "--num-heads", "2")
    again = load_agent(folder / "agent")
    assert again.config.world_model.num_heads == 2
    for name, weight in agent.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name].cpu(), weight, rtol=1e-3, atol=1e-3)


def test_what_training_cannot_start_from_leaves_the_old_agent(folder: Path, tmp_path: Path) -> None:
    placed(folder, str(saved(fitting(), tmp_path / "good")))
    before = digest(folder)
    short = saved(Agent(CONFIG), tmp_path / "short")
    other = saved(Agent(replace(fitting().config, num_actions=6)), tmp_path / "other")
    (tmp_path / "text").mkdir()
    (tmp_path / "curves").mkdir()
    for source, complaint in (
        (short, "horizon: 10 imagined steps do not fit"),
        (other, "actions"),
        (tmp_path / "text", "missing"),
        (tmp_path / "nowhere", f"{tmp_path}/nowhere: missing; give an agent folder or an official last.pt"),
    ):
        output = placed(folder, str(source))
        assert output.startswith("error: ") and output.count("\n") == 1
        assert complaint in output
        assert digest(folder) == before


def test_clearing_lets_training_start_from_nothing(folder: Path, tmp_path: Path) -> None:
    placed(folder, str(saved(fitting(), tmp_path / "source")))
    (folder / "agent.dvc").write_text("outs: []")
    assert "starts from nothing" in placed(folder, "--clear")
    assert placed_agent(folder) is None
    assert not any(folder.iterdir())


@pytest.mark.parametrize("arguments", [[], ["somewhere", "--clear"]])
def test_it_is_either_an_agent_or_none(folder: Path, arguments: list[str]) -> None:
    assert placed(folder, *arguments).startswith("error: SOURCE: give either")


def test_an_agent_that_was_not_pulled_is_no_reason_to_start_from_nothing(folder: Path) -> None:
    (folder / "agent.dvc").write_text("outs: []")
    with pytest.raises(ArtifactError, match=r"agent: missing; get it by `dvc pull .*agent\.dvc`"):
        placed_agent(folder)


@pytest.mark.parametrize("text", ["", "epoch,loss\n1,2\n", "epoch,step\n1,\n", "\0\0"])
def test_damaged_curves_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "curves").mkdir()
    (tmp_path / "curves/collect.csv").write_text(text)
    with pytest.raises(ArtifactError, match=r"curves/collect\.csv: missing or damaged"):
        past_curves(tmp_path)
