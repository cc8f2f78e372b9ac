import sys
from pathlib import Path

import numpy as np
import pytest
from recordings import record_play as record

from benchmarks.measuring import measure
from benchmarks.recording import copy_beginning
from irislib.artifacts import open_store
from irislib.errors import IrislibError, ParamError
from irislib.stores.rollouts import ROLLOUTS

reads_proc = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="reads Linux's /proc")

HOLD = "import time; held = b'x' * 2**26; time.sleep(2)"  # 64 MiB


@reads_proc
def test_the_memory_of_all_processes_counts(tmp_path: Path) -> None:
    log = tmp_path / "log"
    one = measure([sys.executable, "-c", HOLD], log)
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {HOLD!r}])\n{HOLD}"
    apart = measure([sys.executable, "-c", code], log)  # one after the other
    start = f"import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', {HOLD!r}])"
    code = f"{start}\n{HOLD}\nchild.wait()"
    together = measure([sys.executable, "-c", code], log)
    assert 64 < one.memory < 128
    assert one.memory <= apart.memory < 128
    assert 128 < together.memory < 256
    assert 2 < one.seconds < apart.seconds


@reads_proc
def test_a_short_peak_is_not_missed(tmp_path: Path) -> None:
    assert (
        measure([sys.executable, "-c", "import time; b'x' * 2**28; time.sleep(2)"], tmp_path / "log").memory
        > 256
    )


def test_processors_work_less_than_a_command_that_waits_takes(tmp_path: Path) -> None:
    waits = measure([sys.executable, "-c", "import time; time.sleep(2)"], tmp_path / "log")
    assert waits.busy < 1.5 < 2 < waits.seconds
    code = "import time\nwhile time.process_time() < 1: pass"
    works = measure([sys.executable, "-c", code], tmp_path / "log")
    assert 1 <= works.busy <= works.seconds


def test_a_command_that_fails_is_an_error_with_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(IrislibError, match=r"exit code 3; too deep$"):
        measure(
            [sys.executable, "-c", "print('well'); print('too deep'); raise SystemExit(3)"], tmp_path / "log"
        )


def test_the_beginning_of_play_is_play(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    obs = rng.integers(0, 256, (9, 8, 8, 3), np.uint8)
    play = record(tmp_path / "all", obs, rng.integers(0, 5, (9, 2, 2)), 5)
    copy_beginning(play, 4, tmp_path / "some", {"agent": "other"})
    some = open_store(tmp_path / "some", ROLLOUTS)
    assert len(some) == 4
    for name in ROLLOUTS.arrays:
        np.testing.assert_array_equal(some.read(name), play.read(name, slice(4)))
    assert (some.attrs["codebook_size"], some.attrs["agent"], some.attrs["episodes"]) == (5, "other", 1)
    with pytest.raises(ParamError, match=r"^--episodes: .* 9 transitions"):
        copy_beginning(play, 10, tmp_path / "more")
