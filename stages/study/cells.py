"""The cells that studies/dvc.yaml lists, and which of them studies/dvc.lock says are up to date.

DVC knows that too, but not while it runs, since it locks the project.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import click

from irislib.params import read_yaml
from stages.common import Command

PROJECT = Path("studies")  # the folder of dvc.yaml and dvc.lock; paths in them are relative to it


@dataclass(frozen=True)
class Cell:
    """An arm with a seed, in one world, and its stage."""

    arm: str
    seed: int
    stage: str


def listed_cells() -> list[Cell]:
    """The cells in the order in which they are listed. Raises ParamError where there is no pipeline."""
    pipeline = read_yaml(PROJECT / "dvc.yaml")
    listed = {f"${{{name}}}": values for vars in pipeline.get("vars", []) for name, values in vars.items()}
    cells = []
    for name, stage in pipeline["stages"].items():
        matrix = {key: _listed(values, listed) for key, values in stage.get("matrix", {}).items()}
        if "metrics" not in stage or "arm" not in matrix:
            continue
        for values in product(*matrix.values()):
            one = dict(zip(matrix, values, strict=True))
            cells.append(Cell(one["arm"], one["seed"], f"{name}@{'-'.join(map(str, values))}"))
    return cells


def _listed(values: Any, listed: dict[str, list[Any]]) -> list[Any]:
    """The values themselves, or those of the list that is named: ``${arms}``."""
    return listed[values] if isinstance(values, str) else list(values)


def finished_cells() -> set[Cell]:
    """The cells whose result was made from the code, the parameters and the play of now.

    Play and tokenizers need not be there, as in a fresh clone: that they would be made again is enough.
    """
    file = PROJECT / "dvc.lock"
    lock = _Lock(read_yaml(file)["stages"] if file.exists() else {})
    return {cell for cell in listed_cells() if lock.made(cell.stage) and lock.fresh(cell.stage)}


class _Lock:
    """What dvc.lock says of the stages that ran."""

    def __init__(self, stages: dict[str, dict[str, Any]]) -> None:
        self._stages = stages
        self._makers = {
            out["path"]: (name, out["md5"]) for name, stage in stages.items() for out in stage["outs"]
        }
        self._known: dict[str, bool] = {}
        self._md5, self._yaml = cache(_md5), cache(read_yaml)

    def made(self, name: str) -> bool:
        """Whether the outputs of a stage lie there as it left them."""
        return name in self._stages and all(
            self._md5(out["path"]) == out["md5"] for out in self._stages[name]["outs"]
        )

    def fresh(self, name: str) -> bool:
        """Whether a stage that ran would make the same again."""
        if name not in self._known:
            stage = self._stages[name]
            params = ((PROJECT / file, keys) for file, keys in stage.get("params", {}).items())
            self._known[name] = all(map(self._same, stage["deps"])) and all(
                _value(self._yaml(file), key) == value for file, keys in params for key, value in keys.items()
            )
        return self._known[name]

    def _same(self, dep: dict[str, str]) -> bool:
        if dep["path"] not in self._makers:
            return self._md5(dep["path"]) == dep["md5"]
        maker, made = self._makers[dep["path"]]
        return made == dep["md5"] and self.fresh(maker)


def _md5(path: str) -> str:
    """Of a file; of a folder, or of what is not there, nothing that DVC writes."""
    file = PROJECT / path
    return hashlib.md5(file.read_bytes()).hexdigest() if file.is_file() else ""


def _value(values: Any, key: str) -> Any:
    for name in key.split("."):
        values = values.get(name) if isinstance(values, dict) else None
    return values


@click.command(cls=Command)
@click.option("--seed", type=int, multiple=True, help="Of these seeds alone; can be given several times.")
def main(seed: tuple[int, ...]) -> None:
    """Prints the cells that are not done, as targets for dvc exp run --queue."""
    done = finished_cells()
    cells = [cell for cell in listed_cells() if cell not in done and (not seed or cell.seed in seed)]
    click.echo(" ".join(cell.stage for cell in cells))


if __name__ == "__main__":
    main()
