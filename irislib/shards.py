"""One computation over many items, cut into shards; a finished shard is kept on disk.

One process computes a shard on one thread, so its bits depend on its items alone: they are the same for any
number of processes, and for a run that was killed and resumed.
"""

import io
import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from irislib.device import one_thread
from irislib.errors import IrislibError
from irislib.runtime import deaf_to_interrupts, progress
from irislib.workdir import read_checked, write_checked

Arrays = Mapping[str, np.ndarray]
Compute = Callable[[range], Arrays]


@dataclass(frozen=True)
class Shards:
    """Items 0 to `total` - 1 in shards of `size`, and the folder with the result of each finished shard.

    Attributes:
        unit: what an item is, in one word, for file names and the progress bar.
        total: number of items.
        size: items in a shard. It can change bits, so it must depend on parameters of the result alone.
        folder: one file for each finished shard; see `workdir.work_in`.
    """

    unit: str
    total: int
    size: int
    folder: Path

    def __iter__(self) -> Iterator[range]:
        """All shards, in order."""
        items = range(self.total)
        return (items[start : start + self.size] for start in range(0, self.total, self.size))

    def unfinished(self) -> list[range]:
        """The shards without a file, in order."""
        # Listed, not looked up one by one: a network file system remembers what it did not find.
        finished = set(self.folder.iterdir())
        return [shard for shard in self if self._file(shard) not in finished]

    def keep(self, shard: range, arrays: Arrays) -> None:
        """Writes the result of a shard, whole or not at all."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # a stub's, of its other argument
        write_checked(self._file(shard), buffer.getvalue())

    def results(self) -> Iterator[dict[str, np.ndarray]]:
        """The results of all shards, in order, one in memory at a time. All shards must be finished.

        Raises ArtifactError where a shard's file is not what was kept.
        """
        for shard in self:
            with np.load(io.BytesIO(read_checked(self._file(shard)))) as arrays:
                yield dict(arrays)

    def _file(self, shard: range) -> Path:
        return self.folder / f"{self.unit}s-{shard.start:06d}-{shard.stop:06d}.npz"


def compute_shards(
    shards: Shards, todo: list[range], processes: int, desc: str, prepare: Callable[..., Compute], *args: Any
) -> None:
    """Computes shards and keeps their results. Ctrl-C ends the worker processes at once.

    Args:
        shards: all shards of the computation.
        todo: the shards to compute.
        processes: how many to use. With one, this process computes and starts no other.
        desc: names the work in the progress bar and in errors.
        prepare: a module's function that returns the computation; called with `args` once in each process.
        args: picklable values.

    Raises:
        IrislibError: a process died. What the computation raises is raised here.
    """
    processes = min(processes, len(todo))
    with progress(desc=desc, total=sum(map(len, todo)), unit=shards.unit) as bar:
        if processes <= 1:
            with one_thread():  # as a worker does
                compute = prepare(*args) if todo else None
                for shard in todo:
                    assert compute is not None
                    shards.keep(shard, compute(shard))
                    bar.update(len(shard))
            return
        with TemporaryDirectory() as folder:
            # In a file, because the start of a process waits until it has read its arguments from a pipe,
            # which it does seconds later: the workers would start one after the other.
            task = Path(folder) / "task.pickle"
            task.write_bytes(pickle.dumps((prepare, args)))
            _compute_in_pool(shards, todo, processes, desc, task, bar)


def _compute_in_pool(
    shards: Shards, todo: list[range], processes: int, desc: str, task: Path, bar: "tqdm[Any]"
) -> None:
    others = set(active_children())
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _start_worker, (shards, task))
    try:
        with deaf_to_interrupts():
            jobs = {pool.submit(_work_on, shard): shard for shard in todo}
        for job in as_completed(jobs):
            job.result()
            bar.update(len(jobs[job]))
    except BrokenProcessPool:
        raise IrislibError(f"{desc}: a worker process died (out of memory?); run again to resume") from None
    except KeyboardInterrupt:
        for worker in set(active_children()) - others:
            worker.kill()  # unfinished shards are lost, finished ones are on disk
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass
class _Worker:
    shards: Shards
    task: Path
    compute: Compute | None = None


_worker: _Worker  # of this process


def _start_worker(shards: Shards, task: Path) -> None:
    global _worker
    torch.set_num_threads(1)  # one shard a core; and the same sums on every machine with these kernels
    Thread(target=_exit_with_parent, daemon=True).start()
    _worker = _Worker(shards, task)


def _work_on(shard: range) -> None:
    # Not in _start_worker: the pool would report an error there as the death of a worker.
    if _worker.compute is None:
        prepare, args = pickle.loads(_worker.task.read_bytes())
        _worker.compute = prepare(*args)
    assert _worker.compute is not None
    _worker.shards.keep(shard, _worker.compute(shard))


def _exit_with_parent() -> None:
    """Ends this worker when its parent has ended, which a killed parent cannot do."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
