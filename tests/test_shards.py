import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from irislib.errors import ArtifactError, IrislibError, ParamError
from irislib.shards import Compute, Shards, compute_shards

# What the workers run; each notes in the folder beside that it began with a shard.


def note_squares(log: Path) -> Callable[[range], dict[str, np.ndarray]]:
    me = os.getpid()

    def compute(shard: range) -> dict[str, np.ndarray]:
        (log / f"{shard.start}-{shard.stop}-{me}-{torch.get_num_threads()}").touch()
        return {"square": np.square(np.array(shard)), "process": np.full(len(shard), me)}

    return compute


def die_at(log: Path, fatal: int) -> Compute:
    compute = note_squares(log)

    def or_die(shard: range) -> dict[str, np.ndarray]:
        if fatal in shard:
            os.kill(os.getpid(), signal.SIGKILL)
        return compute(shard)

    return or_die


def interrupt_oneself(log: Path) -> Compute:
    compute = note_squares(log)

    def hear_and_go_on(shard: range) -> dict[str, np.ndarray]:
        os.kill(os.getpid(), signal.SIGINT)
        return compute(shard)

    return hear_and_go_on


def complain(log: Path) -> Compute:
    raise ParamError("squares.root: too deep")


def wait_for_ever(log: Path) -> Compute:
    def wait(shard: range) -> dict[str, np.ndarray]:
        (log / f"{os.getpid()}").touch()
        time.sleep(600)
        raise AssertionError

    return wait


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    (tmp_path / "work").mkdir()
    return Shards("number", total=11, size=3, folder=tmp_path / "work")


def begun(log: Path) -> list[range]:
    names = (file.name.split("-") for file in log.iterdir())
    return sorted((range(int(start), int(stop)) for start, stop, *_ in names), key=lambda shard: shard.start)


def test_shards_are_all_items_once_in_order(tmp_path: Path) -> None:
    for total in range(12):
        for size in range(1, 13):
            shards = list(Shards("number", total, size, tmp_path))
            assert [item for shard in shards for item in shard] == list(range(total))
            assert all(len(shard) == size for shard in shards[:-1])
            assert all(shards)


@pytest.mark.parametrize("processes", [1, 2])
def test_results_are_in_the_order_of_the_items(shards: Shards, log: Path, processes: int) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        compute_shards(shards, shards.unfinished(), processes, "squares", note_squares, log)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert shards.unfinished() == []
    results = list(shards.results())
    assert np.concatenate([arrays["square"] for arrays in results]).tolist() == [n * n for n in range(11)]
    workers = set(np.concatenate([arrays["process"] for arrays in results]))
    assert (workers == {os.getpid()}) == (processes == 1)
    assert {file.name.split("-")[-1] for file in log.iterdir()} == {"1"}  # thread each


def test_what_is_finished_is_not_done_again(shards: Shards, log: Path) -> None:
    compute_shards(shards, [range(3, 6)], 1, "squares", note_squares, log)
    assert shards.unfinished() == [range(0, 3), range(6, 9), range(9, 11)]
    (kept,) = shards.folder.iterdir()
    before = kept.stat().st_mtime_ns
    for file in log.iterdir():
        file.unlink()
    compute_shards(shards, shards.unfinished(), 1, "squares", note_squares, log)
    assert begun(log) == [range(0, 3), range(6, 9), range(9, 11)]
    assert kept.stat().st_mtime_ns == before


def test_without_anything_to_do_nothing_is_prepared(shards: Shards, log: Path) -> None:
    for processes in (1, 2):
        compute_shards(shards, [], processes, "squares", complain, log)


def test_a_dead_worker_is_one_line_and_its_fellows_work_is_kept(shards: Shards, log: Path) -> None:
    with pytest.raises(IrislibError, match=r"^squares: a worker process died .* resume$") as error:
        compute_shards(shards, shards.unfinished(), 2, "squares", die_at, log, 10)
    assert "\n" not in str(error.value)
    left = shards.unfinished()
    assert range(9, 11) in left
    compute_shards(shards, left, 2, "squares", note_squares, log)
    squares = np.concatenate([arrays["square"] for arrays in shards.results()])
    assert squares.tolist() == [n * n for n in range(11)]


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_comes_through_as_it_is(shards: Shards, log: Path, processes: int) -> None:
    with pytest.raises(ParamError, match=r"^squares\.root: too deep$"):
        compute_shards(shards, shards.unfinished(), processes, "squares", complain, log)
    assert len(shards.unfinished()) == 4


def parent_of(shards: Shards, log: Path, compute: str, **popen: Any) -> subprocess.Popen[str]:
    """A process that computes the shards with two workers, and says what ends it as a stage does."""
    return start(
        log,
        "from irislib.shards import Shards, compute_shards; import test_shards",
        f"shards = Shards('number', 11, 3, Path({str(shards.folder)!r}))",
        f"compute_shards(shards, list(shards), 2, 'w', test_shards.{compute}, Path({str(log)!r}))",
        **popen,
    )


