"""Keeps the `deps` of dvc.yaml true: every file of ours that a stage's command reads as code."""

import ast
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

PACKAGES = ("irislib", "stages")
TEMPLATES = (".css", ".j2", ".js")


def closure(module: str, root: Path = Path()) -> set[str]:
    """Files, relative to `root`, that `python -m module` may import, and the templates that these name."""
    found: set[str] = set()
    modules = [module]
    while modules:
        name = modules.pop()
        file = _file_of(name, root)
        if file is None or str(file) in found:
            continue
        found.add(str(file))
        modules.append(name.rpartition(".")[0])  # its package's __init__ runs too
        for node in _run_time_nodes(ast.parse((root / file).read_text())):
            match node:
                case ast.Import(names):
                    modules += [alias.name for alias in names]
                case ast.ImportFrom(str(package), names, level=0):
                    modules += [package, *(f"{package}.{alias.name}" for alias in names)]
                case ast.ImportFrom():
                    raise SyntaxError(f"{file}: relative import; write the module's full name")
                case ast.Constant(str(text)) if (
                    text.endswith(TEMPLATES) and (root / file.parent / text).is_file()
                ):
                    found.add(str(file.parent / text))
    return found


def _file_of(module: str, root: Path) -> Path | None:
    if module.split(".")[0] not in PACKAGES:
        return None
    base = Path(*module.split("."))
    return next((f for f in (base / "__init__.py", base.with_suffix(".py")) if (root / f).is_file()), None)


def _run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            yield from _run_time_nodes(child)


def main() -> None:
    """Rewrites the code among the deps of every stage of dvc.yaml; data and comments stay."""
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    pipeline = yaml.load(Path("dvc.yaml"))
    for name, stage in pipeline["stages"].items():
        data = [dep for dep in stage["deps"] if not dep.startswith(tuple(f"{p}/" for p in PACKAGES))]
        stage["deps"][:] = [*sorted(closure(f"stages.{name}")), *data]
    yaml.dump(pipeline, Path("dvc.yaml"))


if __name__ == "__main__":
    main()
