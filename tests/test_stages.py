"""Static contracts of the pipeline: what dvc.yaml says is what the code does."""

import ast
import importlib
import json
import os
import re
import stat
import sys
import tomllib
from dataclasses import fields, is_dataclass, replace
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import pytest
from click.testing import CliRunner
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML
from tiny_world import TinyConfig

from irislib.errors import ParamError
from irislib.params import read_yaml
from irislib.sources import WITHOUT_EFFECT
from irislib.study.overlays import read_overlay
from irislib.worlds.make import KINDS
from stages import check, crop, deps, profile, start
from stages.deps import closure, file_of

REPO = Path(__file__).parent.parent
STAGES: dict[str, dict[str, Any]] = read_yaml(REPO / "dvc.yaml")["stages"]
STUDY = ("stages.study.__main__", "stages.study.play")
PROFILES = sorted(file.stem for file in (REPO / "profiles").glob("*.yaml"))

each_stage = pytest.mark.parametrize("name", STAGES)
each_profile = pytest.mark.parametrize("name", PROFILES)


@pytest.fixture(autouse=True)
def at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPO)


def is_code(dep: str) -> bool:
    return dep.startswith(("irislib/", "stages/"))


def outs_of(stage: dict[str, Any]) -> dict[str, dict[str, Any]]:
    listed = [out for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])]
    outs = [{out: {}} if isinstance(out, str) else out for out in listed]
    return {path: flags for out in outs for path, flags in out.items()}


def one_line(stderr: str) -> str:
    assert stderr.startswith("error: ")
    assert stderr.count("\n") == 1
    return stderr


# dvc.yaml


@each_stage
def test_code_deps_are_the_imports(name: str) -> None:
    listed = {dep for dep in STAGES[name]["deps"] if is_code(dep)}
    assert listed == closure(f"stages.{name}"), "run `make deps`"


@each_stage
def test_params_are_the_sections_that_the_stage_loads(name: str) -> None:
    calls = [
        node
        for node in ast.walk(ast.parse(Path(f"stages/{name}.py").read_text()))
        if isinstance(node, ast.Call)
    ]
    loaded = {ast.literal_eval(c.args[1]) for c in calls if ast.unparse(c.func) == "load_params"}
    loaded |= {"env" for c in calls if ast.unparse(c.func) == "load_world"}
    # A stage may depend on some keys of a section that it loads.
    assert loaded == {key.split(".")[0] for key in STAGES[name]["params"]}


def test_another_threshold_attributes_nothing_anew() -> None:
    """The attributions take longer than all that follows them; the threshold decides what is counted then."""
    assert not {"crop", "crop.threshold"} & set(STAGES["attributions"]["params"])


@each_stage
def test_the_command_is_the_stage_and_nothing_else(name: str) -> None:
    # DVC hashes it: a device or a number of workers in it would change what is up to date.
    assert STAGES[name]["cmd"] == f"python -m stages.{name}"


@each_stage
def test_paths_are_those_that_the_command_uses(name: str) -> None:
    command: click.Command = importlib.import_module(f"stages.{name}").main
    defaults = {str(option.default) for option in command.params} - {"params.yaml", ".work", "reports"}
    used = {path for path in defaults if not path.startswith("reports/")}
    tracked = {dep for dep in STAGES[name]["deps"] if not is_code(dep)} | set(outs_of(STAGES[name]))
    assert used == {path for path in tracked if not path.startswith("reports/")}


@each_stage
def test_results_come_from_the_run_cache_and_only_tables_and_figures_are_left_to_git(name: str) -> None:
    for path, flags in outs_of(STAGES[name]).items():
        # DVC never restores an out that persists from its run-cache (treeverse/dvc #1852).
        assert "persist" not in flags
        in_git = path.startswith("reports/") and path not in ("reports/index.html", "reports/vector")
        assert flags.get("cache", True) is not in_git
    # Nor a stage with an out that git keeps and that is neither a metric nor a plot (`Stage.run` of DVC).
    assert all(isinstance(out, str) for out in STAGES[name].get("outs", []))


