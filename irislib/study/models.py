"""How the tokenizer of an arm is made: trained, untrained, or k-means of patches."""

import numpy as np
import torch
from jaxtyping import UInt8

from irislib.baselines.fit import fitting_steps
from irislib.baselines.patch_means import fit_patches
from irislib.baselines.untrained import fit_untrained
from irislib.interpret.tokens.recording import Recording
from irislib.study.arms import Arm
from irislib.study.config import KMeansConfig, TrainedConfig, UntrainedConfig
from irislib.study.stand_ins import train_tokenizer
from irislib.tokenizers.checks import no_gradients
from irislib.tokenizers.protocol import FrameTokenizer

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
        case KMeansConfig(patch=patch):
            height, width = training.frames.shape[1:3]
            grid = height // patch, width // patch
            made = {0: fit_patches(grid, arm.tokenizer.vocab_size, _frames(training, seed), seed)}
    return {steps: no_gradients(one, CPU) for steps, one in made.items()}


def _frames(training: Recording, seed: int) -> UInt8[np.ndarray, "n y x 3"]:
    """Frames drawn for the baselines, which learn from fewer."""
    frames: np.ndarray = training.frames[fitting_steps(len(training), seed)]
    return frames


def _trained(arm: Arm, config: TrainedConfig, training: Recording, seed: int) -> dict[int, FrameTokenizer]:
    return train_tokenizer(
        arm.tokenizer,
        training.frames,
        steps=config.steps,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        seed=seed,
        snapshots=config.snapshots,
    )
