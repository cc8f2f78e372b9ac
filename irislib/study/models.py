"""How the tokenizer of an arm is made: trained, untrained, or k-means of patches."""

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from irislib.baselines.fit import fitting_steps
from irislib.baselines.patch_means import fit_patches
from irislib.baselines.untrained import fit_untrained
from irislib.interpret.tokens.patches import label_patches, patch_boxes
from irislib.interpret.tokens.recording import Recording
from irislib.study.arms import Arm
from irislib.study.config import KMeansConfig, TrainedConfig, UntrainedConfig
from irislib.tokenizers.checks import no_gradients
from irislib.tokenizers.make import make_tokenizer
from irislib.tokenizers.protocol import FrameTokenizer
from irislib.training.tokenizer_alone import train_tokenizer

CPU = torch.device("cpu")


def make_tokenizers(arm: Arm, training: Recording, seed: int) -> dict[int, FrameTokenizer]:
    """The arm's tokenizer by the gradient steps after which it is looked at; the finished one is the last.

    Args:
        arm: says how it is made.
        training: episodes to learn from.
        seed: of all draws.

    Returns:
        Tokenizers in evaluation mode, without gradients. One that is not trained stands at 0 steps.

    Raises:
        ParamError: the tokenizer does not fit the frames.
    """
    match arm.study.model:
        case TrainedConfig() as config:
            made: dict[int, FrameTokenizer] = _trained(arm, config, training, seed)
        case UntrainedConfig():
            frames = _frames(training, seed)
            made = {0: fit_untrained(arm.tokenizer, arm.tokenizer.vocab_size, frames, seed)}
        case KMeansConfig() as config:
            grid = config.grid(training.frames.shape[1:3])
            made = {0: fit_patches(grid, arm.tokenizer.vocab_size, _frames(training, seed), seed)}
    return {steps: no_gradients(one, CPU) for steps, one in made.items()}


def _frames(training: Recording, seed: int) -> UInt8[np.ndarray, "n y x 3"]:
    """Frames drawn for the baselines, which learn from fewer."""
    frames: np.ndarray = training.frames[fitting_steps(len(training), seed)]
    return frames


def _trained(arm: Arm, config: TrainedConfig, training: Recording, seed: int) -> dict[int, FrameTokenizer]:
    trained = train_tokenizer(
        arm.tokenizer,
        training.frames,
        steps=config.steps,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        seed=seed,
        histograms=_histograms(arm, training),
        snapshots=config.snapshots,
    )
    return {**trained.snapshots, config.steps: trained.tokenizer}


def _histograms(arm: Arm, training: Recording) -> Float32[np.ndarray, "n tokens labels"] | None:
    """For an arm that labels teach, the share of each label in each token's patch; zeros off the world."""
    if arm.tokenizer.alignment.kind != "labels":
        return None
    height, width = training.frames.shape[1:3]
    with torch.random.fork_rng(devices=[]):
        boxes = patch_boxes(make_tokenizer(arm.tokenizer, (height, width)), (height, width))
    patches = label_patches(training.truth, boxes)
    shares = np.zeros((len(training), len(boxes), len(patches.names)), np.float32)
    shares[:, patches.position] = patches.share
    return shares
