"""The documents agree with the code, and their examples run."""

import importlib.util
import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from madeup import write_agent, write_rollouts
from ruamel.yaml import YAML

from irislib.errors import IrislibError
from irislib.params import read_yaml
from irislib.report.readme import BEGIN, END, renew
from irislib.report.wording import percent
from stages.check import check

REPO = Path(__file__).parent.parent
PROTOCOL = (REPO / "docs/protocol.md").read_text()
README = (REPO / "README.md").read_text()
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *(f"docs/{path.name}" for path in (REPO / "docs").glob("*.md")),
]


@pytest.mark.parametrize("section", ["gradcam", "change", "crop", "embed", "metrics"])
def test_the_protocol_mentions_every_parameter_of_the_analysis(section: str) -> None:
    parameters = [f"`{section}.{name}`" for name in read_yaml(REPO / "params.yaml")[section]]
    assert [name for name in parameters if name not in PROTOCOL] == []


def test_every_parameter_of_the_protocol_exists() -> None:
    params = read_yaml(REPO / "params.yaml")
    named = re.findall(r"`([a-z]+)\.([a-z_]+)`", PROTOCOL)
    assert named
    assert [f"{section}.{name}" for section, name in named if name not in params.get(section, {})] == []


def test_every_module_of_the_protocol_exists_and_has_the_functions_named_with_it() -> None:
    modules = re.findall(r"`(irislib/[\w/]+\.py)`(?: \(`(\w+)`\))?", PROTOCOL)
    assert len(modules) > 15
    for path, function in modules:
        assert (REPO / path).is_file(), path
        assert not function or f"def {function}(" in (REPO / path).read_text()


def test_every_step_that_code_cites_is_in_the_protocol() -> None:
    steps = set(re.findall(r"^## (\d+)\.", PROTOCOL, re.MULTILINE))
    for path in (REPO / "irislib").rglob("*.py"):
        for cited in re.findall(r"protocol steps? ([\d, and to]+)", path.read_text()):
            assert set(re.findall(r"\d+", cited)) <= steps, path


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (REPO / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith("http"):
            assert ((REPO / page).parent / target).exists(), target


def test_the_readme_has_the_numbers_of_the_reports(tmp_path: Path) -> None:
    assert renew(README, REPO / "reports") == README
    for file in (REPO / "reports").glob("*.[cj]s*"):
        shutil.copy(file, tmp_path)
    high = json.loads((REPO / "reports/details.json").read_text())["names"]["high"]
    tested = pd.read_csv(REPO / "reports/labels.csv").dropna(subset="confirmed")["code"].nunique()
    details = json.loads((tmp_path / "details.json").read_text())
    details["names"]["high"] = 0.9 * tested
    (tmp_path / "details.json").write_text(json.dumps(details))
    changed = renew(README, tmp_path)
    assert changed != README
    assert changed.replace("to 90%)", f"to {percent(high / tested)})", 1) == README


@pytest.mark.parametrize("marker", [BEGIN, END])
def test_a_readme_without_markers_is_a_one_line_error(marker: str) -> None:
    with pytest.raises(IrislibError, match=marker.strip()):
        renew(README.replace(marker, ""), REPO / "reports")


def commands() -> list[str]:
    """The lines of indented blocks, without comments."""
    lines = re.findall(r"^    (\S.*)$", re.sub(r"```.*?```", "", README, flags=re.DOTALL), re.MULTILINE)
    return [line.split("  #")[0].strip() for line in lines]


def test_the_first_steps_leave_out_the_history_and_get_the_artifacts() -> None:
    lines = commands()
    assert any(line.startswith("git clone --depth 1 ") for line in lines)
    first = min(n for n, line in enumerate(lines) if line.startswith(("dvc repro", "dvc exp run")))
    assert lines.index("dvc pull") < first, "in a fresh clone it would train first"


def test_trouble_has_its_ways_out() -> None:
    text = (REPO / "docs/trouble.md").read_text()
    for way in ("git switch -", "dvc params diff", "dvc exp run -f -n", "dvc commit", "dvc checkout"):
        assert way in text


def test_every_module_and_target_of_the_readme_exists() -> None:
    modules = {name for line in commands() for name in re.findall(r"python -m ([\w.]+)", line)}
    modules |= set(re.findall(r"`python -m (stages[\w.]*)", README))
    assert len(modules) >= 4
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []
    targets = {name for line in commands() for name in re.findall(r"make (\w+)", line)}
    assert targets == {"repro", "study", "test", "setup"}
    makefile = (REPO / "Makefile").read_text()
    assert [name for name in targets if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


def test_every_experiment_of_the_readme_is_valid() -> None:
    found = re.findall(r"-S ([\w.]+)=(\S+?)[`\s]", README)
    assert len(found) >= 5
    for key, text in found:
        values: Any = read_yaml(REPO / "params.yaml")
        section, *between, last = key.split(".")
        inner = values[section]
        for name in between:
            inner = inner[name]
        assert last in inner, key
        inner[last] = YAML(typ="safe").load(text)
        check(values, "params.yaml")
    for name in re.findall(r"stages\.profile (\w+)", README):
        assert (REPO / f"profiles/{name}.yaml").is_file()


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    frames = np.random.default_rng(0).integers(0, 256, (9, 64, 64, 3), np.uint8)
    (tmp_path / "data").mkdir()
    write_agent(tmp_path / "data/agent", 64, trained=True)
    tokens, episode = np.zeros((9, 4, 4), np.int16), np.zeros(9, np.int32)
    write_rollouts(tmp_path / "data/rollouts.zarr", frames, tokens, 8, episode)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(snippet, names)
    assert names["tokens"].shape == (8, 4, 4)
    assert names["images"].shape == (8, 3, 64, 64)
    assert not names["images"].requires_grad


def test_the_citation_is_valid_and_agrees_with_the_package() -> None:
    citation = YAML(typ="safe").load(REPO / "CITATION.cff")
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"] == "MIT"
    urls = [reference["url"] for reference in citation["references"]]
    assert urls == ["https://arxiv.org/abs/2407.19532", "https://arxiv.org/abs/2209.00588"]
    assert all(reference.keys() >= {"type", "title", "authors"} for reference in citation["references"])
    assert "The irislib authors" in (REPO / "LICENSE").read_text()
