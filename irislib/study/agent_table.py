"""Tables of the whole agents of the study."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from irislib.errors import ArtifactError

COLUMNS = (
    *("world", "agent", "seed", "episodes", "tokens_per_frame", "codes", "codes_used", "psnr_db"),
    *("return_mean", "return_std", "random_mean", "random_std"),
    *("score", "frame_nats", "reward_nats", "end_nats"),
)
CURVE_COLUMNS = ("world", "agent", "seed", "step", "return_mean")


def tabulate_agents(results: Path) -> pd.DataFrame:
    """The table of the agents: a row for each result, with `COLUMNS`. Without results it has no rows.

    The cross-entropies of the world model are in nats; that of the tokens is the sum over a frame.

    Args:
        results: folder of the results that `agents.run_agent` wrote.

    Raises:
        ArtifactError: a result is not one.
    """
    return pd.DataFrame([row for row, _ in map(_read, _files(results))], columns=list(COLUMNS))


def tabulate_curves(results: Path) -> pd.DataFrame:
    """How the agents learned: for each the return of the episodes that it learned from, with `CURVE_COLUMNS`.

    Args:
        results: see `tabulate_agents`.

    Raises:
        ArtifactError: a result is not one.
    """
    rows = [row for _, curve in map(_read, _files(results)) for row in curve]
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def _files(results: Path) -> list[Path]:
    return sorted(results.glob("*.json"))


def _read(file: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row of an agent, and those of its curve."""
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
        losses, random, curve = (result[name] for name in ("world_model", "random", "curve"))
        about = {name: result[name] for name in ("world", "agent", "seed")}
        points = zip(curve["step"], curve["return"], strict=True)
        return {
            **about,
            **{name: result[name] for name in ("episodes", "tokens_per_frame", "codes", "codes_used")},
            "psnr_db": result["psnr"],
            **{name: result[name] for name in ("return_mean", "return_std", "score")},
            **{f"random_{name}": random[f"return_{name}"] for name in ("mean", "std")},
            "frame_nats": losses["observations"] * result["tokens_per_frame"],
            "reward_nats": losses["rewards"],
            "end_nats": losses["ends"],
        }, [about | {"step": step, "return_mean": value} for step, value in points]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ArtifactError(f"{file}: not a result of an agent ({error!r}); run its stage again") from None
