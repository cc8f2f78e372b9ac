"""Keeps the `deps` of dvc.yaml and studies/dvc.yaml true: all our files that can change a stage's result.

Code that a stage imports is found by reading the imports. Modules that cannot change a result
(`irislib.sources`) are left out: an edit of one of them runs no stage again.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from ruamel.yaml import YAML

from irislib.sources import WITHOUT_EFFECT

PACKAGES = ("irislib", "stages")
PIPELINES = ("dvc.yaml", "studies/dvc.yaml")
TEMPLATES = (".css", ".j2", ".js")
DIGESTS = "code/"  # the folder of the study's digests of code


def closure(module: str, root: Path = Path()) -> set[str]:
    """Files that can change what `python -m module` computes, relative to `root`.

    Follows the imports, also those inside functions, and adds the templates that the modules name. Modules in
    `WITHOUT_EFFECT` are left out with all that only they import.

    Raises:
        SyntaxError: a module has a relative import.
    """
    found: set[str] = set()
    modules = [module]
    while modules:
        name = modules.pop()
        file = file_of(name, root)
        if file is None or file.as_posix() in found or name in WITHOUT_EFFECT:
            continue
        found.add(file.as_posix())
        modules.append(name.rpartition(".")[0])  # Python runs the package's __init__ too
        for node in _run_time_nodes(ast.parse((root / file).read_text(encoding="utf-8"))):
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
                    found.add((file.parent / text).as_posix())
    return found


def file_of(module: str, root: Path = Path()) -> Path | None:
    """The file of one of our modules, relative to `root`; None for a name that is not a module of ours."""
    if module.split(".")[0] not in PACKAGES:
        return None
    base = Path(*module.split("."))
    return next((f for f in (base / "__init__.py", base.with_suffix(".py")) if (root / f).is_file()), None)


def _run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            yield from _run_time_nodes(child)


def code_deps(stage: Mapping[str, Any]) -> set[str]:
    """The files that a stage lists: the closures of the modules that its command names.

    A stage that depends on the digest of its code (`stages.study.code`) lists no files of its own.
    """
    if any(dep.startswith(DIGESTS) for dep in stage["deps"]):
        return set()
    named = [word for word in stage["cmd"].split() if word.startswith("stages.")]
    return set[str]().union(*map(closure, map(main_module, named)))


def main_module(module: str) -> str:
    """The module that `python -m module` runs."""
    return f"{module}.__main__" if Path(*module.split(".")).is_dir() else module


@click.command()
def main() -> None:
    """Rewrites the code among the deps of every stage of dvc.yaml and of studies/dvc.yaml.

    Data among the deps, and comments, stay as they are.
    """
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    for file in map(Path, PIPELINES):
        pipeline, up = yaml.load(file), "../" * (len(file.parts) - 1)
        for stage in pipeline["stages"].values():
            data = [dep for dep in stage["deps"] if not dep.startswith(tuple(f"{up}{p}/" for p in PACKAGES))]
            stage["deps"][:] = [*(f"{up}{name}" for name in sorted(code_deps(stage))), *data]
        yaml.dump(pipeline, file)


if __name__ == "__main__":
    main()
