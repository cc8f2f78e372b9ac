"""Which code a result depends on: what is loaded, as far as it can change a result."""

import ast
import sys
from pathlib import Path

from irislib.artifacts import digest, read_file

# Modules that cannot change a result, each with the reason. A module that computes anything that is kept has
# no place here. An edit of one of them runs no stage again and leaves half-done work usable. Tests guard the
# reasons: accepted parameters pass the parser unchanged, results have the same bits for any number of workers
# and with or without a terminal, and every path that a command uses by default is declared in dvc.yaml.
WITHOUT_EFFECT = {
    "irislib.errors": "classes of errors; an error ends a stage without a result",
    "irislib.params": "accepts or refuses parameters, and hands accepted values on; DVC compares the values",
    "irislib.runtime": "progress bars, and how many processes work; the bits are the same for any number",
    "irislib.sources": "names half-done work, and computes nothing that is kept",
    "stages": "the package's docstring",
    "stages.common": "names of options, and how errors are shown; the paths themselves are deps and outs",
    "stages.elastic": "starts several processes and reports their failures; what they compute is in irislib",
    "stages.options": "names of options; the paths themselves are deps and outs",
    "stages.start": "checks before a stage works; a check passes or ends the stage",
    "stages.study": "the package's docstring",
    "stages.study.options": "names of options; the paths themselves are deps and outs",
    "stages.study.progress": "says how far the study is and how long it takes; no result holds that",
}


def loaded_code() -> str:
    """A digest of every module of irislib that is imported, without those of `WITHOUT_EFFECT`.

    Comments, docstrings, line breaks and the texts of errors do not count. Raises ArtifactError where a
    source file cannot be read.
    """
    modules = sorted(
        (name, module) for name, module in sys.modules.items() if name.split(".")[0] == "irislib"
    )
    return digest(
        [
            [name, code_of(read_file(Path(file), "install irislib again").decode())]
            for name, module in modules
            if name not in WITHOUT_EFFECT and (file := getattr(module, "__file__", None))
        ]
    )


def code_of(source: str) -> str:
    """The syntax tree of a module as text, without what cannot change a result.

    Every version of Python that can parse the module writes the same text.
    """
    return _written(_Plain().visit(ast.parse(source)))


def _written(tree: object) -> str:
    """Like `ast.dump`, without empty fields: newer versions of Python add some."""
    if isinstance(tree, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(tree) if value is not None and value != []]
        return f"{type(tree).__name__}({','.join(f'{name}={_written(value)}' for name, value in fields)})"
    if isinstance(tree, list):
        return f"[{','.join(map(_written, tree))}]"
    return ascii(tree)


class _Plain(ast.NodeTransformer):
    """Takes away docstrings and the texts in `raise` statements."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
            match body[0]:
                case ast.Expr(ast.Constant(str())):
                    node.body = body[1:]
        return super().generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                inner.value = ""
        return node
