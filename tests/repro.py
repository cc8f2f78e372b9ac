"""What a `dvc repro` of the pipeline ran and made, and how a test changes it and puts it back."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from conftest import Checkout
from ruamel.yaml import YAML

STORES = ("rollouts", "heatmaps", "changes", "crops", "embeddings")
STAGES = (
    *("train", "evaluate", "rollout", "gradcam", "change", "crop", "embedder", "embed"),
    *("metrics", "compare", "baselines", "attributions", "sensitivity", "plots"),
)


@contextmanager
def restored(checkout: Checkout) -> Iterator[None]:
    """Puts parameters, reports and data back to what `built` committed."""
    try:
        yield
    finally:
        checkout.run("git", "checkout", "--quiet", "--force", "HEAD")
        checkout.run("dvc", "checkout", "--quiet", "--force")


def ran(output: str) -> list[str]:
    """Stages that a `dvc repro` ran, in order."""
    return re.findall(r"Running stage '([\w@-]+)'", output)


def cached(output: str) -> list[str]:
    """Stages whose results a `dvc repro` took from the run-cache, in order."""
    return re.findall(r"Stage '(\w+)' is cached", output)


def outs(checkout: Checkout) -> dict[str, str]:
    """Hash of every artifact, from dvc.lock."""
    lock = YAML(typ="safe").load(checkout.root / "dvc.lock")
    return {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage["outs"]}


def declared(checkout: Checkout) -> list[str]:
    """Every artifact that dvc.yaml declares."""
    stages = YAML(typ="safe").load(checkout.root / "dvc.yaml")["stages"].values()
    return [
        next(iter(out)) if isinstance(out, dict) else out
        for stage in stages
        for kind in ("outs", "metrics", "plots")
        for out in stage.get(kind, [])
    ]


def set_params(checkout: Checkout, **values: Any) -> None:
    """Edits params.yaml as a person would; keys like crop__threshold."""
    yaml, file = YAML(), checkout.root / "params.yaml"
    params = yaml.load(file)
    for key, value in values.items():
        *path, name = re.split("(?<!_)__", key)
        section = params
        for part in path:
            section = section[part]
        section[name] = value
    yaml.dump(params, file)
