"""Several processes that work on one result: torch.distributed's ranks, or a single process that needs none.

Stages are written once for any number of ranks: alone, all of this does nothing and torch.distributed is
never started.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from itertools import chain
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from irislib.device import pick_device
from irislib.runtime import launched

T = TypeVar("T")

# Rank 0 may collect or write for hours while the others wait. No need to notice a dead rank sooner: the
# launcher sees it end and ends the rest.
TIMEOUT = timedelta(days=1)


@contextmanager
def join() -> Iterator[None]:
    """Meets the other processes that the elastic launcher started; without a launcher there are none.

    Leaving it waits for all. Raises ParamError where this rank has no device.
    """
    if not launched():
        yield
        return
    device = pick_device()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=TIMEOUT)
    yield
    # Not after an error: then the others wait elsewhere, and NCCL would wait for them.
    dist.barrier()
    dist.destroy_process_group()


def rank() -> int:
    """This process's number among all, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """How many processes there are, on all hosts."""
    return dist.get_world_size() if dist.is_initialized() else 1


def mean(x: Tensor) -> Tensor:
    """Mean of a floating-point tensor over the ranks; no gradient flows through it. Alone: `x` itself."""
    if world_size() == 1:
        return x
    total = x.detach().clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total / world_size()


def sum_in_order(own: Mapping[int, Tensor], owners: Sequence[int]) -> Tensor:
    """The sum of numbered terms, added up in this order: the same bits for any number of ranks.

    On GPUs the order is NCCL's: it adds the ranks' own sums in one step.

    Args:
        own: the terms that this rank has, by number; of one shape and dtype on all ranks.
        owners: the rank that has each term, by number; every rank has at least one.
    """
    example = next(iter(own.values()))
    total = torch.zeros_like(example)
    if world_size() > 1 and example.is_cuda:
        for term in own.values():
            total += term.detach()
        dist.all_reduce(total)
        return total
    for number, owner in enumerate(owners):
        term = own[number].detach() if owner == rank() else torch.empty_like(example)
        if world_size() > 1:
            dist.broadcast(term, src=owner)
        total += term
    return total


def gather(x: Tensor) -> Tensor:
    """The ranks' tensors concatenated along their first dimension in rank order; they may differ in length.

    No gradient flows through it. Alone: `x` itself.
    """
    if world_size() == 1:
        return x
    length = torch.tensor([len(x)], device=x.device)
    lengths = [torch.empty_like(length) for _ in range(world_size())]
    dist.all_gather(lengths, length)
    longest = max(map(int, lengths))
    padded = x.new_zeros(longest, *x.shape[1:])
    padded[: len(x)] = x.detach()
    parts = [torch.empty_like(padded) for _ in lengths]
    dist.all_gather(parts, padded)
    return torch.cat([part[: int(n)] for part, n in zip(parts, lengths, strict=True)])


def synchronize(module: nn.Module) -> None:
    """Copies the parameters and buffers of rank 0 to the others."""
    if world_size() > 1:
        for tensor in chain(module.parameters(), module.buffers()):
            dist.broadcast(tensor.detach(), src=0)


def share(value: T) -> T:
    """The picklable value of rank 0, on every rank."""
    if world_size() == 1:
        return value
    values = [value]
    dist.broadcast_object_list(values, src=0, device=torch.device("cpu"))
    return values[0]


def barrier() -> None:
    """Waits until every rank is here."""
    if world_size() > 1:
        dist.barrier()


@contextmanager
def on_first(context: AbstractContextManager[T]) -> Iterator[T]:
    """Enters a context on rank 0 alone; every rank gets its value, and rank 0 leaves it after the others."""
    if rank() == 0:
        with context as value:
            yield share(value)
            barrier()
    else:
        yield share(None)  # type: ignore[misc]  # what rank 0 shares
        barrier()
