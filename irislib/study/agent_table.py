"""One table of the whole agents of the study."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from irislib.errors import ArtifactError

COLUMNS = (
    *("agent", "seed", "episodes", "tokens_per_frame", "codes", "psnr_db"),
    *("return_mean", "return_std", "score", "frame_nats", "reward_nats", "end_nats"),
)


def tabulate_agents(results: Path) -> pd.DataFrame:
    """The table of the agents: a row for each result, with `COLUMNS`. Without results it has no rows.

    The cross-entropies of the world model are in nats; that of the tokens is the sum over a frame.

    Args:
        results: folder of the results that `agents.run_agent` wrote.

    Raises:
        ArtifactError: a result is not one.
    """
    rows = [_row(file) for file in sorted(results.glob("*.json"))]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(file: Path) -> dict[str, Any]:
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
        losses = result["world_model"]
        return {
            **{name: result[name] for name in ("agent", "seed", "episodes", "tokens_per_frame", "codes")},
            "psnr_db": result["psnr"],
            **{name: result[name] for name in ("return_mean", "return_std", "score")},
            "frame_nats": losses["observations"] * result["tokens_per_frame"],
            "reward_nats": losses["rewards"],
            "end_nats": losses["ends"],
        }
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ArtifactError(f"{file}: not a result of an agent ({error!r}); run its stage again") from None
