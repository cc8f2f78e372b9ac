"""Every number in the view of a code and in the token inspector is in the tables or in what was recorded."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from browsing import Visit
from madeup import sources, write_inputs
from page_text import Known, wrong
from playwright.sync_api import Browser

from irislib.report.claims import collect_claims
from irislib.report.config import PlotsConfig
from irislib.report.inputs import Inputs, load_inputs
from irislib.report.page.explorer.explorer import explore
from irislib.report.page.render import render_page
from irislib.tokenizers.load import load_recorded_tokenizer
from irislib.tokenizers.reconstruction import reconstruct

CODES = 30
CONFIG = PlotsConfig(codes=3, crops=3, groups=4, frames=4, tsne_perplexity=30.0, dpi=50)
SPOKEN = "all => all.map(one => one.getAttribute('aria-label') ?? one.textContent).join(' | ')"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    path = tmp_path_factory.mktemp("page")
    rng = np.random.default_rng(8)
    frames = rng.integers(0, 256, (60, 32, 32, 3), np.uint8)
    write_inputs(path, frames, rng.integers(0, CODES - 4, (60, 4, 4)).astype(np.int16), CODES)
    return load_inputs(CONFIG, seed=0, **sources(path), reports=path / "reports")


@pytest.fixture(scope="module")
def data(inputs: Inputs) -> Any:
    return json.loads(explore(inputs).data)


@pytest.fixture(scope="module")
def address(inputs: Inputs) -> str:
    path = inputs.agent.parent / "reports/index.html"
    path.write_bytes(render_page(inputs, collect_claims(inputs)))
    return path.as_uri()


@pytest.fixture
def visit(address: str, browser: Browser) -> Iterator[Visit]:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield Visit(context, address)


def of_code(inputs: Inputs, data: Any, code: int) -> Known:
    """What the view of a code may show. Its neighbours are compared with brute force elsewhere."""
    facts, labels = inputs.codes.loc[code].to_dict(), inputs.labels[inputs.labels["code"] == code]
    two = [float(f"{facts[key]:.2g}") for key in ("label_lift", "iou", "iou_elsewhen")]
    two += [round(facts[key], 2) for key in ("item_mean", "item_expected")]
    two += [float(f"{one:.2g}") for one in labels["iou"]]
    pairs = inputs.pairs[(inputs.pairs["code_a"] == code) | (inputs.pairs["code_b"] == code)]
    paired = pairs[["code_a", "code_b", "count", "confirmed"]], pairs["expected"].round(1).tolist()
    neighbours = data["codes"][code]["nearest"], data["codes"][code]["together"]
    return Known(code, facts, labels, two, paired, neighbours, _recorded(inputs, code), settings="95% 0 1")


def _recorded(inputs: Inputs, code: int) -> list[Any]:
    """Where and when the code stands, and how strong its maps are."""
    here = inputs.rollouts.read("token") == code
    episode = inputs.rollouts.read("episode")
    first = np.searchsorted(episode, episode)
    steps = np.flatnonzero(here.any(axis=(1, 2)))
    when = [episode[steps], steps - first[steps]]
    places, most = here.sum(axis=0), here.sum(axis=0).max()
    in_episodes = [int(here[episode == one].sum()) for one in np.unique(episode)]
    row, column = np.unravel_index(places.argmax(), places.shape)
    counts = [here.sum(), places, most / max(here.sum(), 1), row + 1, column + 1, in_episodes]
    counts += [np.unique(episode), len(in_episodes), np.count_nonzero(in_episodes)]

    of_map = inputs.changes.read("occurrence_map")
    highest = inputs.changes.read("map_raw_max")[of_map].astype(float)
    mine = highest[inputs.changes.read("map_code")[of_map] == code]
    share = mine / (mine.max(initial=0) or 1)
    kinds = [(share > 2 / 3).sum(), ((share > 1 / 3) & (share <= 2 / 3)).sum()]
    kinds += [((share > 0) & (share <= 1 / 3)).sum(), (share == 0).sum(), len(mine)]
    edges = np.linspace(0, highest.max(), 17)
    bars = np.histogram(mine, edges)[0]
    grid = list(range(1, max(places.shape) + 1))  # rows and columns, which the chart of places names
    return [when, counts, mine, kinds, edges.round(2), bars, highest.max(), grid]


def test_the_view_of_a_code(visit: Visit, inputs: Inputs, data: Any) -> None:
    noticed = []
    for place, code in enumerate(np.random.default_rng(2).permutation(CODES)[:8].tolist()):
        visit.page.evaluate(f"location.hash = '#code-{code}'")
        visit.page.wait_for_function(
            f"document.querySelector('dialog h2').textContent.startsWith('Code {code}')"
        )
        dialog = visit.page.locator("dialog")
        spoken = dialog.locator("[aria-label], title").evaluate_all(SPOKEN)
        text = f"{dialog.locator('.content').inner_text()} | {spoken}"
        mine = of_code(inputs, data, code)
        pool = len(data["pool"])
        mine.settings |= {str(pool)}
        assert mine.strangers(text) == [], code
        row = visit.order().index(code) + 1
        assert f"row {row} of {CODES} shown" in dialog.inner_text(), place
        # Counts are small, and many are equal by chance.
        noticed += [len(mine.strangers(changed)) for number, changed in wrong(text) if "." in number]
    assert len(noticed) > 200 and np.mean(noticed) > 0.7, np.mean(noticed)


def test_the_token_inspector(visit: Visit, inputs: Inputs, data: Any) -> None:
    page, rng = visit.page, np.random.default_rng(3)
    tokens, frames = inputs.rollouts.read("token"), inputs.rollouts.read("obs")
    tokenizer = load_recorded_tokenizer(inputs.rollouts, inputs.agent, torch.device("cpu"))
    page.locator("#tokens").scroll_into_view_if_needed()
    page.wait_for_selector(".thumb")
    rows = [_row(inputs, *data["pool"][one["frame"]]) for one in data["inspected"]]
    for number, square in zip(rng.integers(0, len(rows), 6), rng.permutation(16)[:6], strict=True):
        page.locator(".thumb").nth(int(number)).click()
        page.locator(".cells[role=group] .cell").nth(int(square)).click()
        step, (y, x) = rows[number], divmod(int(square), 4)
        code = int(tokens[step, y, x])
        decoded = reconstruct(tokenizer, frames[[step]])[0].astype(float)
        quality = round(-10 * np.log10(np.square((frames[step] - decoded) / 255).mean()), 1)
        times = [int((tokens[row] == code).sum()) for row in rows]
        shown = [code, y + 1, x + 1, data["pool"][data["inspected"][number]["frame"]], quality]
        told = page.locator("#inspector .about").inner_text()
        assert Known(shown, 1.0).strangers(told) == [], told  # a patch is one cell: 100%
        where = page.locator("#inspector > p").last.inner_text()
        assert Known(code, np.count_nonzero(times), len(rows)).strangers(where) == [], where
        marks = page.locator(".thumb .mark").all_text_contents()
        assert [mark[:-1] for mark in marks] == [f"{count}" if count else "" for count in times]


def _row(inputs: Inputs, episode: int, step: int) -> int:
    return int(np.flatnonzero(inputs.rollouts.read("episode") == episode)[step])


def test_rows_say_what_is_known(inputs: Inputs) -> None:
    """The made-up codes have names, items, pairs and none of them, so that all texts above occur."""
    codes = inputs.codes
    assert codes["name"].notna().any() and codes["item"].notna().any() and (codes["uses"] == 0).any()
    assert len(inputs.pairs) and isinstance(inputs.labels, pd.DataFrame)
