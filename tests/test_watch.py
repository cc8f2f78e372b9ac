"""A training that is watched: the page and the files of DVCLive have what it has logged, at any time."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, expect
from silent_page import opened
from tiny import ENV, TRAIN

from irislib.errors import ArtifactError, IrislibError
from irislib.report.runs.chart import line_chart
from irislib.report.runs.dvclive import dvclive_files
from irislib.report.runs.live import Watched, live_page, long_format
from irislib.report.tables import read_curves
from irislib.training.train import train
from irislib.training.trainer import Trainer
from irislib.training.watching import finished_epochs, newest_training
from stages import watch
from stages.watch import keep, look

PARAMS = Path(__file__).parent.parent / "params.yaml"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A tiny training, looked at before it, after each epoch, when its checkpoint goes, and after it."""
    root = tmp_path_factory.mktemp("watched")
    params = root / "params.yaml"
    params.write_text(re.sub(r"(?m)^  epochs: \d+$", "  epochs: 3", PARAMS.read_text()))
    work, agent, out = root / "work", root / "agent", root / "dvclive"
    seen: dict[str, Any] = {"root": root, "out": out, "looks": []}

    def glance() -> None:
        before = seen["looks"][-1][0] if seen["looks"] else None
        now = look(work, agent, params, before)
        keep(now, out, every=10, files=len(now.curves) > 0)
        metrics = out / "metrics.json"
        seen["looks"].append(
            (
                now,
                (out / "report.html").read_text(),
                json.loads(metrics.read_text()) if metrics.exists() else {},
            )
        )

    kept, fit = Trainer._keep, Trainer.fit

    def keep_and_glance(self: Trainer, epoch: int) -> None:
        kept(self, epoch)
        glance()

    def glance_and_fit(self: Trainer, component: str, epoch: int) -> None:
        if (component, epoch) == ("tokenizer", 1):
            glance()
        fit(self, component, epoch)

    glance()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_keep", keep_and_glance)
        patch.setattr(Trainer, "fit", glance_and_fit)
        train(TRAIN, ENV, 3, None, work, agent, root / "snapshots")
    glance()
    return seen


def test_the_page_has_as_many_points_as_epochs_have_ended(pages: dict[str, Any]) -> None:
    waiting, started, *running, ended = pages["looks"]
    assert [one[0].state for one in (waiting, started, ended)] == ["waiting", "running", "ended"]
    assert "No training is running" in waiting[1] and "<circle" not in waiting[1]
    assert "The first of 3 epochs has not ended yet" in started[1] and "<circle" not in started[1]
    for epoch, (now, page, _) in enumerate(running, 1):
        assert (now.state, now.epoch, now.epochs) == ("running", epoch, 3)
        assert f"{epoch} of 3 epochs have ended" in page
        (total,) = re.findall(
            r'aria-label="total: [^"]*"[^>]*>(.*?)</svg>', section(page, "Tokenizer"), re.DOTALL
        )
        assert total.count("<circle") == epoch
        assert ("Actor-critic" in page) == (epoch > 1)
    assert len(running) == 3
    assert "The training has ended after 3 epochs." in ended[1]


def section(page: str, heading: str) -> str:
    (found,) = re.findall(rf"<section>\s*<h2>{heading}</h2>.*?</section>", page, re.DOTALL)
    return str(found)


def test_it_loads_itself_again_until_the_end_and_asks_for_nothing_else(
    pages: dict[str, Any],
) -> None:
    *before, (_, last, _) = pages["looks"]
    assert all('<meta http-equiv="refresh" content="10">' in page for _, page, _ in before)
    assert 'http-equiv="refresh"' not in last
    for _, page, _ in pages["looks"]:
        assert page.startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>")
        assert not re.search(r"""(src|href)=["'](?!data:)|url\((?!data:)|@import|<script .""", page)


def test_the_last_look_has_the_curves_of_the_agent(pages: dict[str, Any]) -> None:
    now = pages["looks"][-1][0]
    pd.testing.assert_frame_equal(now.curves, read_curves(pages["root"] / "agent/curves"))


def test_the_files_of_dvclive_have_every_epoch(pages: dict[str, Any]) -> None:
    curve = pd.read_csv(pages["root"] / "agent/curves/tokenizer.csv")
    file = pages["out"] / "plots/metrics/tokenizer/total.tsv"
    table = pd.read_csv(file, sep="\t")
    assert list(table.columns) == ["step", "total"]
    assert table["step"].tolist() == [1, 2, 3]
    assert table["total"].to_numpy() == pytest.approx(curve["total"].to_numpy())
    steps = [metrics.get("step") for _, _, metrics in pages["looks"]]
    assert steps == [None, None, 1, 2, 3, 3]
    last = pages["looks"][-1][2]
    assert last["tokenizer"]["total"] == pytest.approx(curve["total"].iloc[-1])
    assert not list(pages["out"].rglob("*.partial"))


def test_undefined_values_are_left_out_of_the_files_of_dvclive() -> None:
    curves = pd.DataFrame(
        [(1, "collect", "return", np.nan), (2, "collect", "return", 1.5), (2, "collect", "none", np.nan)],
        columns=["epoch", "component", "loss", "value"],
    )
    files = dvclive_files(curves)
    assert files["plots/metrics/collect/return.tsv"] == b"step\treturn\n2\t1.5\n"
    assert json.loads(files["metrics.json"]) == {"step": 2, "collect": {"return": 1.5}}
    assert "plots/metrics/collect/none.tsv" not in files


