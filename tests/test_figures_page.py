"""Figures on the page in a real browser: one selection with the table, by pointer and by keyboard."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from madeup import sources, write_inputs
from playwright.sync_api import Browser, Page

from irislib.report.claims import collect_claims
from irislib.report.config import PlotsConfig
from irislib.report.figures.codes.code_label import code_label
from irislib.report.figures.codes.consistency import consistency
from irislib.report.figures.codes.cooccurrence import cooccurrence
from irislib.report.figures.saving import save
from irislib.report.figures.study.study_cost import study_cost
from irislib.report.figures.study.study_meaning import study_meaning
from irislib.report.inputs import Inputs, load_inputs
from irislib.report.page.render import Plate, render_page
from irislib.report.style import publication

CODES = 40
CONFIG = PlotsConfig(codes=3, crops=1, groups=1, frames=1, tsne_perplexity=30.0, dpi=50)
DRAWN = (study_meaning, study_cost, consistency, code_label, cooccurrence)
SELECT = """codes => document.dispatchEvent(new CustomEvent("codes:shown", {detail: {
    codes: new Set(codes ?? []), all: codes === null}}))"""
LISTEN = """() => { window.chosen = [];
    document.addEventListener("codes:chosen", (event) => window.chosen.push(event.detail)); }"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    root = tmp_path_factory.mktemp("page")
    rng = np.random.default_rng(3)
    frames = rng.integers(0, 256, (60, 32, 32, 3), np.uint8)
    write_inputs(root, frames, rng.integers(0, CODES, (60, 4, 4)).astype(np.int16), CODES)
    return load_inputs(CONFIG, seed=0, **sources(root), reports=root / "reports")


@pytest.fixture(scope="module")
def url(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("drawn")
    with publication():
        figures = [draw(inputs) for draw in DRAWN]
        plates = [
            Plate.of("study" if "study" in one.name else "codes", one, save(one, folder, folder, 50))
            for one in figures
        ]
    page = render_page(inputs, collect_claims(inputs), plates)
    (folder / "index.html").write_bytes(page)
    return Path(folder / "index.html").as_uri()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        complaints: list[str] = []
        made = context.new_page()
        made.on("console", lambda message: complaints.append(message.text))
        made.on("pageerror", lambda error: complaints.append(str(error)))
        made.goto(url)
        made.evaluate(LISTEN)
        yield made
        assert complaints == []


def of_table(inputs: Inputs) -> list[int]:
    return [int(code) for code in inputs.codes["confirmed"].dropna().index]


def chosen(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(page.evaluate("() => JSON.stringify(window.chosen)"))
    return found


def test_what_the_table_leaves_out_is_dimmed(page: Page, inputs: Inputs) -> None:
    kept = of_table(inputs)[:3]
    page.evaluate(SELECT, kept)
    bright = page.locator("#consistency a[data-code]:has(use, path):not(.dim)")
    codes = bright.evaluate_all("marks => marks.map(mark => Number(mark.dataset.code))")
    assert sorted(codes) == kept
    assert page.locator("#code_label [data-code].dim").count() > 0
    page.evaluate(SELECT, None)
    assert page.locator(".plot .dim").count() == 0


def test_a_mark_tells_its_code_and_leads_to_it(page: Page, inputs: Inputs) -> None:
    code = of_table(inputs)[5]
    link = page.locator(f"#consistency a[data-code='{code}']:has(use, path)")
    link.hover(force=True)
    assert page.locator("#consistency .picked").text_content().startswith(inputs.name_of(code))  # type: ignore[union-attr]
    link.dispatch_event("click")
    assert page.url.endswith(f"#code-{code}")


def test_a_figure_is_one_stop_of_the_tab_key(page: Page) -> None:
    for name in ("consistency", "code_label", "cooccurrence", "study_meaning"):
        assert page.locator(f"#{name} .plot [tabindex='0']").count() == 1
    stops = page.locator("#consistency .plot [tabindex]")
    page.locator("#consistency .plot [tabindex='0']").focus()
    seen = []
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "End", "ArrowRight", "Home"):
        page.keyboard.press(key)
        seen.append(
            page.evaluate("() => document.activeElement.ariaLabel ?? document.activeElement.textContent")
        )
        assert page.locator(":focus").get_attribute("tabindex") == "0"
        assert page.locator("#consistency .plot [tabindex='0']").count() == 1
    assert seen[0] == seen[2] != seen[1]
    assert seen[3] == seen[4] != seen[5]
    assert stops.first.evaluate("one => one === document.activeElement")


@pytest.mark.parametrize("way", ["pointer", "keyboard"])
def test_a_word_chooses_its_codes(page: Page, inputs: Inputs, way: str) -> None:
    word = page.locator("#code_label [data-choose]", has_text="water")
    assert word.get_attribute("role") == "button"
    if way == "pointer":
        word.click()
    else:
        word.focus()
        page.keyboard.press("Enter")
    shares = inputs.labels.pivot(index="code", columns="label", values="share").fillna(0)
    mostly = shares.index[shares.idxmax(axis=1) == "water"]
    assert len(mostly)
    assert chosen(page)[-1] == {"codes": list(mostly), "why": "mostly water, in the label matrix"}


def test_a_box_chooses_the_codes_in_it_and_opens_nothing(page: Page, inputs: Inputs) -> None:
    marks = page.locator("#consistency a[data-code] > :is(use, path)")
    marks.first.scroll_into_view_if_needed()
    at = marks.evaluate_all(
        """marks => marks.map(mark => { const box = mark.getBoundingClientRect();
        return [Number(mark.parentNode.dataset.code), box.x + box.width / 2, box.y + box.height / 2]; })"""
    )
    by_place = sorted(at, key=lambda one: one[1])[2:6]
    (_, left, _), (_, right, _) = by_place[0], by_place[-1]
    heights = [one[2] for one in by_place]
    before = urlsplit(page.url).fragment
    page.mouse.move(left - 2, min(heights) - 6)
    page.mouse.down()
    page.mouse.move(right + 2, max(heights) + 6, steps=3)
    assert page.locator("#consistency .box").count() == 1
    page.mouse.up()
    assert page.locator(".box").count() == 0
    assert chosen(page)[-1]["codes"] == sorted(one[0] for one in by_place)
    assert urlsplit(page.url).fragment == before == ""


def test_an_arm_is_shown_in_every_figure_of_the_study(page: Page) -> None:
    page.locator("#study_meaning [data-arm='cells'] >> nth=0").dispatch_event(
        "pointerover", {"bubbles": True}
    )
    for name in ("study_meaning", "study_cost"):
        arms = page.locator(f"#{name} .here").evaluate_all("marks => marks.map(mark => mark.dataset.arm)")
        assert set(arms) == {"cells"}
    assert "recall" in str(page.locator("#study_meaning .picked").text_content())


def test_links_lead_to_codes_without_scripts(browser: Browser, url: str, inputs: Inputs) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(url)
        links = page.locator("#consistency a[href^='#code-']")
        assert links.count() >= len(of_table(inputs))
        assert not page.locator("#consistency .picked").is_visible()
        assert page.locator("#consistency .plot").is_visible()
        assert page.get_by_role("img", name="Under").count() == 0


def test_figures_have_a_role_and_say_their_result(page: Page) -> None:
    for name in ("study_meaning", "consistency", "code_label"):
        plot = page.locator(f"#{name} .plot")
        assert plot.get_attribute("role") == "group"
        assert plot.get_attribute("aria-label") == page.locator(f"#{name} .result").text_content()
