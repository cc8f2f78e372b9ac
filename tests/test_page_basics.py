"""What every page owes its reader, in a real browser: contrast, dark, print, keyboard, words explained."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from madeup import sources, write_inputs
from playwright.sync_api import Browser, Page

from irislib.report.claims import collect_claims
from irislib.report.config import PlotsConfig
from irislib.report.inputs import load_inputs
from irislib.report.page.render import PARTS, render_page

REPO = Path(__file__).parent.parent
CONFIG = PlotsConfig(codes=3, crops=2, groups=2, frames=4, tsne_perplexity=30.0, dpi=50)
CODES = 30
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("basics")
    rng = np.random.default_rng(3)
    frames = rng.integers(0, 256, (40, 32, 32, 3), np.uint8)
    write_inputs(path, frames, rng.integers(0, CODES - 2, (40, 4, 4)).astype(np.int16), CODES)
    reports, glossary = path / "reports", REPO / "docs/glossary.md"
    inputs = load_inputs(CONFIG, seed=0, **sources(path), reports=reports, glossary=glossary)
    page = render_page(inputs, collect_claims(inputs))
    (path / "reports/index.html").write_bytes(page)
    return (path / "reports/index.html").as_uri()


def visit(browser: Browser, url: str, **how: Any) -> Page:
    page = browser.new_context(**({"viewport": DESK} | how)).new_page()
    page.goto(url)
    return page


def luminance(page: Page, selector: str, part: str) -> float:
    """Relative luminance of a colour in [0, 1]."""
    script = f"one => getComputedStyle(one).{part}.match(/[\\d.]+/g).slice(0, 3).map(Number)"
    rgb = np.array(page.locator(selector).first.evaluate(script)) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize(
    "how", [{}, {"color_scheme": "dark"}, {"viewport": PHONE}], ids=["desk", "dark", "phone"]
)
def test_axe_finds_nothing_serious(browser: Browser, url: str, how: dict[str, Any]) -> None:
    page = visit(browser, url, **how)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in serious] == []


def test_axe_would_find_a_fault(browser: Browser, url: str) -> None:
    page = visit(browser, url)
    page.evaluate("document.querySelector('.answer').style.color = '#ddd'")
    found = Axe().run(page, context=".answer").response["violations"]
    assert "color-contrast" in [one["id"] for one in found]


def test_the_dark_page_is_dark(browser: Browser, url: str) -> None:
    light, dark = visit(browser, url), visit(browser, url, color_scheme="dark")
    assert luminance(light, "body", "backgroundColor") > 0.9 > 0.1 > luminance(light, "body", "color")
    assert luminance(dark, "body", "backgroundColor") < 0.1 < 0.7 < luminance(dark, "body", "color")
    for selector in (".controls input", ".codes thead"):
        assert luminance(dark, selector, "backgroundColor") < 0.1


def test_forced_colours_are_the_systems(browser: Browser, url: str) -> None:
    page = visit(browser, url, forced_colors="active")
    ink = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink')")
    assert ink.strip() == "CanvasText"


def test_the_first_key_skips_to_the_content(browser: Browser, url: str) -> None:
    page = visit(browser, url)
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.text_content() == "Skip to the content"
    box = skip.bounding_box()
    assert box is not None and box["x"] >= 0 and box["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_navigation_has_few_entries_that_all_lead_somewhere(browser: Browser, url: str) -> None:
    page = visit(browser, url)
    assert len(PARTS) <= 9
    for part, name in PARTS.items():
        page.get_by_role("navigation").get_by_text(name, exact=True).click()
        assert page.locator(f"#{part}").count() == 1
        page.wait_for_function(
            "id => { const top = document.getElementById(id).getBoundingClientRect().top;"
            " return (0 <= top && top < 200) || scrollY + innerHeight >= document.body.scrollHeight - 1; }",
            arg=part,
        )


@pytest.mark.parametrize("scripts", [True, False])
def test_a_word_is_explained_where_it_is_first_used(browser: Browser, url: str, scripts: bool) -> None:
    page = visit(browser, url, java_script_enabled=scripts)
    terms = page.locator("dfn .term")
    assert terms.first.text_content() == "tokens"
    names = [text.lower().rstrip("s") for text in terms.all_text_contents()]
    assert len(names) == len(set(names)) > 6
    meaning = page.locator("#term-token")
    assert not meaning.is_visible()
    terms.first.focus()
    page.keyboard.press("Enter")
    assert meaning.is_visible()
    rows = (REPO / "docs/glossary.md").read_text().splitlines()
    (row,) = [row for row in rows if row.startswith("| token |")]
    assert not any("protocol" in one or "`" in one for one in page.locator(".meaning").all_text_contents())
    assert meaning.text_content() == f"token: {row.split(' | ')[1].removesuffix(' |')}"
    page.keyboard.press("Escape")
    assert not meaning.is_visible()


def test_controls_are_large_on_touch(browser: Browser, url: str) -> None:
    page = visit(browser, url, viewport=PHONE, has_touch=True, is_mobile=True)
    for selector in ("nav a", "summary", ".controls input", ".controls select"):
        for one in page.locator(selector).all():
            box = one.bounding_box()
            assert box is None or not one.is_visible() or box["height"] >= 44, (selector, one.text_content())


def test_nothing_moves_by_itself(browser: Browser, url: str) -> None:
    """So there is nothing to switch off for readers who asked for less motion."""
    moving = """[...document.querySelectorAll("*")].filter(one => { const style = getComputedStyle(one);
        return style.scrollBehavior === "smooth" || parseFloat(style.transitionDuration) > 0
            || style.animationName !== "none"; }).length"""
    assert visit(browser, url).evaluate(moving) == 0


def test_a_print_has_the_results_on_few_pages(browser: Browser, url: str) -> None:
    page = visit(browser, url, color_scheme="dark")
    page.emulate_media(media="print")
    for selector in ("nav", ".skip", ".controls", "summary", "#codes", "#tokens", "#data"):
        assert not page.locator(selector).first.is_visible(), selector
    for selector in ("#verdict", "#claims", "#study", "#findings", "#baselines", "#differences", ".paper"):
        assert page.locator(selector).is_visible(), selector
    assert luminance(page, "body", "backgroundColor") == 1  # also of a dark page
    pages = re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))
    assert 1 < len(pages) <= 5  # without figures


def test_counts_of_the_verdict_ask_for_their_codes(browser: Browser, url: str) -> None:
    page = visit(browser, url)
    page.evaluate("addEventListener('codes:chosen', one => { window.asked = one.detail; }, true)")
    links = page.locator("#verdict a[data-codes]")
    assert links.count() >= 1
    for link in links.all():
        link.click()
        asked = page.evaluate("window.asked")
        assert " ".join(map(str, asked["codes"])) == link.get_attribute("data-codes")
        assert asked["why"] == link.text_content()
        assert str(len(asked["codes"])) == asked["why"].split()[0]
        assert page.url.endswith("#codes")


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [360, 768, 1024, 1280])
def test_every_table_of_results_fits(browser: Browser, url: str, width: int, scripts: bool) -> None:
    page = visit(browser, url, viewport={"width": width, "height": 740}, java_script_enabled=scripts)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    for table in page.locator(".wide").all():
        fits = table.evaluate("one => one.scrollWidth <= one.clientWidth")
        assert fits, table.get_attribute("aria-label")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
