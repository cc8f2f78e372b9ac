"""The view of a code in a real browser: opened from anywhere, closed without a trace, true to the tables."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browsing import Visit
from madeup import sources, write_inputs
from playwright.sync_api import Browser

from irislib.artifacts import open_store
from irislib.report.claims import collect_claims
from irislib.report.config import PlotsConfig
from irislib.report.inputs import load_inputs
from irislib.report.page.render import render_page
from irislib.report.wording import percent, signed
from irislib.stores.rollouts import ROLLOUTS

CODES = 90
CONFIG = PlotsConfig(codes=3, crops=3, groups=4, frames=4, tsne_perplexity=30.0, dpi=50)
TITLE = "Do the codes of a world model mean anything?"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page")
    rng = np.random.default_rng(5)
    frames = rng.integers(0, 256, (50, 32, 32, 3), np.uint8)
    tokens = rng.integers(0, CODES - 10, (50, 4, 4)).astype(np.int16)
    write_inputs(path, frames, tokens, CODES)
    inputs = load_inputs(CONFIG, seed=0, **sources(path), reports=path / "reports")
    page = render_page(inputs, collect_claims(inputs))
    (path / "reports/index.html").write_bytes(page)
    return path


@pytest.fixture
def codes(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / "reports/codes.csv")


@pytest.fixture(params=[1280, 360])
def visit(request: pytest.FixtureRequest, browser: Browser, root: Path) -> Iterator[Visit]:
    size = {"width": request.param, "height": 800}
    with browser.new_context(viewport=size) as context:  # type: ignore[arg-type]
        made = Visit(context, (root / "reports/index.html").as_uri())
        yield made
        own = (root / "reports/index.html").as_uri()
        assert {re.split("[?#]", url)[0] for url in made.requests if not url.startswith("data:")} == {own}
        assert made.complaints == []


def opened(visit: Visit) -> int | None:
    """The code that is shown; None if no view is open."""
    heading = visit.page.locator("dialog[open] h2")
    return int(heading.text_content().split()[1].rstrip(":")) if heading.count() else None  # type: ignore[union-attr]


def test_a_link_opens_the_view_and_esc_leads_back(visit: Visit) -> None:
    page = visit.page
    link = page.locator(".members a").first
    code = int(str(link.get_attribute("href")).split("-")[1])
    link.scroll_into_view_if_needed()
    page.wait_for_selector(".thumb")  # the frames to look at are above, and were built just now
    link.focus()
    before = link.bounding_box()
    page.keyboard.press("Enter")
    assert opened(visit) == code
    assert page.title().startswith(f"Code {code}") and page.title().endswith(TITLE)
    assert page.evaluate("document.activeElement.id") == "code-view-title"
    assert page.evaluate("document.querySelector('dialog').scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    assert opened(visit) is None
    assert visit.focused() == f"#code-{code}"
    assert link.bounding_box() == before
    assert page.title() == TITLE
    assert "#" not in page.url
    page.go_back()
    assert opened(visit) == code
    page.go_back()
    assert opened(visit) is None


def test_permalinks_land_and_show_their_row(visit: Visit, root: Path) -> None:
    page, address = visit.page, (root / "reports/index.html").as_uri()
    for code in np.random.default_rng(0).choice(CODES, 20, replace=False):
        page.goto("about:blank")
        page.goto(f"{address}?q=no+such+thing#code-{code}")
        assert opened(visit) == code
        page.get_by_role("button", name="Close").click()
        row = page.locator(f"tr#code-{code}")
        assert row.is_visible()
        box = row.bounding_box()
        assert box and 0 <= box["y"] <= 800
        assert visit.focused() == f"#code-{code}"


def test_arrows_walk_through_the_rows_that_are_shown(visit: Visit) -> None:
    page = visit.page
    page.fill("#search", "20-29")
    order = visit.order()
    assert len(order) == 10
    page.locator(f"#code-{order[1]} th a").click()
    page.keyboard.press("ArrowRight")
    assert opened(visit) == order[2]
    assert page.url.endswith(f"#code-{order[2]}")
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    assert opened(visit) == order[-1]
    page.get_by_role("button", name="previous").click()
    assert opened(visit) == order[-2]
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    assert opened(visit) == order[0]
    page.go_back()  # the steps are not in the history
    assert opened(visit) is None
    assert visit.order() == order


def test_a_view_leads_to_other_codes_and_back(visit: Visit) -> None:
    page = visit.page
    page.locator("#more").click()
    page.locator("#code-2 th a").click()
    link = page.locator("dialog .small a").first
    other = int(str(link.get_attribute("href")).split("-")[1])
    link.click()
    assert opened(visit) == other
    page.go_back()
    assert opened(visit) == 2
    page.go_forward()
    assert opened(visit) == other
    page.get_by_role("button", name="Show in the table").click()
    assert visit.focused() == f"#code-{other}"


def test_the_map_can_be_made_fainter_and_is_outlined(visit: Visit, codes: pd.DataFrame) -> None:
    page = visit.page
    code = int(codes.index[codes["empty_share"] < 1][0])
    page.evaluate(f"location.hash = '#code-{code}'")
    heat, outline = page.locator("dialog .heat").first, page.locator("dialog .outline").first
    lit = """one => one.getContext("2d").getImageData(0, 0, one.width, one.height).data
        .filter((value, i) => i % 4 === 3 && value).length"""
    assert heat.evaluate(lit) > 0
    assert len(str(outline.locator("path").first.get_attribute("d"))) > 20
    opacity = "one => getComputedStyle(one).opacity"
    assert heat.evaluate(opacity) == "0.6"
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowRight")  # moves the slider, not the view
    assert heat.evaluate(opacity) == "0.61"
    assert opened(visit) == code
    page.get_by_role("checkbox", name="outline").uncheck()
    assert not outline.is_visible()
    frame = page.locator("dialog .framed").first.bounding_box()
    assert frame and heat.bounding_box() == frame  # 32 x 32 pixels fill their cell


def test_every_number_equals_the_tables(visit: Visit, root: Path, codes: pd.DataFrame) -> None:
    labels = pd.read_csv(root / "reports/labels.csv")
    tokens = open_store(root / "rollouts.zarr", ROLLOUTS).read("token")
    for code in np.random.default_rng(1).choice(CODES, 6, replace=False).tolist():
        visit.page.evaluate(f"location.hash = '#code-{code}'")
        visit.page.wait_for_function(
            f"document.querySelector('dialog h2').textContent.startsWith('Code {code}')"
        )
        text = str(visit.page.locator("dialog").inner_text())
        facts = codes.loc[code]
        if pd.isna(facts["confirmed"]):
            assert "Not tested: " in text
        else:
            ends = [signed(facts[key]) for key in ("difference", "difference_low", "difference_high")]
            assert "difference of the cosine {}, 95% interval {} to {}".format(*ends) in text
            assert f"{percent(facts['confirmed'])} of the divisions" in text
            assert signed(facts["random_difference"]) in text
            assert ("Not consistent" in text) == (not facts["consistent"])
        if facts["crops"]:
            assert f"{facts['crops']} crop" in text
            assert f"{facts['distinct_crops']:.0f} different crops" in text or "only crop" in text
        else:
            assert "The code has no crop." in text
        if isinstance(facts["label"], str):
            assert f"{percent(facts['label_share'])} of the maps" in text
            assert facts["iou_label"] in text
        for row in labels[labels["code"] == code].to_dict("records"):
            assert percent(row["mass_share"]) in text
        uses = int((tokens == code).sum())
        assert uses == facts["uses"]
        place = visit.page.locator("dialog .places")
        assert str(place.get_attribute("aria-label")).split(";")[0] == (
            "never used" if not uses else f"{uses} token{'s' if uses > 1 else ''}"
        )
        titles = place.locator("title").evaluate_all(
            "all => all.map(one => parseInt(one.textContent.split(': ')[1]))"
        )
        assert titles == (tokens == code).sum(axis=0).ravel().tolist()


def test_the_link_can_be_copied(visit: Visit, root: Path) -> None:
    visit.page.evaluate(
        "() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; }"
    )
    visit.page.evaluate("location.hash = '#code-7'")
    visit.page.get_by_role("button", name="Copy link").click()
    assert visit.page.evaluate("copied") == f"{(root / 'reports/index.html').as_uri()}#code-7"
    assert "Copied." in visit.page.locator("dialog").inner_text()
    visit.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    visit.page.get_by_role("button", name="Copy link").click()
    assert visit.page.get_by_label("link to this code").input_value().endswith("#code-7")
