"""Files and folders: whole or not at all, by one process at a time; refusals of the system in one line."""

import errno
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny import make_decoding_agent

from irislib.agent import load_agent
from irislib.artifacts import (
    Array,
    Schema,
    check_writable,
    digest,
    locked,
    open_store,
    read_file,
    replacing,
    write_atomically,
    write_json,
    writing,
)
from irislib.errors import ArtifactError
from irislib.tokenizers.load import load_tokenizer
from irislib.workdir import read_checked, work_in, write_checked

SCHEMA = Schema("irislib/test", 1, "gradcam", {"obs": Array("uint8", ("step", "y"), chunk=4, shard=8)})
BIG = np.random.default_rng(0).integers(0, 255, (64, 4096), dtype=np.uint8)


def write_store(path: Path) -> None:
    with writing(path, SCHEMA, {}) as store:
        store.append(obs=BIG)


def write_folder(path: Path) -> None:
    with replacing(path) as partial:
        (partial / "file").write_bytes(BIG.tobytes())


def write_weights(path: Path) -> None:
    with replacing(path) as partial:
        save_file({"weight": torch.from_numpy(BIG)}, partial / "model.safetensors")


def write_file(path: Path) -> None:
    write_atomically(path, BIG.tobytes())


def write_numbers(path: Path) -> None:
    write_json(path, BIG[0].tolist())


def write_work(path: Path) -> None:
    write_checked(path, BIG.tobytes())


def begin_work(path: Path) -> None:
    with work_in(path, "train", 1):
        raise AssertionError("begun")


WRITERS = [write_store, write_folder, write_weights, write_file, write_numbers, write_work]
Write = Callable[[Path], None]


def refused(action: Callable[[], object], path: Path) -> str:
    """The one line with which an action that cannot reach `path` ends."""
    with pytest.raises(ArtifactError) as raised:
        action()
    message = str(raised.value)
    assert message.startswith(f"{path}") and "\n" not in message and "missing" not in message
    return message


# A full disk


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file can grow beyond so many bytes, as on a disk with a quota."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_is_one_line_and_leaves_what_was_there(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "out")
    before = digest(tmp_path / "out")
    with files_up_to(4096):
        message = refused(lambda: write(tmp_path / "out"), tmp_path / "out")
    assert "cannot be written" in message and "free some space" in message
    assert list(tmp_path.iterdir()) == [tmp_path / "out"] and digest(tmp_path / "out") == before
    write(tmp_path / "out")
    assert digest(tmp_path / "out") == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_no_space_left_is_told_and_frees_what_it_took(tmp_path: Path) -> None:
    (tmp_path / "out.partial").symlink_to("/dev/full")
    message = refused(lambda: write_checked(tmp_path / "out", b"content"), tmp_path / "out")
    assert os.strerror(errno.ENOSPC) in message
    assert list(tmp_path.iterdir()) == []


