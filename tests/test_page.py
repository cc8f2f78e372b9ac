"""The page in a real browser: silent, sortable, filterable, usable by keyboard and on a phone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browsing import Visit
from madeup import sources, write_inputs
from playwright.sync_api import Browser

from irislib.report.claims import collect_claims
from irislib.report.config import PlotsConfig
from irislib.report.inputs import load_inputs
from irislib.report.page.render import render_page

CODES = 512
CONFIG = PlotsConfig(codes=3, crops=3, groups=4, frames=4, tsne_perplexity=30.0, dpi=50)
# Header, and the column of codes.csv behind it.
SORTED_BY = {
    "code": "code", "crops": "distinct_crops", "label": "label", "share": "label_share",
    "lift": "label_lift", "uses": "uses", "empty": "empty_share", "difference": "difference",
    "confirmed": "confirmed", "random": "random_difference", "mono": "monosemanticity",
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page")
    rng = np.random.default_rng(3)
    frames = rng.integers(0, 256, (60, 32, 32, 3), np.uint8)
    tokens = rng.integers(0, 440, (60, 4, 4)).astype(np.int16)
    write_inputs(path, frames, tokens, CODES)
    inputs = load_inputs(CONFIG, seed=0, **sources(path), reports=path / "reports")
    page = render_page(inputs, collect_claims(inputs))
    (path / "reports/index.html").write_bytes(page)
    return path


@pytest.fixture
def codes(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / "reports/codes.csv")


@pytest.fixture
def visit(browser: Browser, root: Path) -> Iterator[Visit]:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        made = Visit(context, (root / "reports/index.html").as_uri())
        yield made
        assert made.complaints == []


def test_it_opens_in_silence_and_asks_for_nothing(visit: Visit, root: Path) -> None:
    visit.page.mouse.wheel(0, 20_000)
    visit.page.locator(".frames").last.scroll_into_view_if_needed()
    visit.page.wait_for_load_state("networkidle")
    own = (root / "reports/index.html").as_uri()
    assert [url for url in visit.requests if not url.startswith("data:")] == [own]
    assert sorted(visit.order()) == list(range(CODES))
    assert visit.fits()


@pytest.mark.parametrize("key", SORTED_BY)
def test_every_column_sorts_both_ways_with_the_undefined_last(
    visit: Visit, codes: pd.DataFrame, key: str
) -> None:
    column = codes[SORTED_BY[key]]
    known, unknown = column.dropna(), list(column.index[column.isna()])
    upwards = list(known.sort_values(kind="stable").index)
    downwards = list(known.sort_values(kind="stable", ascending=False).index)
    assert upwards != downwards
    other = visit.header("code" if key != "code" else "uses")
    other.get_by_role("button").click()
    expected = {"ascending": upwards, "descending": downwards}
    for way in ("ascending", "descending", "ascending"):
        visit.header(key).get_by_role("button").click()
        assert visit.header(key).get_attribute("aria-sort") == way
        assert visit.page.locator("[aria-sort]").count() == 1
        assert visit.order() == expected[way] + unknown


def test_it_begins_with_the_best(visit: Visit, codes: pd.DataFrame) -> None:
    found = codes["name"].notna() | codes["item"].notna()
    best = codes.assign(found=found).sort_values(
        ["consistent", "found", "confirmed", "difference", "code"], ascending=[*[False] * 4, True]
    )
    assert visit.order() == list(best["code"])
    assert visit.page.locator("[aria-sort]").count() == 0
    visit.header("uses").get_by_role("button").click()
    visit.page.select_option("#sorting", "best")
    assert visit.order() == list(best["code"])


def test_the_first_rows_are_drawn_until_all_are_asked_for(visit: Visit) -> None:
    rows = visit.page.locator(".codes tbody tr:visible")
    assert rows.count() == 60
    visit.page.get_by_role("button", name=f"Show all {CODES} rows").click()
    assert rows.count() == CODES
    assert visit.focused() == f"#code-{visit.order()[60]}"


def has(codes: pd.DataFrame) -> dict[str, pd.Series]:
    """Which codes have each property, by the definitions of the columns."""
    tested, low, high = codes["confirmed"].notna(), codes["difference_low"], codes["difference_high"]
    labels = {f"label.{label}": codes["label"] == label for label in sorted(codes["label"].dropna().unique())}
    return {
        "test.consistent": codes["consistent"],
        "test.inconsistent": tested & ~codes["consistent"],
        "test.too-few-episodes": ~tested & (codes["crops"] > 0),
        "test.no-crop": (codes["uses"] > 0) & (codes["crops"] == 0),
        "test.never-used": codes["uses"] == 0,
        "place.above": low > 0,
        "place.within": (low <= 0) & (high >= 0),
        "place.below": high < 0,
        "finding.name": codes["name"].notna(),
        "finding.item": codes["item"].notna(),
        "finding.none": codes["name"].isna() & codes["item"].isna(),
        "kind.world": codes["kind"] == "world",
        "kind.display": codes["kind"] == "display",
        "maps.all": (codes["uses"] > 0) & (codes["empty_share"] == 1),
        "maps.none": codes["empty_share"] == 0,
        **labels,
    }


def test_every_box_shows_exactly_its_codes_and_says_how_many(visit: Visit, codes: pd.DataFrame) -> None:
    boxes = visit.page.locator(".facets input")
    found = boxes.evaluate_all("all => all.map(one => `${one.name}.${one.value}`)")
    expected = has(codes)
    assert sorted(found) == sorted(expected)
    for key, codes_of in expected.items():
        group, _, value = key.partition(".")
        box = visit.page.locator(f".facets input[name={group}][value='{value}']")
        assert box.locator("xpath=..").locator(".count").text_content() == str(codes_of.sum()), key
        box.check()
        assert sorted(visit.order()) == list(codes.index[codes_of]), key
        assert visit.page.locator("output").text_content() == f"{codes_of.sum()} of {CODES} codes shown"
        box.uncheck()
    assert visit.page.locator("output").get_attribute("aria-live") == "polite"


def test_boxes_of_a_group_add_up_and_groups_narrow_down(visit: Visit, codes: pd.DataFrame) -> None:
    of, page = has(codes), visit.page
    for box in ("test.consistent", "test.inconsistent", "label.grass"):
        page.get_by_role("group").locator(
            f"input[name={box.split('.')[0]}][value={box.split('.')[1]}]"
        ).check()
    page.fill("#search", "100-400")
    inside = codes["code"].between(100, 400)
    either = of["test.consistent"] | of["test.inconsistent"]
    assert sorted(visit.order()) == list(codes.index[either & of["label.grass"] & inside])
    # A count is what its box would show, given the other groups.
    counted = page.locator(".facets label", has=page.locator("input[value=water]")).locator(".count")
    assert counted.text_content() == str((either & of["label.water"] & inside).sum())
    visit.header("uses").get_by_role("button").click()  # sorting keeps the filter
    shown = visit.order()
    assert "q=100-400" in page.url and "test=consistent" in page.url and "sort=uses" in page.url

    page.reload()
    assert visit.order() == shown
    assert visit.header("uses").get_attribute("aria-sort") == "ascending"
    page.get_by_role("button", name="Show all codes").click()
    assert len(visit.order()) == CODES
    assert page.url.endswith("?sort=uses")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("17", lambda codes: codes["code"] == 17),
        ("#17", lambda codes: codes["code"] == 17),
        ("Code 17", lambda codes: codes["code"] == 17),
        ("codes 17 - 20", lambda codes: codes["code"].between(17, 20)),
        ("17\N{EN DASH}20, 40", lambda codes: codes["code"].isin([17, 18, 19, 20, 40])),
        ("17, 300 4", lambda codes: codes["code"].isin([4, 17, 300])),
        ("600", lambda codes: codes["code"] == 600),
        (" Wood ", lambda codes: codes["item"] == "wood"),
        ("displ", lambda codes: codes["label"] == "display"),
        ("no such thing", lambda codes: codes["code"] < 0),
        ("", lambda codes: codes["code"] >= 0),
    ],
)
def test_text_finds_codes_by_number_label_or_item(
    visit: Visit, codes: pd.DataFrame, text: str, expected: Any
) -> None:
    visit.page.fill("#search", text)
    assert sorted(visit.order()) == list(codes.index[expected(codes)])


def test_the_download_has_the_rows_shown_with_all_columns(visit: Visit, root: Path) -> None:
    visit.page.fill("#search", "grass")
    visit.header("uses").get_by_role("button").click()
    with visit.page.expect_download() as download:
        visit.page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "codes.csv"
    header, *lines = (root / "reports/codes.csv").read_text().splitlines()
    saved = Path(download.value.path()).read_text().splitlines()
    assert saved == [header, *(lines[code] for code in visit.order())]


def test_figures_and_table_share_what_is_chosen(visit: Visit) -> None:
    visit.page.evaluate(
        "document.addEventListener('codes:shown', (event) => { window.told = event.detail; });"
        "const detail = {codes: [7, 5, 6, 40], why: 'grass in a figure'};"
        "document.dispatchEvent(new CustomEvent('codes:chosen', {detail}))"
    )
    assert sorted(visit.order()) == [5, 6, 7, 40]
    assert visit.page.input_value("#search") == "5-7, 40"
    assert visit.page.locator("#chosen").text_content() == "Chosen: grass in a figure."
    assert visit.page.evaluate("[[...told.codes].sort((a, b) => a - b), told.all]") == [[5, 6, 7, 40], False]
    visit.page.fill("#search", "")
    assert visit.page.evaluate("[told.codes.size, told.all]") == [CODES, True]
    assert visit.page.locator("#chosen").text_content() == ""


def test_keyboard_sorts_and_shows_where_it_is(visit: Visit, codes: pd.DataFrame) -> None:
    visit.page.locator(".facets input").last.focus()
    keys = []
    for _ in range(len(SORTED_BY)):
        visit.page.keyboard.press("Tab")
        focused = visit.page.locator(":focus")
        keys.append(focused.evaluate("one => one.closest('th')?.dataset.key"))
        assert focused.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
        if keys[-1] == "uses":
            visit.page.keyboard.press("Enter")
            visit.page.keyboard.press("Space")
            assert visit.header("uses").get_attribute("aria-sort") == "descending"
            assert visit.order() == list(codes["uses"].sort_values(kind="stable", ascending=False).index)
    assert keys == list(SORTED_BY)
    visit.page.keyboard.press("Tab")
    assert visit.focused() == f"#code-{visit.order()[0]}"


def test_rows_out_of_sight_are_not_drawn(visit: Visit) -> None:
    first, last = visit.order()[0], visit.order()[59]
    visit.page.locator(f"#code-{first}").scroll_into_view_if_needed()
    drawn = (
        "id => document.querySelector(`#${id} .against small`).checkVisibility({contentVisibilityAuto: true})"
    )
    visit.page.wait_for_function(drawn, arg=f"code-{first}")  # from the next frame on
    assert not visit.page.evaluate(drawn, f"code-{last}")


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_fits_every_width_and_is_whole_without_scripts(
    browser: Browser, root: Path, width: int, scripts: bool
) -> None:
    size = {"width": width, "height": 740}
    with browser.new_context(viewport=size, java_script_enabled=scripts) as context:  # type: ignore[arg-type]
        visit = Visit(context, (root / "reports/index.html").as_uri())
        assert visit.fits()
        assert sorted(visit.order()) == list(range(CODES))
        assert visit.page.locator(".controls").is_visible() == scripts
        assert visit.page.locator("th button").count() == len(SORTED_BY) * scripts
        table = visit.page.locator(".codes")
        assert table.evaluate("one => one.scrollWidth <= one.clientWidth")  # no scroller inside the page
        assert table.evaluate("one => one.scrollHeight <= one.clientHeight")
        assert visit.complaints == []


BASICS = """() => {
  const wrong = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  for (const one of all("img")) if (!one.alt) wrong.push("img without alt");
  const named = "[role=img], [role=region], nav";
  for (const one of all(named)) if (!one.ariaLabel) wrong.push("unnamed " + one.outerHTML);
  for (const one of all("input, select")) if (!one.labels.length) wrong.push("unlabelled " + one.id);
  for (const one of all("button, a")) if (!one.textContent.trim()) wrong.push("empty " + one.outerHTML);
  for (const one of all("[tabindex]")) if (one.tabIndex > 0) wrong.push("tabindex " + one.tabIndex);
  for (const one of all("th")) if (!one.scope) wrong.push("th without scope");
  const ids = all("[id]").map((one) => one.id);
  for (const one of all("a[href^='#']")) if (!ids.includes(one.hash.slice(1))) wrong.push(one.hash);
  if (new Set(ids).size < ids.length) wrong.push("an id occurs twice");
  if (all("h1").length !== 1 || all("main").length !== 1) wrong.push("not one h1 and one main");
  let level = 1;
  for (const one of all("h1, h2, h3, h4")) {
    if (+one.tagName[1] > level + 1) wrong.push("a level skipped before " + one.textContent);
    level = +one.tagName[1];
  }
  if (!document.documentElement.lang || !document.title) wrong.push("no language or title");
  const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    .reduce((sum, part, i) => sum + part * [.2126, .7152, .0722][i], 0);
  for (const one of all("p, a, small, td, th, li, dt, summary, button, label, output, .mark")) {
    const contrast = 1.05 / (light(getComputedStyle(one).color) + .05);
    if (contrast < 4.5) wrong.push("pale " + one.outerHTML);
  }
  return wrong;
}"""


def test_basics_of_accessibility(visit: Visit) -> None:
    assert visit.page.evaluate(BASICS) == []