@each_stage
def test_stages_are_thin(name: str) -> None:
    assert len(Path(f"stages/{name}.py").read_text().splitlines()) < 60


def test_data_flows_one_way() -> None:
    # Kept in git; no stage makes them.
    made = {"data/init", "docs/glossary.md"}
    made |= {f"reports/{name}.csv" for name in ("replicates", "study", "worlds", "agents", "agent_curves")}
    for stage in STAGES.values():
        assert {dep for dep in stage["deps"] if not is_code(dep)} <= made
        made |= set(outs_of(stage))


@pytest.mark.parametrize("folder", ["data", "reports"])
def test_git_ignores_what_dvc_keeps_but_not_the_bundled_remote(folder: str) -> None:
    kept = {out for stage in STAGES.values() for out in stage.get("outs", []) if out.startswith(f"{folder}/")}
    assert set(Path(folder, ".gitignore").read_text().split()) == {out.removeprefix(folder) for out in kept}


def test_closure_follows_what_runs(tmp_path: Path) -> None:
    files = {
        "stages/__init__.py": "",
        "stages/a.py": "def main():\n    from irislib.x import deep\n",
        "irislib/__init__.py": "import irislib.always",
        "irislib/always.py": "",
        "irislib/x/__init__.py": "",
        "irislib/x/deep.py": "import irislib.back\nPAGE = 'page.j2'\nOTHER = 'absent.j2'",
        "irislib/x/page.j2": "",
        "irislib/back.py": "import stages.a\nif TYPE_CHECKING:\n    import irislib.typing_only",
        "irislib/typing_only.py": "",
        "irislib/unused.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    left_out = {"stages/__init__.py", "irislib/typing_only.py", "irislib/unused.py"}
    assert closure("stages.a", tmp_path) == set(files) - left_out


def test_closure_leaves_out_what_cannot_change_a_result(tmp_path: Path) -> None:
    files = {
        "stages/a.py": "import stages.common, irislib.work",
        "stages/common.py": "import irislib.launching",
        "irislib/__init__.py": "",
        "irislib/launching.py": "",
        "irislib/work.py": "import irislib.errors",
        "irislib/errors.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert closure("stages.a", tmp_path) == {"stages/a.py", "irislib/__init__.py", "irislib/work.py"}


def test_what_is_left_out_is_there_and_used_and_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deps, "WITHOUT_EFFECT", {})
    used = set[str]().union(*(closure(name) for name in [*(f"stages.{s}" for s in STAGES), *STUDY]))
    for module, reason in WITHOUT_EFFECT.items():
        file = file_of(module)
        assert file is not None and file.as_posix() in used, module
        assert len(reason.split()) > 2, module


def test_what_is_left_out_imports_nothing_that_computes() -> None:
    # Numbers, networks and stores: whoever needs these can change a result.
    computing = {"numpy", "pandas", "PIL", "safetensors", "scipy", "sklearn", "torchvision", "zarr"}
    for module in WITHOUT_EFFECT:
        file = file_of(module)
        assert file is not None
        assert not computing & imports_of(file), module


def test_closure_refuses_imports_that_it_cannot_follow(tmp_path: Path) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/a.py").write_text("from . import b")
    with pytest.raises(SyntaxError, match=r"stages/a\.py"):
        closure("stages.a", tmp_path)


def test_deps_explains_itself() -> None:
    result = CliRunner().invoke(deps.main, ["--help"])
    assert result.exit_code == 0
    assert "Rewrites the code among the deps" in result.stdout


# params.yaml and profiles


def keys_of(values: dict[str, Any]) -> dict[str, Any]:
    """The values by their full key."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        inner = keys_of(value) if isinstance(value, dict) else None
        found |= {key: value} if inner is None else {f"{key}.{name}": one for name, one in inner.items()}
    return found


def override(value: Any) -> str:
    """Another value, as `-S` spells it."""
    match value:
        case bool():
            return str(not value).lower()
        case int() | float():
            return str(value + 1)
        case list():
            return "[1,2,3]" if len(value) != 3 else "[1]"
        case None:
            return "other"
    return f"{value}er"


def spelled(value: Any) -> str:
    """A value as `-S` spells it."""
    return "null" if value is None else str(value).replace("'", "").replace(" ", "")


PARAMS = read_yaml(REPO / "params.yaml")


def parameters_of(config: Any) -> set[str]:
    """Names of all parameters of a section's type, with those of sections in it and of all alternatives."""
    if is_dataclass(config):
        hints = get_type_hints(config)
        return {field.name for field in fields(config)}.union(*map(parameters_of, hints.values()))
    return set().union(*map(parameters_of, get_args(config)))


def test_no_parameter_has_a_name_that_the_run_cache_leaves_out() -> None:
    # It takes any key of these names for the size of a file (treeverse/dvc #10296): a change goes unnoticed.
    names = set().union(*map(parameters_of, (*check.CONFIGS.values(), KINDS)))
    assert {"frame_size", "window_size", "vocab_size"} <= names
    assert not {"size", "nfiles"} & names


def test_a_written_file_is_a_fixed_point(tmp_path: Path) -> None:
    file, text = tmp_path / "params.yaml", Path("params.yaml").read_text()
    file.write_text(text)
    apply_overrides(file, [f"seed={PARAMS['seed']}"])
    assert file.read_text() == text


@pytest.mark.parametrize("key", keys_of(PARAMS))
def test_setting_a_key_changes_its_lines_alone_and_setting_it_back_restores_the_file(
    key: str, tmp_path: Path
) -> None:
    """As `dvc exp run -S` does it."""
    file, text, value = tmp_path / "params.yaml", Path("params.yaml").read_text(), keys_of(PARAMS)[key]
    file.write_text(text)
    apply_overrides(file, [f"{key}={override(value)}"])
    changed = read_yaml(file)
    assert [name for name in keys_of(PARAMS) if keys_of(changed)[name] != keys_of(PARAMS)[name]] == [key]
    lines, before = file.read_text().splitlines(), text.splitlines()
    common = next(i for i, (a, b) in enumerate(zip(lines, before, strict=False)) if a != b)
    own = max(len(value), 3) + 1 if isinstance(value, list) else 1
    assert lines[: common - own] == before[: common - own]
    ends = len(before) - common - own
    assert ends <= 0 or lines[-ends:] == before[-ends:]
    apply_overrides(file, [f"{key}={spelled(value)}"])
    assert file.read_text() == text


# Profiles


def test_an_embedder_that_was_never_trained_is_found_before_the_first_stage_runs() -> None:
    sections = check.check(read_yaml(Path("params.yaml")), "params.yaml")
    check.check_embedder(sections)
    untrained = sections | {"embedder": replace(sections["embedder"], steps=0)}
    with pytest.raises(ParamError, match=r"^embed\.weights: cells needs a trained embedder"):
        check.check_embedder(untrained)
    untrained["embed"] = replace(sections["embed"], weights="random")
    with pytest.raises(ParamError, match=r"^compare\.weights: cells needs a trained embedder"):
        check.check_embedder(untrained)
    check.check_embedder(untrained | {"compare": replace(sections["compare"], weights=("random",))})
    with pytest.raises(ParamError, match=r"^embedder\.steps: tiny has no scenes"):
        check.check_embedder(sections | {"env": TinyConfig()})


def test_check_knows_every_section() -> None:
    assert set(check.CONFIGS) == set(read_yaml(Path("params.yaml")))


@pytest.mark.parametrize(
    ("section", "values", "key"),
    [
        ("rollout", {"episodes": 0}, "rollout.episodes"),
        ("rollout", {"speed": 3}, "rollout.speed"),
        ("crop", {"threshold": "half"}, "crop.threshold"),
        ("env", {"frame_size": 70}, "env.frame_size"),
    ],
)
def test_a_mistake_in_a_section_is_one_line(
    section: str, values: dict[str, Any], key: str, tmp_path: Path
) -> None:
    params = read_yaml(Path("params.yaml"))
    params[section] |= values
    (tmp_path / "params.yaml").write_text(json.dumps(params))
    result = CliRunner().invoke(check.main, ["--params", str(tmp_path / "params.yaml")])
    assert result.exit_code == 1
    assert key in one_line(result.stderr)


def test_a_section_that_nobody_knows_is_named() -> None:
    with pytest.raises(ParamError, match=r"^crpo: unknown section in p.yaml; known: .*crop"):
        check.check({"seed": 0, "crpo": {}}, "p.yaml")


def test_the_parameters_are_valid() -> None:
    check.check(read_yaml(Path("params.yaml")), "params.yaml")


@each_profile
def test_profiles_are_valid_and_keep_every_comment(name: str) -> None:
    before = Path("params.yaml").read_text()
    after = profile.apply(read_overlay(Path("profiles"), name, "profile"), before)
    check.check(YAML(typ="safe").load(after), name)
    removed = name.endswith("cells")  # these name another kind of tokenizer
    assert (re.findall("#.*", after) != re.findall("#.*", before)) == removed


def test_a_comment_goes_with_the_key_below_it_and_with_no_other() -> None:
    removed = "  # of b\n  # and c\n  b:\n  - 1\n  c: {d: 2,\n    e: 3}\n"
    before = f"# top\na:\n  # of kind\n  kind: x\n{removed}  # of f\n  f: 4\n"
    after = profile.apply({"a": {"kind": "y", "f": 5, "g": 6}}, before)
    assert after == "# top\na:\n  # of kind\n  kind: y\n  # of f\n  f: 5\n  g: 6\n"


@each_profile
def test_flags_say_the_same_as_writing(name: str, tmp_path: Path) -> None:
    by_flags, by_writing = tmp_path / "flags.yaml", tmp_path / "written.yaml"
    for file in (by_flags, by_writing):
        file.write_text(Path("params.yaml").read_text())
    printed = CliRunner().invoke(profile.main, [name]).stdout
    apply_overrides(by_flags, [flag for flag in printed.split() if flag != "-S"])
    assert CliRunner().invoke(profile.main, [name, "--write", "--params", str(by_writing)]).exit_code == 0
    assert read_yaml(by_flags) == read_yaml(by_writing)
    assert (read_yaml(by_flags) == read_yaml(Path("params.yaml"))) == (name == "default")


def test_another_kind_replaces_the_options_of_the_one_below(tmp_path: Path) -> None:
    """A profile with another tokenizer and another quantizer: by flags, as DVC reads them, and by writing."""
    patch = {"kind": "patch", "patch": 7, "offset": 0, "width": 64, "depth": 1, "context": 0}
    tokenizer = {**patch, "quantizer": {"kind": "fsq", "levels": [8, 8]}, "squared_error": 5.0}
    (tmp_path / "cells.yaml").write_text(json.dumps({"train": {"epochs": 1, "tokenizer": tokenizer}}))
    before = Path("params.yaml").read_text()
    by_flags, by_writing = tmp_path / "flags.yaml", tmp_path / "written.yaml"
    for file in (by_flags, by_writing):
        file.write_text(before)
    profiles = ["cells", "--profiles", str(tmp_path)]
    printed = CliRunner().invoke(profile.main, profiles).stdout
    apply_overrides(by_flags, [flag for flag in printed.split() if flag != "-S"])
    assert (
        CliRunner().invoke(profile.main, [*profiles, "--write", "--params", str(by_writing)]).exit_code == 0
    )
    after = read_yaml(by_writing)
    assert read_yaml(by_flags) == after
    assert after["train"]["tokenizer"] == tokenizer and after["train"]["epochs"] == 1
    after["train"] = read_yaml(Path("params.yaml"))["train"]
    assert after == read_yaml(Path("params.yaml"))


def test_an_unknown_profile_names_the_known_ones() -> None:
    result = CliRunner().invoke(profile.main, ["huge"])
    assert result.exit_code == 1
    assert all(name in one_line(result.stderr) for name in ("huge", *PROFILES))


@pytest.mark.parametrize("overlay", [{"crop": {"treshold": 1}}, {"crops": 1}, {"seed": {"x": 1}}])
def test_a_profile_sets_only_what_there_is(overlay: dict[str, Any]) -> None:
    with pytest.raises(ParamError, match="the profile sets it"):
        profile.apply(overlay, Path("params.yaml").read_text())


def test_writing_keeps_a_link_a_mode_and_line_ends(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "params.yaml"
    real.write_bytes(Path("params.yaml").read_bytes().replace(b"\n", b"\r\n"))
    real.chmod(0o664)
    link.symlink_to(real)
    assert CliRunner().invoke(profile.main, ["smoke", "--write", "--params", str(link)]).exit_code == 0
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o664
    written = real.read_bytes()
    assert written.count(b"\n") == written.count(b"\r\n") > 100
    assert read_yaml(link)["env"]["length"] == 60


def test_a_profile_that_does_not_fit_leaves_the_file(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("crop: {threshold: 2.0}")
    params = tmp_path / "params.yaml"
    params.write_text(Path("params.yaml").read_text())
    result = CliRunner().invoke(
        profile.main, ["bad", "--write", "--params", str(params), "--profiles", str(tmp_path)]
    )
    assert result.exit_code == 1
    assert "crop.threshold" in one_line(result.stderr)
    assert params.read_text() == Path("params.yaml").read_text()


# What a user sees


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parameters and the environment were checked before."""
    monkeypatch.setattr(start, "check_in_another_process", lambda _: None)
    monkeypatch.setattr(start, "CHECKED", Path(os.devnull))


def test_the_first_stage_finds_a_mistake_in_the_last_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(Path("params.yaml").read_text().replace("dpi: ", "dpj: "))
    monkeypatch.setattr(start, "CHECKED", tmp_path / "checked")
    monkeypatch.setattr(crop, "crop_regions", lambda *_, **__: pytest.fail("it worked"))
    result = CliRunner().invoke(crop.main, ["--params", str(params), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "plots.dpj" in one_line(result.stderr) or "plots.dpi" in one_line(result.stderr)


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("IRISLIB_DEVICE", "abacus", "IRISLIB_DEVICE: no device 'abacus'"),
        (
            "IRISLIB_DEVICE",
            "meta",
            "IRISLIB_DEVICE: no device 'meta'",
        ),  # torch knows it, but it holds no numbers
        ("IRISLIB_WORKERS", "many", "IRISLIB_WORKERS: must be a whole number"),
        ("PET_NPROC_PER_NODE", "many", "PET_*: "),
        ("PET_NPROC_PER_NODE", "9", "train.fit.actor_critic.batch_size: 8 cannot be shared by 9 processes"),
    ],
)
def test_a_mistake_in_the_environment_is_found(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, complaint: str
) -> None:
    monkeypatch.setenv(variable, value)
    result = CliRunner().invoke(check.main)
    assert result.exit_code == 1
    assert complaint in one_line(result.stderr)


def test_what_was_checked_is_not_checked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []
    monkeypatch.setattr(start, "CHECKED", tmp_path / "checked")
    monkeypatch.setattr(start, "check_in_another_process", calls.append)
    params = tmp_path / "params.yaml"
    params.write_text("seed: 0")
    for _ in range(2):
        start.check_start(params, [])
    assert len(calls) == 1
    params.write_text("seed: 1")
    start.check_start(params, [])
    monkeypatch.setenv("IRISLIB_DEVICE", "cpu")
    start.check_start(params, [])
    assert len(calls) == 3


@pytest.mark.parametrize("option", ["--out", "--work"])
def test_a_place_that_cannot_be_written_is_found_first(option: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    command: click.Command = importlib.import_module("stages.rollout").main
    result = CliRunner().invoke(command, [option, str(tmp_path / "file/below")])
    assert result.exit_code == 1
    assert f"{tmp_path}/file/below: cannot be written" in one_line(result.stderr)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.usefixtures("checked")
def test_a_folder_without_the_right_to_write_is_found_first(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    result = CliRunner().invoke(importlib.import_module("stages.plots").main, ["--reports", str(tmp_path)])
    assert f"{tmp_path}/a file: cannot be written (Permission denied)" in one_line(result.stderr)


@pytest.mark.usefixtures("checked")
def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        with open("/dev/full", "w") as stream:
            stream.write("x")

    monkeypatch.setattr(crop, "crop_regions", full)
    result = CliRunner().invoke(crop.main)
    assert result.exit_code == 1
    assert "No space left on device; free some space" in one_line(result.stderr)


@pytest.mark.usefixtures("checked")
def test_the_end_of_a_file_is_not_an_abort(monkeypatch: pytest.MonkeyPatch) -> None:
    """Click would say nothing but "Aborted!", as if the user had wanted it."""

    def read_on(*args: object, **kwargs: object) -> None:
        raise EOFError("no data left in file")

    monkeypatch.setattr(crop, "crop_regions", read_on)
    result = CliRunner().invoke(crop.main)
    assert isinstance(result.exception, RuntimeError)
    assert isinstance(result.exception.__cause__, EOFError)
    assert "Aborted" not in result.output


@pytest.mark.usefixtures("checked")
def test_a_missing_artifact_is_one_line_that_says_what_to_run(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        crop.main, ["--changes", str(tmp_path / "x"), "--rollouts", str(tmp_path / "y")]
    )
    assert result.exit_code == 1
    assert "run the" in one_line(result.stderr)


@pytest.mark.usefixtures("checked")
def test_an_interrupt_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(crop, "crop_regions", interrupt)
    result = CliRunner().invoke(crop.main)
    assert result.exit_code == 130
    assert result.stderr.startswith("interrupted: ")
    assert result.stderr.count("\n") == 1


# pyproject.toml


def pins_of(requirements: list[str]) -> dict[str, str]:
    plain = (re.sub(r"\[.*\]", "", line) for line in requirements)  # without the names of extras
    return dict(line.lower().replace("_", "-").split("==") for line in plain)


def imports_of(*folders: str | Path) -> set[str]:
    """What the files, and those in the folders, import of others."""
    names = set()
    files = [f for path in map(Path, folders) for f in ([path] if path.is_file() else path.rglob("*.py"))]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
    own = {"benchmarks", "irislib", "stages", *(file.stem for file in Path("tests").glob("*.py"))}
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - own


def test_imports_are_pinned() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    library = pins_of(project["dependencies"])
    extras = {name: pins_of(pins) for name, pins in project["optional-dependencies"].items()}
    everything = library | extras["dev"]
    assert extras["atari"].items() <= everything.items()
    distributions = packages_distributions()
    library |= extras["atari"]
    for imported, pins in ((imports_of("irislib", "stages"), library), (imports_of("tests"), everything)):
        for name in imported:
            assert pins_of([f"{d}==" for d in distributions[name]]).keys() & pins.keys(), (
                f"pyproject.toml lacks {name}"
            )
    assert everything.items() <= pins_of(Path("requirements.lock").read_text().split()).items()
