"""Which labels survive the tokenizer: what a reconstruction still shows of each thing in the world."""

import math

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int, UInt8

from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.interpret.sensitivity.episode_intervals import share_interval
from irislib.report.inputs import Inputs
from irislib.seeding import stream
from irislib.tokenizers.context import past_of
from irislib.tokenizers.load import load_recorded_tokenizer
from irislib.tokenizers.reconstruction import reconstruct

FRAMES = 192  # evenly spaced frames that are judged
OF_A_LABEL = 12  # further frames for each label that is in few frames
BRIGHT = 0.8  # least daylight: in the dark the frame itself hardly shows what is there
FEWEST = 10  # rectangles of a label, so that it is judged


def reconstructed(
    inputs: Inputs, steps: Int[np.ndarray, " n"]
) -> tuple[UInt8[np.ndarray, "n h w 3"], UInt8[np.ndarray, "n h w 3"]]:
    """Recorded frames, and what the tokenizer reconstructs from their tokens."""
    # Some hundred frames are reconstructed quickly on the CPU.
    tokenizer = load_recorded_tokenizer(inputs.rollouts, inputs.agent, torch.device("cpu"))
    frames = inputs.rollouts.read("obs", steps)
    context = past_of(inputs.rollouts.read, steps, tokenizer.context_length)
    return frames, reconstruct(tokenizer, frames, context)


def survival(inputs: Inputs) -> pd.DataFrame:
    """What a reconstruction keeps of each label.

    A rectangle of the world is recognised by the average picture that is nearest to it. The average picture
    of a label is taken from observed frames of the even episodes, and rectangles of odd episodes are
    recognised, once in the observed frame and once in its reconstruction.

    Returns:
        one row for each label with at least `FEWEST` rectangles in odd episodes, most frequent first:
        label, count of rectangles, psnr_db within them, seen (share recognised in the observed frame), kept
        (the same in the reconstruction), low and high (its 95% interval over episodes).
    """
    label, episode = inputs.rollouts.read("label"), inputs.rollouts.read("episode")
    steps = _steps(inputs, label)
    boxes = np.array(inputs.rollouts.attrs["world_boxes"])
    size = boxes[:, 2:] - boxes[:, :2]
    usual = (size == np.median(size, axis=0)).all(axis=1)
    columns = ["label", "count", "psnr_db", "seen", "kept", "low", "high"]
    if len(steps) == 0 or not usual.any():
        return pd.DataFrame(columns=columns)
    pictures = [_cut(images, boxes[usual]) for images in reconstructed(inputs, steps)]
    frames, images = (cut.reshape(-1, cut.shape[-1]) for cut in pictures)
    truth = label[steps][:, usual].reshape(-1)
    owner = np.repeat(episode[steps], int(usual.sum()))
    learned = owner % 2 == 0
    known, means = _averages(frames[learned], truth[learned])
    names, rng, rows = inputs.rollouts.attrs["label_names"], stream(inputs.seed, "survival"), []
    for one in known:
        own = (truth == one) & ~learned
        if own.sum() < FEWEST:
            continue
        seen, kept = (known[_nearest(part[own], means)] == one for part in (frames, images))
        error = np.square((frames[own] - images[own]) / 255).mean()
        row = (own.sum(), -10 * math.log10(error) if error else math.inf, seen.mean(), kept.mean())
        rows.append((names[one], *row, *share_interval(kept, owner[own], rng)))
    return pd.DataFrame(rows, columns=columns).sort_values("count", ascending=False, kind="stable")


def varied(inputs: Inputs, count: int) -> Int[np.ndarray, " n"]:
    """Observations that together show as many labels as possible, the rarest labels first; ascending."""
    label = inputs.rollouts.read("label")
    clear = _clear(inputs)
    present = np.stack([(label == one).any(axis=1) for one in range(int(label.max()) + 1)], axis=1)
    often = present[clear].sum(axis=0)
    chosen: list[int] = []
    for one in np.argsort(often, kind="stable"):
        if often[one] and len(chosen) < count and not present[chosen, one].any():
            candidates = clear[present[clear, one]]
            chosen.append(int(candidates[present[candidates].sum(axis=1).argmax()]))
    more = [int(step) for step in clear[evenly_spaced(len(clear), count)] if step not in chosen]
    return np.sort(np.array([*chosen, *more][:count], np.int64))


def _clear(inputs: Inputs) -> Int[np.ndarray, " n"]:
    """Observations that show the world brightly; all of them if none does."""
    clear = np.flatnonzero(~inputs.rollouts.read("hidden") & (inputs.rollouts.read("daylight") >= BRIGHT))
    return clear if len(clear) else np.arange(len(inputs.rollouts))


def _steps(inputs: Inputs, label: UInt8[np.ndarray, "t boxes"]) -> Int[np.ndarray, " n"]:
    clear = _clear(inputs)
    steps = [clear[evenly_spaced(len(clear), FRAMES)]]
    for one in np.unique(label[clear]):
        having = clear[(label[clear] == one).any(axis=1)]
        steps.append(having[evenly_spaced(len(having), OF_A_LABEL)])
    return np.unique(np.concatenate(steps))


def _cut(
    images: UInt8[np.ndarray, "n h w 3"], boxes: Int[np.ndarray, "boxes 4"]
) -> Float[np.ndarray, "n boxes pixels"]:
    """The pixels of equally large rectangles."""
    cut = [images[:, y0:y1, x0:x1].reshape(len(images), -1) for y0, x0, y1, x1 in boxes]
    return np.stack(cut, axis=1).astype(np.float64)


def _averages(
    pictures: Float[np.ndarray, "n pixels"], truth: UInt8[np.ndarray, " n"]
) -> tuple[UInt8[np.ndarray, " labels"], Float[np.ndarray, "labels pixels"]]:
    known = np.unique(truth)
    return known, np.stack([pictures[truth == one].mean(axis=0) for one in known])


def _nearest(
    pictures: Float[np.ndarray, "n pixels"], means: Float[np.ndarray, "labels pixels"]
) -> Int[np.ndarray, " n"]:
    distance = np.square(means).sum(axis=1) - 2 * pictures @ means.T
    nearest: np.ndarray = distance.argmin(axis=1)
    return nearest
