"""The maps of all present pairs against pytorch-grad-cam, called once for each of them."""

import sys
import time
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor, nn

import irislib.vision  # noqa: F401 - before pytorch-grad-cam imports torchvision itself
from benchmarks.measuring import measure
from benchmarks.official_weights import OFFICIAL
from benchmarks.recording import copy_beginning
from benchmarks.timing import synchronize
from irislib.agent import load_agent
from irislib.agent.agent import Agent
from irislib.artifacts import Store, open_store
from irislib.device import pick_device
from irislib.errors import IrislibError
from irislib.interpret.attribution.gradcam import mask_codes
from irislib.seeding import stream
from irislib.stores.heatmaps import HEATMAPS
from irislib.tokenizers.learned import LearnedTokenizer
from irislib.tokenizers.load import load_tokenizer, tokenizer_digest

TOLERANCE = 1e-5  # of the largest value of all maps looked at
WARM_UP = 3  # calls


class Decoding(nn.Module):
    """Latents float [N,C,h,w] to frames, with a layer for pytorch-grad-cam to look at: the latents."""

    def __init__(self, tokenizer: LearnedTokenizer) -> None:
        super().__init__()
        self.code_input, self.tokenizer = nn.Identity(), tokenizer

    def forward(self, latents: Tensor) -> Tensor:
        return self.tokenizer.decode(self.code_input(latents))


def race_gradcam(play: Store, steps: int, calls: int, folder: Path) -> None:
    """Prints how many times as fast the gradcam stage is, at official sizes with random weights.

    Args:
        play: recorded play; its tokens say which code stands where, whoever made them.
        steps: the stage makes the maps of the first so many transitions.
        calls: present pairs, drawn at random, that pytorch-grad-cam is called for.
        folder: for the agent and the stores.

    Raises:
        IrislibError: pytorch-grad-cam is not installed, or the maps differ.
    """
    if find_spec("pytorch_grad_cam") is None:
        raise IrislibError("pytorch_grad_cam: not installed; pip install --editable '.[benchmarks]'")
    rmtree(folder, ignore_errors=True)
    agent = folder / "agent"
    agent.mkdir(parents=True)
    _random_agent().save(agent)
    rollouts, heatmaps = folder / "rollouts.zarr", folder / "heatmaps.zarr"
    made_by = {"source": None, "digest": tokenizer_digest(load_tokenizer(agent))}
    copy_beginning(play, steps, rollouts, {"tokenizer": made_by})
    paths = {"agent": agent, "rollouts": rollouts, "out": heatmaps, "work": folder / "work"}
    command = [sys.executable, "-m", "stages.gradcam", *(f"--{name}={path}" for name, path in paths.items())]
    ours = measure(command, folder / "gradcam.log")

    maps = open_store(heatmaps, HEATMAPS)
    pairs = maps.array("occurrence_step").shape[0]
    rows = stream(0, "benchmark", "pairs").choice(pairs, min(calls, pairs), replace=False)
    theirs, busy, difference = call_for_each(load_agent(agent).tokenizer, maps, np.sort(rows))
    median, work = float(np.median(theirs)), float(np.median(busy))
    click.echo(f"\n| Grad-CAM at the code input, {steps:,} transitions | |\n| --- | --: |")
    for what, value in (
        ("present pairs", f"{pairs:,}"),
        ("distinct maps", f"{len(maps):,}"),
        ("pairs a map", f"{pairs / len(maps):.1f}"),
        (f"pytorch-grad-cam, s a pair (of {len(theirs)})", f"{median:.4f}"),
        ("the same, processor s", f"{work:.4f}"),
        ("the gradcam stage, s in all", f"{ours.seconds:.1f}"),
        ("the gradcam stage, processor s a distinct map", f"{ours.busy / len(maps):.4f}"),
        ("largest difference, of the largest value", f"{difference:.1e}"),
        ("times as fast", f"{median * pairs / ours.seconds:.0f}"),
        ("times as little work of processors", f"{work * pairs / ours.busy:.0f}"),
    ):
        click.echo(f"| {what} | {value} |")
    if not difference <= TOLERANCE:
        raise IrislibError(f"the maps differ by {difference:.1e} of the largest, more than {TOLERANCE}")


def _random_agent() -> Agent:
    torch.manual_seed(0)
    agent = Agent(OFFICIAL)
    nn.init.normal_(agent.tokenizer.codebook)  # drawn as small as for training, codes would hardly matter
    return agent


def call_for_each(
    tokenizer: LearnedTokenizer, maps: Store, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Calls pytorch-grad-cam for present pairs, one at a time, and compares.

    Its weights are frozen, as ours are, so that it computes no gradient that it does not need.

    Args:
        tokenizer: on the device to compare on.
        maps: of the mean of the decoded image, at the code input.
        rows: int [n], the pairs.

    Returns:
        Seconds of each call float [n], those that processors worked float [n], and the largest difference of
        the maps before the ReLU, as a share of their largest absolute value.
    """
    from pytorch_grad_cam import GradCAM

    class Raw(GradCAM):  # type: ignore[misc]  # has no types
        """Keeps the map as it is before it is cut off at zero, stretched to [0, 1] and resized."""

        def get_cam_image(self, *args: Any) -> Any:
            self.raw = super().get_cam_image(*args)
            return self.raw

    device = pick_device()
    model = Decoding(tokenizer.requires_grad_(False))
    occurrence_map = maps.read("occurrence_map", rows)
    code, where = maps.read("map_code", occurrence_map), maps.read("map_positions", occurrence_map)
    expected = _raw_maps(maps, occurrence_map, where)
    seconds, busy, raw = [], [], []
    with Raw(model, [model.code_input]) as explain:
        for n in [0] * WARM_UP + list(range(len(rows))):
            synchronize(device)
            start, worked = time.perf_counter(), time.process_time()
            latents = mask_codes(
                tokenizer,
                torch.from_numpy(code[n : n + 1].astype(np.int64)).to(device),
                torch.from_numpy(where[n : n + 1]).to(device),
            )
            explain(latents.requires_grad_(), [Tensor.mean])
            synchronize(device)
            seconds.append(time.perf_counter() - start)
            busy.append(time.process_time() - worked)
            raw.append(explain.raw[0])
    found = np.stack(raw[WARM_UP:])
    difference = np.abs(found - expected).max() / np.abs(found).max()
    return np.array(seconds[WARM_UP:]), np.array(busy[WARM_UP:]), float(difference)


def _raw_maps(maps: Store, rows: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Before the ReLU, float32 [n,h,w]: at the code input one number where the code stands, else zero."""
    high, low = maps.read("map_raw_max", rows), maps.read("map_raw_min", rows)
    value = np.where(high > 0, high, low)
    return np.where(where, value[:, None, None], np.float32(0))
