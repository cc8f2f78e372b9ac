"""No part of the library imports sideways or upwards; the rules are in pyproject.toml."""

from pathlib import Path

from importlinter.cli import lint_imports


def test_imports_keep_to_the_layers() -> None:
    assert lint_imports(str(Path(__file__).parent.parent / "pyproject.toml"), no_cache=True) == 0