def test_dvc_reads_these_files(pages: dict[str, Any], tmp_path: Path) -> None:
    def dvc(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *command], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout

    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    dvc("init", "--quiet")
    shutil.copytree(pages["out"], tmp_path / "dvclive")
    shown = json.loads(dvc("metrics", "show", "--json"))
    assert shown[""]["data"][str(Path("dvclive/metrics.json"))]["data"]["step"] == 3
    drawn = dvc("plots", "show", "--out", "plots")
    page = Path(drawn.strip().removeprefix("file://")).read_text()
    assert str(Path("dvclive/plots/metrics/tokenizer/total.tsv")) in page


def test_an_interrupted_training_is_still_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = Trainer.fit

    def killed(self: Trainer, component: str, epoch: int) -> None:
        if (component, epoch) == ("world_model", 2):
            raise IrislibError("killed")
        fit(self, component, epoch)

    monkeypatch.setattr(Trainer, "fit", killed)
    with pytest.raises(IrislibError, match="killed"):
        train(TRAIN, ENV, 3, None, tmp_path / "work", tmp_path / "agent", tmp_path / "snapshots")
    now = look(tmp_path / "work", tmp_path / "agent", PARAMS, None)
    assert (now.state, now.epoch) == ("running", 1)
    page = live_page(now, (now.ended or 0) + 300, 10).decode()
    assert "the last one 5 minutes ago" in page and "continues from here" in page

    folder = newest_training(tmp_path / "work")
    assert folder is not None
    # A training that was interrupted before is not taken for the one that runs now.
    (tmp_path / "work/train-other").mkdir()
    os.utime(tmp_path / "work/train-other", ns=(2**62, 2**62))
    assert look(tmp_path / "work", tmp_path / "agent", PARAMS, now).epoch == 0
    shutil.rmtree(tmp_path / "work/train-other")

    content = bytearray((folder / "checkpoint.pt").read_bytes())
    content[-1] ^= 1
    (folder / "checkpoint.pt").write_bytes(content)
    with pytest.raises(ArtifactError, match="damaged"):
        finished_epochs(folder)
    (folder / "checkpoint.pt").unlink()
    assert look(tmp_path / "work", tmp_path / "agent", PARAMS, now) == now  # in the moment in which it ends
    shutil.rmtree(folder)
    gone = look(tmp_path / "work", tmp_path / "agent", PARAMS, now)
    assert gone.state == "stopped"
    assert "was given up after 1 of 12 epochs" in live_page(gone, 0, 10).decode()


def test_a_browser_shows_the_next_epoch_by_itself(tmp_path: Path, browser: Browser) -> None:
    """As often as it loads the page, there is one: it is replaced whole."""
    curves = long_format({"tokenizer": [{"epoch": n, "step": n, "total": 1 / n} for n in (1, 2)]})
    now = Watched("running", "train-a", 1, 3, curves[curves["epoch"] < 2], 0.0)
    keep(now, tmp_path, every=4, files=False)
    with opened(browser, tmp_path / "report.html") as page:
        expect(page.locator("circle")).to_have_count(1)
        page.locator("#again").uncheck()  # a reader who wants to look at something
        keep(replace(now, epoch=2, curves=curves), tmp_path, every=4, files=False)
        page.wait_for_timeout(5000)
        assert page.title() == "1 of 3 epochs"
        page.locator("#again").check()
        expect(page).to_have_title("2 of 3 epochs", timeout=30_000)
        expect(page.locator("circle")).to_have_count(2)
        keep(replace(now, state="ended", epoch=3, curves=curves), tmp_path, every=4, files=False)
        expect(page).to_have_title("Training ended", timeout=30_000)
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_command_ends_with_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = long_format({})
    looks = iter(
        [
            Watched("waiting", "", 0, 0, nothing),
            Watched("running", "train-a", 1, 2, nothing, 0.0),
            Watched("ended", "train-a", 2, 2, nothing, 0.0),
        ]
    )
    slept: list[float] = []
    monkeypatch.setattr(watch, "look", lambda *_: next(looks))
    monkeypatch.setattr(time, "sleep", slept.append)
    result = CliRunner().invoke(watch.main, ["--out", str(tmp_path / "out"), "--every", "3"])
    assert result.exit_code == 0, result.output
    assert slept == [3.0, 3.0]
    assert "The training has ended after 2 epochs." in (tmp_path / "out/report.html").read_text()


def test_a_chart_puts_points_in_their_places() -> None:
    chart = line_chart([(1, 0.0), (2, float("nan")), (3, 10.0)], "made up", whole=True)
    assert [tick.text for tick in chart.across] == ["1", "2", "3"]
    assert (chart.down[0].text, chart.down[-1].text) == ("0", "10")
    assert chart.dots == [(chart.across[0].at, chart.down[0].at), (chart.across[2].at, chart.down[-1].at)]
    assert chart.line.count("M") == 2 and "nan" not in chart.line
    assert line_chart([(4, 2.0)], "one point").dots
    assert line_chart([], "nothing").line == ""
