"""Several environments of one world, stepped together; each is called a lane."""

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from irislib.runtime import deaf_to_interrupts
from irislib.worlds.make import make
from irislib.worlds.world import WorldConfig

Actions = npt.NDArray[np.integer[Any]]
Lanes = SyncVectorEnv[np.ndarray, Actions] | AsyncVectorEnv[np.ndarray, Actions]


def make_vector_env(config: WorldConfig, num_envs: int, workers: int) -> Lanes:
    """A world's environments behind gymnasium's vector interface; `workers` changes no result.

    Frames are u8 [num_envs,H,W,3], rewards float64 [num_envs]; `info["label"]` and the others are
    stacked likewise. Lanes never reset themselves: the caller restarts those in a bool [num_envs] `mask` by

        env.reset(seed=[...one a lane, None where not reset...], options={"reset_mask": mask})

    which returns the frames of all lanes but `info` of the restarted ones only (zeros elsewhere;
    `info["_label"]` is the mask again). gymnasium takes the mask out of the dictionary: pass a new one
    each time. Close the environment when done.

    Args:
        config: of every lane.
        num_envs: lanes, at least 1.
        workers: processes that may be used. gymnasium gives each lane its own process or none; with fewer
            processes than lanes all lanes stay in this process.
    """
    lanes = [partial(make, config)] * num_envs
    if not 1 < num_envs <= workers:
        return SyncVectorEnv(lanes, autoreset_mode=AutoresetMode.DISABLED)
    config.warm_up()
    # Not fork: it copies locks that torch's threads may hold at that moment, and the child waits forever.
    # Not a fork server: it keeps the environment variables of its first start. Spawn has neither fault.
    with deaf_to_interrupts():
        return AsyncVectorEnv(lanes, context="spawn", autoreset_mode=AutoresetMode.DISABLED)
