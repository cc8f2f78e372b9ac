"""Half-done work: taken up for the very same result only, by one process, and only where it is whole."""

import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from test_replay import counting
from tiny import ENV, TRAIN

from irislib import seeding
from irislib.artifacts import digest
from irislib.errors import ArtifactError, IrislibError
from irislib.sources import WITHOUT_EFFECT, code_of, loaded_code
from irislib.training.replay import Replay
from irislib.training.train import train
from irislib.training.trainer import Trainer
from irislib.workdir import read_checked, work_in, write_checked


def test_work_is_kept_after_an_error_and_gone_after_success(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), work_in(tmp_path, "train", {"epochs": 1}) as work:
        (work / "checkpoint").write_text("half")
        raise KeyboardInterrupt
    with work_in(tmp_path, "train", {"epochs": 1}) as again:
        assert (again / "checkpoint").read_text() == "half"
    assert list(tmp_path.iterdir()) == []


def test_work_is_taken_up_only_for_the_same_inputs(tmp_path: Path) -> None:
    agent = tmp_path / "agent"
    agent.write_text("1")
    with (
        work_in(tmp_path, "rollout", 1, agent) as first,
        work_in(tmp_path, "rollout", 2, agent) as second,
        work_in(tmp_path, "train", 1, agent) as third,
    ):
        agent.write_text("2")
        with work_in(tmp_path, "rollout", 1, agent) as fourth:
            assert len({first, second, third, fourth}) == 4


def test_two_at_the_same_work_are_refused(tmp_path: Path) -> None:
    with work_in(tmp_path, "train", 1) as work:
        (work / "checkpoint").write_text("half")
        with pytest.raises(IrislibError, match="another process") as raised, work_in(tmp_path, "train", 1):
            pass
        assert "\n" not in str(raised.value)
        assert (work / "checkpoint").exists()


# The code that counts


def edited(
    monkeypatch: pytest.MonkeyPatch, modules: Iterable[str], folder: Path, edit: Callable[[str], str]
) -> str:
    """The digest of the loaded code, were the source of these modules another."""
    with monkeypatch.context() as patch:
        for module in modules:
            loaded = sys.modules[module]
            (folder / f"{module}.py").write_text(edit(Path(str(loaded.__file__)).read_text()))
            patch.setattr(loaded, "__file__", str(folder / f"{module}.py"))
        return loaded_code()


def one_more(source: str) -> str:
    return f"{source}\nMORE = 1\n"


def test_comments_do_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    modules = [name for name in sys.modules if name.split(".")[0] == "irislib"]
    assert "irislib.training.trainer" in modules

    def comment(source: str) -> str:
        return f"# A comment.\n\n{source}\n# Another.\n"

    assert edited(monkeypatch, modules, tmp_path, comment) == loaded_code()
    assert edited(monkeypatch, modules, tmp_path, one_more) != loaded_code()


def test_docstrings_and_texts_of_errors_do_not_count() -> None:
    source = '''"""{0}"""
class A:
    """{0}"""
    def f(self, x):
        """{0}"""
        if x:
            raise ValueError(f"{0} {{x}}")
        return "text"
'''
    assert code_of(source.format("one")) == code_of(source.format("another"))
    assert code_of(source.format("one")) != code_of(source.format("one").replace("text", "other"))
    assert code_of(source.format("one")) != code_of(source.format("one").replace("if x", "if not x"))


def test_a_statement_counts_where_it_can_change_a_result(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert edited(monkeypatch, [seeding.__name__], tmp_path, one_more) != loaded_code()
    harmless = WITHOUT_EFFECT.keys() & sys.modules.keys()
    assert "irislib.errors" in harmless
    assert edited(monkeypatch, harmless, tmp_path, one_more) == loaded_code()


# Damage


def damages(content: bytes) -> dict[str, bytes]:
    middle = len(content) // 2
    return {
        "empty": b"",
        "cut short": content[:-1],
        "a flipped bit": content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :],
        "zeroed": bytes(len(content)),
    }


DAMAGES = list(damages(b"x"))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_with_what_to_delete(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "x"
    write_checked(file, b"content")
    assert read_checked(file) == b"content"
    file.write_bytes(damages(file.read_bytes())[damage])
    with pytest.raises(ArtifactError) as raised:
        read_checked(file)
    assert str(raised.value) == (
        f"{file}: damaged (is not what was written); delete it, then run the same command again"
    )


@pytest.mark.parametrize("damage", [*DAMAGES, "missing"])
@pytest.mark.parametrize("name", ["frames.u8", "steps-0001.npz", "steps-0002.npz"])
def test_damaged_experience_is_noticed(tmp_path: Path, name: str, damage: str) -> None:
    replay = Replay(2, tmp_path, (4, 4))
    replay.record(counting(5, 2, {0: [1, 4]}, first=1))
    replay.record(counting(4, 2, {1: [0]}, first=6))
    Replay(2, tmp_path, (4, 4)).load(2)
    file = tmp_path / name
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(damages(file.read_bytes())[damage])
    with pytest.raises(ArtifactError) as raised:
        Replay(2, tmp_path, (4, 4)).load(2)
    assert str(raised.value).startswith(f"{tmp_path}: damaged ({name} is ")
    assert "; delete it" in str(raised.value) and "\n" not in str(raised.value)


def train_in(folder: Path) -> None:
    train(replace(TRAIN, epochs=2), ENV, 3, None, *(folder / name for name in ("work", "agent", "snapshots")))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work folder of a training run that was killed after its first epoch."""
    folder = tmp_path_factory.mktemp("killed")
    keep = Trainer._keep

    def keep_and_fail(self: Trainer, epoch: int) -> None:
        keep(self, epoch)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "_keep", keep_and_fail)
        train_in(folder)
    return folder / "work"


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *[("checkpoint.pt", damage) for damage in DAMAGES],
        ("frames.u8", "empty"),
        ("frames.u8", "cut short"),
        ("frames.u8", "zeroed"),
        ("steps-0001.npz", "a flipped bit"),
    ],
)
def test_training_says_what_is_damaged(killed: Path, tmp_path: Path, name: str, damage: str) -> None:
    shutil.copytree(killed, tmp_path / "work")
    (file,) = (tmp_path / "work").glob(f"*/{name}")
    file.write_bytes(damages(file.read_bytes())[damage])
    with pytest.raises(ArtifactError, match="damaged") as raised:
        train_in(tmp_path)
    culprit = Path(str(raised.value).split(": damaged")[0])
    assert culprit == (file if name == "checkpoint.pt" else file.parent)


def test_training_begins_anew_where_the_damaged_checkpoint_is_deleted(killed: Path, tmp_path: Path) -> None:
    for name in ("resumed", "anew"):
        shutil.copytree(killed, tmp_path / name / "work")
        if name == "anew":
            next((tmp_path / name / "work").glob("*/checkpoint.pt")).unlink()
        train_in(tmp_path / name)
    assert digest(tmp_path / "resumed/agent") == digest(tmp_path / "anew/agent")
