"""Several lanes of Crafter, stepped together."""

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from irislib.runtime import deaf_to_interrupts
from irislib.worlds.crafter import CrafterEnv, EnvConfig, Frame, warm_up

Actions = npt.NDArray[np.integer[Any]]
Lanes = SyncVectorEnv[Frame, Actions] | AsyncVectorEnv[Frame, Actions]


def make_vector_env(config: EnvConfig, num_envs: int, workers: int) -> Lanes:
    """Lanes of `CrafterEnv` behind gymnasium's vector interface; `workers` changes no result.

    Frames are u8 [num_envs,size,size,3], rewards float64 [num_envs]; `info["semantic"]` and the others are
    stacked likewise. Lanes never reset themselves: the caller restarts those in a bool [num_envs] `mask` by

        env.reset(seed=[...one a lane, None where not reset...], options={"reset_mask": mask})

    which returns the frames of all lanes but `info` of the restarted ones only (zeros elsewhere;
    `info["_semantic"]` is the mask again). gymnasium takes the mask out of the dictionary: pass a new one
    each time. Close the environment when done.

    Args:
        config: of every lane.
        num_envs: lanes, at least 1.
        workers: processes that may be used. gymnasium gives each lane its own or none; a lane plays
            hundreds of steps a second, so fewer processes than lanes would gain less than they cost.
    """
    lanes = [partial(CrafterEnv, config)] * num_envs
    if not 1 < num_envs <= workers:
        return SyncVectorEnv(lanes, autoreset_mode=AutoresetMode.DISABLED)
    warm_up()
    # Fork copies locks that torch's threads may hold at that moment, and the child waits for them for ever.
    # Of the safe ways, spawn works everywhere and passes on the environment variables of now, not those of
    # the first start of a fork server.
    with deaf_to_interrupts():
        return AsyncVectorEnv(lanes, context="spawn", autoreset_mode=AutoresetMode.DISABLED)
