"""Several processes that form a group do what one does."""

import importlib
import os
import pickle
import signal
from pathlib import Path
from typing import Any

import click
import pytest
import torch
from click.testing import CliRunner
from ruamel.yaml import YAML
from together import REPO, run_stage, together
from torch import nn
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure, get_error_handler

from irislib import ranks
from irislib.artifacts import digest
from irislib.errors import ParamError
from irislib.runtime import cores, workers
from irislib.workdir import work_in
from stages.elastic import causes

SAID = {"anything": ("that", {"can be"}), "pickled": range(3)}


@pytest.fixture(autouse=True)
def on_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRISLIB_DEVICE", "cpu")
    monkeypatch.setenv("IRISLIB_WORKERS", "1")


def stage(name: str) -> click.Command:
    """Imported when needed: the processes of `together` import this file, and most need no stage."""
    command: click.Command = importlib.import_module(f"stages.{name}").main
    return command


def talk(work: Path) -> dict[str, Any]:
    """Every way to talk, from a process whose own share is its number plus one."""
    mine = ranks.rank() + 1.0
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    for tensor in model.state_dict().values():
        tensor.fill_(mine)
    model[2].requires_grad_(False)
    # Terms whose sum depends on their order; with two ranks the first has the first two.
    numbers = [i for i in range(3) if i // 2 == ranks.rank() or ranks.world_size() == 1]
    terms = {i: torch.tensor([1e8, 1.0, -1e8])[i].repeat(4) for i in numbers}
    total = ranks.sum_in_order(terms, [min(i // 2, ranks.world_size() - 1) for i in range(3)])
    before = [tensor.clone() for tensor in model.state_dict().values()]
    ranks.synchronize(model)
    x = torch.full((2, 3), mine, requires_grad=True)
    with ranks.on_first(work_in(work, "talk")) as folder:
        (folder / str(ranks.rank())).touch()
        ranks.barrier()
        met = sorted(file.name for file in folder.iterdir())
    return {
        "place": (ranks.rank(), ranks.world_size()),
        "mean": ranks.mean(x).detach(),
        "total": total,
        "gathered": ranks.gather(x.T[: int(mine) + 1]).detach(),
        "before": before,
        "synchronized": list(model.state_dict().values()),
        "shared": ranks.share(SAID if ranks.rank() == 0 else None),
        "met": met,
        "left": list(work.iterdir()),
        "x": x.detach(),
    }


def talk_and_fail(folder: Path) -> None:
    heard = talk(folder / "work")
    (folder / str(ranks.rank())).write_bytes(pickle.dumps(heard))
    ranks.barrier()
    if ranks.rank() == 1:
        raise ParamError("train.epochs: too few; use more")
    ranks.barrier()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], str]:
    """What each of two processes heard, and what they wrote on stderr when the second one failed."""
    folder = tmp_path_factory.mktemp("two")
    with pytest.raises(AssertionError) as failure:
        together(talk_and_fail, folder)
    return [pickle.loads((folder / str(rank)).read_bytes()) for rank in range(2)], str(failure.value)


def test_two_processes_hear_the_same(two: tuple[list[dict[str, Any]], str]) -> None:
    first, second = two[0]
    assert (first["place"], second["place"]) == ((0, 2), (1, 2))
    for heard in (first, second):
        torch.testing.assert_close(heard["mean"], torch.full((2, 3), 1.5))
        assert heard["total"].tolist() == [0.0] * 4  # (1e8 + 1) - 1e8, with 24 bits
        assert torch.equal(heard["gathered"], torch.tensor([[1.0, 1.0]] * 2 + [[2.0, 2.0]] * 3))
        torch.testing.assert_close(heard["synchronized"], first["before"], rtol=0, atol=0)
        assert heard["shared"] == SAID
        assert heard["met"] == ["0", "1"]
    assert not all(torch.equal(a, b) for a, b in zip(first["before"], second["before"], strict=True))
    assert first["left"] == []


def test_alone_nothing_is_started_and_nothing_changes(tmp_path: Path) -> None:
    with ranks.join():
        assert not torch.distributed.is_initialized()
        heard = talk(tmp_path)
    assert heard["place"] == (0, 1)
    assert torch.equal(heard["mean"], heard["x"]) and torch.equal(heard["gathered"], heard["x"].T[:2])
    assert heard["total"].tolist() == [0.0] * 4
    assert heard["shared"] == SAID and heard["met"] == ["0"] and heard["left"] == []


def test_rollout_is_the_same_from_one_process_and_from_two(tmp_path: Path) -> None:
    from tiny import CONFIG

    from irislib.agent import Agent

    torch.manual_seed(0)
    (tmp_path / "agent").mkdir()
    Agent(CONFIG).save(tmp_path / "agent")
    params = YAML().load(REPO / "params.yaml")
    params["env"]["length"] = 4
    params["rollout"] |= {"episodes": 3, "lanes": 2}
    YAML().dump(params, tmp_path / "params.yaml")
    options = [
        f"--{name}={tmp_path / file}" for name, file in (("params", "params.yaml"), ("agent", "agent"))
    ]

    work, one, two = (tmp_path / name for name in ("work", "one.zarr", "two.zarr"))
    alone = CliRunner().invoke(stage("rollout"), [*options, f"--work={work}", f"--out={one}"])
    assert alone.exit_code == 0, alone.output
    done = run_stage("stages.rollout", *options, f"--work={work}", f"--out={two}")
    assert done.returncode == 0, done.stderr
    assert digest(one) == digest(two)
    assert "2/2 " in done.stderr  # of 3 episodes, the first process's
    assert not any(work.iterdir())


def test_a_mistake_that_one_finds_ends_all_in_one_line(two: tuple[list[dict[str, Any]], str]) -> None:
    """The other waited for it, and would for a day."""
    assert two[1] == "error: train.epochs: too few; use more\n"


def test_a_mistake_that_all_find_is_told_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = str(tmp_path / "error.json")
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", file)
    get_error_handler().record_exception(ParamError("train.epochs: too few; use more"))
    failures = {rank: ProcessFailure(rank, 1, 1, file) for rank in (0, 1)}
    assert causes(failures) == "train.epochs: too few; use more"


def test_the_process_that_died_first_is_named() -> None:
    failures = {
        rank: ProcessFailure(rank, os.getpid(), -number, "")
        for rank, number in enumerate((signal.SIGTERM, signal.SIGKILL, signal.SIGTERM))
    }
    assert causes(failures).startswith("rank 1: ended with SIGKILL; ")


def test_an_impossible_number_of_processes_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PET_NPROC_PER_NODE", "two")
    result = CliRunner().invoke(stage("rollout"))
    assert result.exit_code == 1
    assert result.stderr.startswith("error: PET_") and result.stderr.count("\n") == 1
    assert "two" in result.stderr


def test_other_stages_run_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(REPO)
    monkeypatch.setenv("PET_NPROC_PER_NODE", "2")
    monkeypatch.setattr("stages.elastic.launch", lambda command: pytest.fail("started processes"))
    result = CliRunner().invoke(stage("crop"), ["--changes", str(tmp_path / "x.zarr")])
    assert result.exit_code == 1
    assert ".zarr: " in result.stderr


def test_processes_of_a_host_divide_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IRISLIB_WORKERS")
    assert workers() == cores()
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "LOCAL_WORLD_SIZE": str(2 * cores())}.items():
        monkeypatch.setenv(name, value)
    assert workers() == 1
    monkeypatch.setenv("IRISLIB_WORKERS", "3")
    assert workers() == 3
