"""Where DVC keeps results: the bundled remote, an S3 bucket and a host reached by SSH."""

import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner
from conftest import REPO, Checkout
from moto.server import ThreadedMotoServer

from stages import bundled

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the bundled remote's settings, and one folder that DVC tracks."""
    checkout = Checkout(tmp_path_factory.mktemp("template") / "project")
    (checkout.root / "data/remote").mkdir(parents=True)
    checkout.run("git", "init", "--quiet")
    checkout.run("dvc", "init", "--quiet")
    shutil.copy(REPO / ".dvc/config", checkout.root / ".dvc/config")
    (checkout.root / "data/agent").mkdir()
    (checkout.root / "data/agent/weights").write_bytes(bytes(range(256)))
    (checkout.root / "data/agent/empty").touch()
    checkout.run("dvc", "add", "--quiet", "data/agent")
    checkout.run("git", "add", "--all")
    checkout.run("git", "commit", "--quiet", "--message", "project")
    return checkout.root


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Checkout:
    """A copy of it for one test."""
    return Checkout(shutil.copytree(template, tmp_path / "project"))


def lose_everything(project: Checkout) -> None:
    """What `dvc pull` brings back."""
    shutil.rmtree(project.root / "data/agent")
    shutil.rmtree(project.root / ".dvc/cache")


def pushes_and_pulls(project: Checkout) -> None:
    project.run("dvc", "push")
    lose_everything(project)
    project.run("dvc", "pull")
    assert (project.root / "data/agent/weights").read_bytes() == bytes(range(256))
    assert (project.root / "data/agent/empty").read_bytes() == b""


# The bundled remote


def test_every_object_of_the_bundled_remote_is_what_its_name_says() -> None:
    assert bundled.check_objects(REPO / "data/remote") > 0


@pytest.fixture(scope="module")
def pushed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project after `dvc push`."""
    root = shutil.copytree(template, tmp_path_factory.mktemp("pushed") / "project")
    Checkout(root).run("dvc", "push")
    return root


@pytest.mark.parametrize("damage", [b"", b"other", None])
def test_a_damaged_object_is_named_and_not_pulled(
    pushed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    project = Checkout(shutil.copytree(pushed, tmp_path / "project"))
    monkeypatch.chdir(project.root)
    file = next(file for file in Path("data/remote/files/md5").glob("*/*") if file.stat().st_size == 256)
    file.chmod(0o644)
    # Or as git would rewrite its line ends.
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n") if damage is None else damage)
    result = CliRunner().invoke(bundled.main)
    assert result.exit_code == 1
    assert result.stderr == f"error: {file}: damaged; get it back by `git checkout -- data/remote`\n"
    lose_everything(project)
    pulled = project.run("dvc", "pull", check=False)
    assert pulled.returncode != 0
    assert not (project.root / "data/agent/weights").exists()


def test_git_rewrites_no_line_ends(project: Checkout, tmp_path: Path) -> None:
    """Neither where it makes them those of Windows (core.autocrlf), nor where a file is added again."""
    contents = {
        "irislib.py": b"one = 1\ntwo = 2\n",
        "data/remote/files/md5/ab/unix": b"a,b\n1,2\n",
        "data/remote/files/md5/ab/windows": b"a,b\r\n1,2\r\n",
        "data/remote/files/md5/ab/mixed.dir": b"a\r\nb\n",
        "picture.png": b"\x89PNG\r\n\x1a\n",
    }
    shutil.copy(REPO / ".gitattributes", project.root)
    for name, content in contents.items():
        (project.root / name).parent.mkdir(parents=True, exist_ok=True)
        (project.root / name).write_bytes(content)
    project.run("git", "-c", "core.autocrlf=true", "add", "--all")
    project.run("git", "commit", "--quiet", "--message", "files")
    clone = tmp_path / "clone"
    project.run("git", "clone", "--quiet", "-c", "core.autocrlf=true", str(project.root), str(clone))
    assert {name: (clone / name).read_bytes() for name in contents} == contents


def test_experiments_are_pushed_into_the_project(
    project: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not to /data/remote, which DVC makes of the relative address in a commit."""
    project.run("git", "init", "--quiet", "--bare", str(tmp_path / "origin"))
    project.run("git", "remote", "add", "origin", str(tmp_path / "origin"))
    stage = "stages:\n  make:\n    cmd: cp params.yaml out\n    params: [a]\n    outs: [out]\n"
    (project.root / "dvc.yaml").write_text(stage)
    (project.root / "params.yaml").write_text("a: 1\n")
    project.run("git", "add", "--all")
    project.run("git", "commit", "--quiet", "--message", "stage")
    project.run("git", "push", "--quiet", "origin", "HEAD")
    monkeypatch.chdir(project.root)
    assert CliRunner().invoke(bundled.main).exit_code == 0
    project.run("dvc", "exp", "run", "--quiet", "--name", "two", "-S", "a=2")
    project.run("dvc", "exp", "push", "origin", "two")
    name = hashlib.md5(b"a: 2\n").hexdigest()
    assert (project.root / "data/remote/files/md5" / name[:2] / name[2:]).read_bytes() == b"a: 2\n"


# Others


def test_a_bucket_takes_and_gives_back(project: Checkout) -> None:
    server = ThreadedMotoServer(port=0)
    server.start()
    try:
        _, port = server.get_host_and_port()
        address = f"http://127.0.0.1:{port}"
        with urlopen(Request(f"{address}/study", method="PUT")) as made:
            assert made.status == 200
        project.run("dvc", "remote", "add", "--default", "store", "s3://study/irislib")
        project.run("dvc", "remote", "modify", "store", "endpointurl", address)
        project.run("dvc", "remote", "modify", "--local", "store", "access_key_id", "somebody")
        project.run("dvc", "remote", "modify", "--local", "store", "secret_access_key", "secret")
        pushes_and_pulls(project)
        assert not any((project.root / "data/remote").iterdir())
    finally:
        server.stop()


@contextmanager
def ssh_server(folder: Path) -> Iterator[tuple[int, Path]]:
    """A server of this user's own, which knows one key; its port, and the file of the key."""
    assert SSHD is not None
    folder.mkdir(mode=0o700)
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "authorized",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "Subsystem": "sftp internal-sftp",
    }
    (folder / "config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # a server that root starts wants this empty folder
    log = (folder / "log").open("w")
    with log, subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "config"], stderr=log) as server:
        try:
            deadline = time.monotonic() + 20
            while "listening" not in (folder / "log").read_text() and time.monotonic() < deadline:
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.05)
            yield port, folder / "user"
        finally:
            server.terminate()


@pytest.mark.skipif(SSHD is None and os.environ.get("CI") != "true", reason="no sshd")
def test_a_host_takes_and_gives_back(project: Checkout, tmp_path: Path) -> None:
    with ssh_server(tmp_path / "ssh") as (port, key):
        store = tmp_path / "store"
        project.run(
            *("dvc", "remote", "add", "--default", "store", f"ssh://{getuser()}@127.0.0.1:{port}{store}")
        )
        project.run("dvc", "remote", "modify", "store", "keyfile", str(key))
        project.run("dvc", "remote", "modify", "store", "allow_agent", "false")
        pushes_and_pulls(project)
    assert len([file for file in store.rglob("*") if file.is_file()]) == 3  # two files and their folder
