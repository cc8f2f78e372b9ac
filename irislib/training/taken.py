"""Agents that irislib does not train: the train stage takes them as they are."""

import json
from pathlib import Path

from irislib import ranks
from irislib.agent.config import TrainConfig
from irislib.agent.delta_iris import DeltaIris, load_delta_iris
from irislib.agent.initial import COMPONENTS, copy_agent, past_curves
from irislib.artifacts import replacing
from irislib.errors import ParamError
from irislib.training.trainer import CURVES
from irislib.worlds.world import WorldConfig


def take_as_is(config: TrainConfig, env: WorldConfig, origin: Path, out: Path, snapshots: Path) -> None:
    """Copies a Δ-IRIS agent to `out`, to the last bit, with empty curves if it has none.

    Args:
        config: the `train` section.
        env: the world.
        origin: folder of the agent.
        out: folder for it, as the train stage writes it.
        snapshots: folder that says that there are none.

    Raises:
        ParamError: training is asked for, or the agent does not fit the world.
        ArtifactError: the agent is missing, foreign or damaged.
    """
    check_taken(config, env, origin)
    past_curves(origin)
    if ranks.rank() == 0:
        with replacing(snapshots) as partial:
            (partial / "epochs.json").write_text(json.dumps([]) + "\n")
        with replacing(out) as partial:
            copy_agent(origin, partial)
            if not (curves := partial / "curves").exists():
                curves.mkdir()
                for component in COMPONENTS:
                    header = ",".join(["epoch", "step", *CURVES[component]])
                    (curves / f"{component}.csv").write_text(header + "\n")


def check_taken(config: TrainConfig, env: WorldConfig, origin: Path) -> DeltaIris:
    """The Δ-IRIS agent in `origin`, if the train stage can take it; see `take_as_is` for errors."""
    agent = load_delta_iris(origin)
    if config.epochs:
        raise ParamError(
            f"train.epochs: {config.epochs}, but {origin} is a Δ-IRIS agent, which irislib does not train; "
            "set 0"
        )
    require_world(agent.config.frame, agent.config.num_actions, env, origin)
    return agent


def require_world(frame: tuple[int, int], num_actions: int, env: WorldConfig, origin: Path | None) -> None:
    """Raises ParamError unless an agent from `origin` has the world's frames and actions."""
    if frame != env.frame:
        wanted, known = (" x ".join(map(str, sides)) for sides in (env.frame, frame))
        raise ParamError(f"env: frames of {wanted} pixels, but {origin} sees {known}; set that")
    actions = len(env.describe().actions)
    if num_actions != actions:
        raise ParamError(
            f"env: has {actions} actions, but {origin} has {num_actions}; "
            "start from an agent that was trained on this world and game"
        )
