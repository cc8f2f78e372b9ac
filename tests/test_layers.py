"""Rules for the code as a whole: who imports whom, who knows a world, and nothing is written twice."""

import ast
from collections import defaultdict
from pathlib import Path

from importlinter.cli import lint_imports

REPO = Path(__file__).parent.parent
FILES = sorted(file for name in ("irislib", "stages") for file in (REPO / name).rglob("*.py"))
# The one file outside irislib/worlds whose code may name Crafter: it has what was published about its agents.
PUBLISHED = "irislib/report/published.py"


def docstrings(tree: ast.AST) -> set[ast.AST]:
    """The constants that are docstrings."""
    bodies = [
        node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
    ]
    return {body[0].value for body in bodies if body and isinstance(body[0], ast.Expr)}


def test_imports_keep_to_the_layers() -> None:
    assert lint_imports(str(REPO / "pyproject.toml"), no_cache=True) == 0


def test_nothing_outside_the_worlds_knows_one_of_them() -> None:
    """Documentation may name it. Templates and scripts of the page count as code."""
    known = []
    for file in FILES:
        name = file.relative_to(REPO).as_posix()
        if name.startswith("irislib/worlds/") or name == PUBLISHED:
            continue
        tree = ast.parse(file.read_text())
        documentation = docstrings(tree)
        for node in ast.walk(tree):
            if node not in documentation and not isinstance(node, ast.Module):
                words = [str(value) for _, value in ast.iter_fields(node) if isinstance(value, str)]
                known += [f"{name}: {word}" for word in words if names_a_world(word)]
    templates = [file for file in (REPO / "irislib").rglob("*.*") if file.suffix in (".j2", ".js", ".css")]
    assert templates
    known += [file.name for file in templates if names_a_world(file.read_text())]
    assert known == []


def names_a_world(text: str) -> bool:
    return any(word in text.lower() for word in ("crafter", "inventory", "minigrid", "babyai"))


def test_no_function_is_written_twice() -> None:
    places = defaultdict(list)
    for file in FILES:
        tree = ast.parse(file.read_text())
        documentation = docstrings(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                body = [
                    ast.dump(part) for part in node.body if getattr(part, "value", None) not in documentation
                ]
                if sum(map(len, body)) > 200:  # a shorter one says no more than a call of another would
                    places["".join(body)].append(f"{file.relative_to(REPO)}: {node.name}")
    assert [twins for twins in places.values() if len(twins) > 1] == []
