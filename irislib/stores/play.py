"""studies/play/SEED.zarr: recorded play of the study. As rollouts.zarr, but nobody's tokens are in it."""

from dataclasses import replace

from irislib.artifacts import Schema
from irislib.stores.rollouts import ROLLOUTS

# Attributes: as in `ROLLOUTS` but for `tokenizer` and `codebook_size`; and
#   training_episodes: the first so many episodes are to learn from, the others are to measure on.
#   made_with: digest of the parameters and the seed.
PLAY = Schema(
    name="irislib/play",
    version=1,
    stage="play",
    # Nobody stores it for long, so the frames are compressed quickly rather than well.
    arrays={
        name: replace(array, level=min(array.level, 5))
        for name, array in ROLLOUTS.arrays.items()
        if name != "token"
    },
)