# Rights


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder where rights count: root, for whom none do, is somebody else while the test runs."""
    somebody, root = 65534, os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        if root:
            os.chown(name, somebody, somebody)
            os.seteuid(somebody)
        try:
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)
            for path, _, _ in os.walk(name):
                Path(path).chmod(0o700)


@pytest.mark.parametrize("write", [*WRITERS, begin_work, check_writable])
def test_a_folder_that_cannot_be_written_is_one_line(folder: Path, write: Write) -> None:
    folder.chmod(0o555)
    message = refused(lambda: write(folder / "out"), folder / "out")
    assert "cannot be written (Permission denied); give this user the right" in message


@pytest.mark.parametrize("write", [*WRITERS, begin_work, check_writable])
def test_a_path_below_a_file_is_one_line(tmp_path: Path, write: Write) -> None:
    (tmp_path / "file").write_text("")
    message = refused(lambda: write(tmp_path / "file/out"), tmp_path / "file/out")
    assert "cannot be written" in message


@pytest.mark.parametrize("inside", ["", "zarr.json", "obs", "obs/c/3/0"])
def test_what_cannot_be_read_is_not_called_missing(folder: Path, inside: str) -> None:
    write_store(folder / "a.zarr")
    (folder / "a.zarr" / inside).chmod(0)
    message = refused(lambda: open_store(folder / "a.zarr", SCHEMA).read("obs"), folder / "a.zarr")
    assert "cannot be read (Permission denied); give this user the right" in message
    assert "Permission denied" in refused(lambda: digest(folder / "a.zarr"), folder / "a.zarr")


def test_a_file_that_cannot_be_read_is_not_called_missing(folder: Path) -> None:
    write_checked(folder / "x", b"")
    (folder / "x").chmod(0)
    for read in (lambda: read_file(folder / "x", "make it"), lambda: read_checked(folder / "x")):
        assert "cannot be read (Permission denied)" in refused(read, folder / "x")
    (folder / "y").symlink_to("y")
    assert "cannot be read" in refused(lambda: read_file(folder / "y", "make it"), folder / "y")
    with pytest.raises(ArtifactError, match="z: missing; make it"):
        read_file(folder / "z", "make it")


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_an_agent_that_cannot_be_read_is_not_called_missing(folder: Path, file: str) -> None:
    agent = folder / "agent"
    agent.mkdir()
    make_decoding_agent(4, 16).save(agent)
    (agent / file).chmod(0)
    for load in (load_agent, load_tokenizer):
        message = refused(lambda: load(agent), agent / file)  # noqa: B023 - called at once
        assert "cannot be read (Permission denied)" in message
    (agent / file).unlink()
    for load in (load_agent, load_tokenizer):
        with pytest.raises(ArtifactError, match=f"{file}: missing"):
            load(agent)


def test_an_input_that_cannot_be_read_is_not_blamed_on_the_output(folder: Path) -> None:
    (folder / "input").write_text("")
    (folder / "input").chmod(0)

    def copy() -> None:
        with replacing(folder / "out") as partial:
            (partial / "copy").write_text((folder / "input").read_text())

    assert "cannot be opened (Permission denied)" in refused(copy, folder / "input")


def test_trying_whether_a_target_can_be_written_leaves_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "new/out")
    assert [p.name for p in tmp_path.rglob("*")] == ["new"]
    with files_up_to(100):
        assert "free some space" in refused(lambda: check_writable(tmp_path / "out"), tmp_path / "out")


# One process at a time


@pytest.mark.parametrize("write", [write_store, write_folder])
def test_two_writers_of_one_target_are_refused(tmp_path: Path, write: Write) -> None:
    with replacing(tmp_path / "out") as partial:
        (partial / "file").write_text("first")
        message = refused(lambda: write(tmp_path / "out"), tmp_path / "out")
        assert "another process is writing it" in message
    assert (tmp_path / "out/file").read_text() == "first"
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def start(code: str) -> "subprocess.Popen[str]":
    code = f"from pathlib import Path\nfrom irislib.artifacts import locked, replacing\n{code}"
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    return subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True)


def test_what_a_killed_writer_left_holds_nobody_up(tmp_path: Path) -> None:
    code = "with replacing(Path({!r})):\n print('begun', flush=True)\n import time; time.sleep(600)"
    with start(code.format(str(tmp_path / "out"))) as other:
        try:
            assert other.stdout is not None and other.stdout.readline() == "begun\n"
            assert "another process" in refused(lambda: write_folder(tmp_path / "out"), tmp_path / "out")
        finally:
            other.kill()
    assert len(list(tmp_path.iterdir())) == 2  # the lock and the half-done folder
    write_folder(tmp_path / "out")
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_a_lock_lets_one_at_a_time_through(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    code = (
        f"file = Path({str(tmp_path / 'count')!r})\n"
        "for _ in range(40):\n"
        " with locked(file, wait=60):\n"
        "  number = int(file.read_text())\n"
        "  file.write_text(str(number + 1))\n"
    )
    others = [start(code) for _ in range(3)]
    assert [other.wait() for other in others] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "120"


def test_a_target_lost_between_two_renames_is_brought_back(tmp_path: Path) -> None:
    write_folder(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "out.old.partial")  # killed here, before the new one took its place
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "out"):
        raise KeyboardInterrupt
    assert [p.name for p in sorted(tmp_path.rglob("*"))] == ["out", "file"]
    with locked(tmp_path / "out"):
        pass


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        write_atomically(tmp_path / "x", content)
        assert (tmp_path / "x").read_bytes() == content
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]
