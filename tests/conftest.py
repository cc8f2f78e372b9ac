import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock
from jaxtyping import install_import_hook
from playwright.sync_api import Browser, sync_playwright

REPO = Path(__file__).parent.parent

# A worker process imports everything anew, which takes seconds. Tests of several workers ask for them.
os.environ["IRISLIB_WORKERS"] = "1"

# Files of minutes, which must not be the last to begin: a file is one process's (`--dist loadfile`).
# While one process builds the pipeline for the first of them, another does the second, which needs none.
LONG = (
    *("test_pipeline.py", "test_pipeline_worlds.py", "test_pipeline_failures.py", "test_study_pipeline.py"),
    *("test_train.py", "test_quantizers_in_agents.py"),
)

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

# Arguments and results of every annotated function are checked, in the tests only: shapes, dtypes, types.
install_import_hook("irislib", "annotations.check")


def pytest_configure(config: pytest.Config) -> None:
    """Lets xdist begin with the first files, not with those of the most tests."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture(scope="session", autouse=True)
def parsed_once() -> Iterator[None]:
    """Work that can be resumed depends on the code of all modules: parse each source once, not each time."""
    from irislib import sources  # not before the hook is there

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "code_of", cache(sources.code_of))
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for the tests that open the page."""
    named = (os.environ.get("CHROMIUM"), *map(shutil.which, CHROMIUM))
    executable = next(filter(None, named), None)
    if executable is None:
        reason = f"no Chromium: none of {', '.join(CHROMIUM)} on the PATH, nor CHROMIUM in the environment"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        # A container's root has no sandbox to go into; the page is our own.
        started = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield started
        started.close()


@dataclass(frozen=True)
class Checkout:
    """A copy of the working tree, committed, in which DVC can run."""

    root: Path

    def run(
        self, *command: str, check: bool = True, folder: str = ".", **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command in a folder of it with this interpreter's `python` and `dvc`; `env` is added."""
        done = subprocess.run(
            command,
            cwd=self.root / folder,
            env=self.env() | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if check and done.returncode:
            raise AssertionError(f"{command} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def env(self) -> dict[str, str]:
        """For commands that a test starts itself."""
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        for role in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{role}_NAME": "test", f"GIT_{role}_EMAIL": "test@localhost"}
        env["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), env["PATH"]))
        env["OMP_NUM_THREADS"] = "1"  # tiny networks: more threads would only wait for each other
        return env


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Checkout:
    """The pipeline of the smoke profile after its first `dvc repro`; a test that changes it restores it.

    Built once for all processes of pytest-xdist, in the folder that they share; each gets its own copy.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    done = shared / "built"
    with FileLock(shared / "built.lock"):
        if not done.exists():
            checkout = copy_tree(tmp_path_factory.mktemp("building"), "smoke")
            checkout.run("dvc", "repro", IRISLIB_WORKERS="1")
            checkout.run("git", "add", "--all")
            checkout.run("git", "commit", "--quiet", "--message", "built")
            checkout.root.rename(done)
    return Checkout(shutil.copytree(done, own / "pipeline", symlinks=True))


def copy_tree(root: Path, *profiles: str) -> Checkout:
    """The working tree with some profiles, one laid over the other, committed."""
    checkout = Checkout(root)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPO,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (REPO / name).is_file():
            (checkout.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPO / name, checkout.root / name)
    for profile in profiles:
        checkout.run("python", "-m", "stages.profile", profile, "--write")
    checkout.run("git", "init", "--quiet")
    checkout.run("git", "add", "--all")
    checkout.run("git", "commit", "--quiet", "--message", "+".join(profiles))
    return checkout