def start(log: Path, imports: str, before: str, work: str, **popen: Any) -> subprocess.Popen[str]:
    """A process that notes in the folder `log` when it begins to work."""
    code = (
        f"import sys, time\nfrom pathlib import Path\n{imports}\n"
        f"if __name__ == '__main__':\n    {before}\n    Path({str(log / 'begun')!r}).touch()\n"
        f"    try:\n        {work}\n    except KeyboardInterrupt:\n        sys.exit('interrupted')\n"
    )
    script = log.parent / "parent.py"
    script.write_text(code)
    path = os.pathsep.join((str(Path(__file__).parent), str(Path(__file__).parent.parent)))
    env = os.environ | {"PYTHONPATH": path}
    return subprocess.Popen([sys.executable, str(script)], env=env, text=True, **popen)


def test_workers_leave_with_a_killed_parent(shards: Shards, log: Path) -> None:
    parent = parent_of(shards, log, "wait_for_ever", stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: len(list(log.iterdir())) == 3)
    finally:
        parent.kill()
        parent.wait()
    workers = [int(file.name) for file in log.iterdir() if file.name != "begun"]
    wait_until(lambda: not any(is_running(worker) for worker in workers))


@pytest.mark.parametrize("seconds", [0.0, 0.2, 1.0, None], ids=["at once", "early", "later", "at work"])
def test_an_interrupt_ends_all_within_seconds_and_in_one_line(
    shards: Shards, log: Path, seconds: float | None
) -> None:
    parent = parent_of(shards, log, "wait_for_ever", stderr=subprocess.PIPE, start_new_session=True)
    assert interrupted(parent, log, seconds, files=3) < 25  # a loaded machine is slow; it must only not wait


def test_workers_never_hear_an_interrupt(shards: Shards, log: Path) -> None:
    """Else each would end with a traceback of its own, if it is quicker than its parent, who ends it."""
    try:
        compute_shards(shards, shards.unfinished(), 2, "squares", interrupt_oneself, log)
    except KeyboardInterrupt:  # it would end pytest
        pytest.fail("a worker heard it")
    assert not shards.unfinished()


@pytest.mark.parametrize("early", [True, False])
def test_an_interrupt_ends_lanes_in_one_line(log: Path, early: bool) -> None:
    parent = start(
        log,
        "from irislib.worlds.vector import make_vector_env; import tiny",
        "pass",
        f"envs = make_vector_env(tiny.ENV, 2, 2); Path({str(log / 'ready')!r}).touch(); time.sleep(600)",
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        if early:  # while the lanes' processes start
            wait_until(lambda: any("spawn_main" in str(args) for args in members(parent.pid)))
        interrupted(parent, log, 0.0 if early else None, files=2)  # lanes that start are waited for
    finally:
        parent.kill()


def interrupted(parent: subprocess.Popen[str], log: Path, seconds: float | None, files: int) -> float:
    """Seconds from Ctrl-C to the end of a process and all that it started; it must say one line.

    Args:
        seconds: after its begin; None is when there are so many `files` in `log`.
    """
    try:
        wait_until(lambda: len(list(log.iterdir())) == (files if seconds is None else 1))
        time.sleep(seconds or 0)
        begun = time.monotonic()
        os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to every process of the group
        _, printed = parent.communicate(timeout=60)
    finally:
        parent.kill()
    lines = [line.strip() for line in printed.splitlines()]
    assert [line for line in lines if line and not line.startswith("w: ")] == ["interrupted"]
    wait_until(lambda: not members(parent.pid))
    return time.monotonic() - begun


def members(group: int) -> list[list[str]]:
    """Processes of a group that have not ended."""
    command = ["ps", "-A", "-ww", "-o", "pgid=,stat=,args="]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    processes = (line.split(maxsplit=2) for line in listed)
    return [args for pgid, stat, *args in processes if int(pgid) == group and not stat.startswith("Z")]


def test_a_shard_that_is_not_what_was_kept_is_noticed(shards: Shards, log: Path) -> None:
    compute_shards(shards, shards.unfinished(), 1, "squares", note_squares, log)
    file = sorted(shards.folder.iterdir())[1]
    whole = file.read_bytes()
    for damaged in (b"", whole[:20], whole[:-1], flipped(whole, 5), flipped(whole, len(whole) // 2)):
        file.write_bytes(damaged)
        with pytest.raises(ArtifactError) as raised:
            list(shards.results())
        assert str(raised.value).startswith(f"{file}: damaged") and "delete it" in str(raised.value)
        assert "\n" not in str(raised.value)
    file.unlink()
    compute_shards(shards, shards.unfinished(), 1, "squares", note_squares, log)
    squares = np.concatenate([arrays["square"] for arrays in shards.results()])
    assert squares.tolist() == [n * n for n in range(11)]


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/status")  # a process that nobody has waited for yet is there, but ended
    return not (status.exists() and "\nState:\tZ" in status.read_text())
