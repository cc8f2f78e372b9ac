"""The token inspector: what it shows is what was recorded, by pointer and by keyboard."""

import base64
import json
from collections.abc import Iterator

import numpy as np
import pytest
from browsing import Visit
from madeup import sources, write_inputs
from playwright.sync_api import Browser

from irislib.interpret.boxes import Boxes
from irislib.interpret.labels.truth import Truth
from irislib.report.claims import collect_claims
from irislib.report.config import PlotsConfig
from irislib.report.inputs import Inputs, load_inputs
from irislib.report.page.explorer.code_views import choose_frames
from irislib.report.page.explorer.explorer import explore
from irislib.report.page.explorer.frame_labels import label_under, labels_in_patches
from irislib.report.page.explorer.frame_pool import PER_EPISODE, choose_pool, choose_varied
from irislib.report.page.explorer.map_text import map_size, map_texts
from irislib.report.page.explorer.neighbours import companions, nearest_codes
from irislib.report.page.explorer.occurrences import EMPTY, HIGH, LOW, MIDDLE, Occurrences, classify
from irislib.report.page.explorer.token_inspector import first_look
from irislib.report.page.explorer.usage import bars_of_episodes, count_episodes
from irislib.report.page.render import render_page

CODES = 30
CONFIG = PlotsConfig(codes=3, crops=3, groups=4, frames=4, tsne_perplexity=30.0, dpi=50)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    path = tmp_path_factory.mktemp("page")
    rng = np.random.default_rng(7)
    frames = rng.integers(0, 256, (40, 32, 32, 3), np.uint8)
    tokens = rng.integers(0, CODES - 4, (40, 4, 4)).astype(np.int16)
    write_inputs(path, frames, tokens, CODES)
    return load_inputs(CONFIG, seed=0, **sources(path), reports=path / "reports")


@pytest.fixture(scope="module")
def address(inputs: Inputs) -> str:
    page = render_page(inputs, collect_claims(inputs))
    path = inputs.agent.parent / "reports/index.html"
    path.write_bytes(page)
    return path.as_uri()


@pytest.fixture(params=[1280, 360])
def visit(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Visit]:
    size = {"width": request.param, "height": 800}
    with browser.new_context(viewport=size) as context:  # type: ignore[arg-type]
        made = Visit(context, address)
        made.page.locator("#tokens").scroll_into_view_if_needed()
        made.page.wait_for_selector(".thumb")
        yield made
        assert [url for url in made.requests if not url.startswith("data:")] == [address]
        assert made.complaints == []


def code_of(visit: Visit) -> int:
    return int(str(visit.page.locator(".about a").text_content()).split()[1])


def test_a_square_shows_its_code_its_truth_and_the_other_frames(visit: Visit, inputs: Inputs) -> None:
    data, page = json.loads(explore(inputs).data), visit.page
    tokens = inputs.rollouts.read("token")
    page.locator(".thumb").nth(3).click()
    page.locator(".cells[role=group] .cell").nth(6).click()
    record = data["inspected"][3]
    episode, step = data["pool"][record["frame"]]
    row = int(np.flatnonzero(inputs.rollouts.read("episode") == episode)[step])
    assert code_of(visit) == tokens[row].ravel()[6]
    said = page.locator(".about").inner_text()
    assert "row 2, column 3" in said and f"episode {episode}, step {step}" in said
    label = inputs.rollouts.read("label")[row]
    names = inputs.rollouts.attrs["label_names"]
    assert record["truth"][0][0] == [label[0], 100]  # each patch of the world is one cell
    page.locator(".cells[role=group] .cell").first.click()
    assert f"{names[label[0]]} 100%" in page.locator(".about").inner_text()

    code = code_of(visit)
    has = [i for i, one in enumerate(data["inspected"]) if code in one["tokens"]]
    marked = page.locator(".thumb").evaluate_all(
        "all => all.flatMap((one, i) => one.classList.contains('has') ? [i] : [])"
    )
    assert marked == has
    assert f"Code {code} is in {len(has)} of these" in page.locator("#inspector").inner_text()
    page.locator(".about a").click()
    assert page.locator("dialog h2").inner_text().startswith(f"Code {code}")
    page.keyboard.press("Escape")
    assert visit.focused() == f"#code-{code}"


def test_it_opens_with_the_first_look(visit: Visit, inputs: Inputs) -> None:
    data, page = json.loads(explore(inputs).data), visit.page
    frame, square = data["first"]
    assert page.locator(".thumb").nth(frame).get_attribute("aria-selected") == "true"
    assert code_of(visit) == data["inspected"][frame]["tokens"][square]


def test_the_first_look_is_bright_and_varied() -> None:
    grass, few, many = [(0, 100)], [(0, 60), (1, 40)], [(0, 50), (2, 30), (3, 20)]
    truth = [[grass, many], [grass, few], [few, many], [grass, grass], [few, many]]
    records = [{"hidden": int(i == 0), "truth": one} for i, one in enumerate(truth)]
    assert first_look(records, np.array([1, 1, 0.3, 1, 1])) == [4, 1]  # frame 0 is hidden, frame 2 dark
    assert first_look(records[:4], np.array([1, 1, 0.3, 1])) == [1, 1]
    assert first_look(records[:3], np.array([1, 0.1, 0.3])) == [2, 1]  # none is bright
    assert first_look(records[:1], np.ones(1)) == [0, 1]


def test_the_keyboard_alone_reaches_every_square_and_frame(visit: Visit, inputs: Inputs) -> None:
    data, page = json.loads(explore(inputs).data), visit.page
    page.locator(".thumb").first.click()
    page.locator(".cells[role=group] .cell").first.click()
    page.locator(".thumb[aria-selected=true]").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".thumb").nth(1).get_attribute("aria-selected") == "true"
    tokens = data["inspected"][1]["tokens"]
    page.locator(".cells[role=group] .cell[tabindex='0']").focus()
    for key, place in (
        ("ArrowRight", 1),
        ("ArrowDown", 5),
        ("ArrowLeft", 4),
        ("ArrowLeft", 4),
        ("ArrowUp", 0),
    ):
        page.keyboard.press(key)
        assert code_of(visit) == tokens[place]
        assert page.evaluate("document.activeElement.ariaLabel").endswith(f"code {tokens[place]}")
    assert page.locator("#inspector [tabindex='0']").count() == 2  # the square and the frame


def test_frames_can_be_narrowed_to_a_label(visit: Visit, inputs: Inputs) -> None:
    data = json.loads(explore(inputs).data)
    stone = data["labels"].index("stone")
    visit.page.get_by_label("frames with").select_option(str(stone))
    shown = visit.page.locator(".thumb:visible").count()
    has = [
        not one["hidden"] and any(stone == label for patch in one["truth"] for label, _ in patch)
        for one in data["inspected"]
    ]
    assert shown == sum(has) < len(has)


def test_varied_frames_show_the_rare_label_and_keep_apart() -> None:
    rng = np.random.default_rng(0)
    seen = rng.random((2000, 4)) < [0.9, 0.5, 0.2, 0]
    episode = np.repeat(np.arange(20), 100)
    seen[[150, 151, 152, 153, 1960], 3] = True
    chosen = choose_varied(seen, episode, 40)
    assert len(chosen) == 40 and (np.diff(chosen) >= 12).all()
    assert seen[chosen, 3].sum() == 2  # one of the four neighbours, and the other episode's
    assert seen[chosen, 2].sum() > 0.2 * 40
    assert len(np.unique(episode[chosen])) > 15
    few = choose_varied(seen[:100, :1], episode[:100], 40)
    assert len(few) == PER_EPISODE
    assert (choose_varied(seen, episode, 40) == chosen).all()


def make_occurrences(rng: np.random.Generator, steps: int, codes: int) -> Occurrences:
    step, code = np.nonzero(rng.random((steps, codes)) < 0.1)
    strength = rng.random(len(step)).astype(np.float64) * (rng.random(len(step)) < 0.9)
    numbers = np.arange(len(step), dtype=np.int32)
    kind = classify(code, strength, codes)
    return Occurrences(step.astype(np.int32), numbers, code.astype(np.int32), strength, kind)


def test_the_pool_has_every_class_of_every_code_and_views_take_equal_numbers() -> None:
    found = make_occurrences(np.random.default_rng(1), 300, 20)
    first = np.array([5, 200])
    pool = choose_pool(found, first, 300, most=300)
    assert set(first) <= set(pool) and len(pool) < 150
    pooled = found.rows(np.isin(found.step, pool))
    episode = np.arange(300) // 10
    chosen = pooled.rows(choose_frames(pooled, episode, 20))
    for code in range(20):
        for kind in range(4):
            there = ((found.code == code) & (found.kind == kind)).sum()
            assert ((pooled.code == code) & (pooled.kind == kind)).sum() >= min(3, there)
        taken = np.bincount(chosen.kind[chosen.code == code], minlength=4)
        assert taken.sum() == 8
        apart = [
            len(np.unique(episode[pooled.step[(pooled.code == code) & (pooled.kind == kind)]]))
            for kind in range(4)
        ]
        for kind in range(4):
            mine = chosen.step[(chosen.code == code) & (chosen.kind == kind)]
            assert len(np.unique(episode[mine])) == min(taken[kind], apart[kind]) or apart[kind] < taken[kind]
        assert taken.max() - taken[taken > 0].min() <= 1 or taken.min() < 2
    assert len(choose_pool(found, first, 300, most=10)) == 10


def test_classes_are_shares_of_the_strongest_map_of_the_code() -> None:
    code = np.array([0, 0, 0, 0, 1, 1, 2])
    strength = np.array([0.9, 0.5, 0.2, 0.0, 0.03, 0.025, 0.0])
    assert classify(code, strength, 4).tolist() == [HIGH, MIDDLE, LOW, EMPTY, HIGH, HIGH, EMPTY]


@pytest.mark.parametrize("size", [(4, 4), (5, 3), (40, 21)])
def test_maps_are_read_back_at_sixteen_levels(size: tuple[int, int]) -> None:
    maps = np.random.default_rng(2).random((3, *size)) * np.array([1, 0.2, 0])[:, None, None]
    rows, columns = map_size(size)
    assert rows <= 16 and columns <= 16
    for text, one in zip(map_texts(maps), maps, strict=True):
        data = np.frombuffer(base64.b64decode(text), np.uint8)
        values = (
            np.stack([data >> 4, data & 15], axis=1).ravel()[: rows * columns].reshape(rows, columns) / 15
        )
        if (rows, columns) == size:
            assert np.abs(values - one / (one.max() or 1)).max() <= 0.5 / 15 + 1e-6
        assert values.max() == (one.max() > 0)


def test_neighbours_are_those_of_brute_force() -> None:
    book = np.array([[1, 0], [2, 0.1], [0, 1], [0, 0], [-1, 0]], np.float32)
    near = nearest_codes(book)
    assert [other for other, _ in near[0]] == [1, 2, 3, 4]
    assert near[0][0][1] == pytest.approx(2 / np.hypot(2, 0.1), abs=1e-5)
    found = make_occurrences(np.random.default_rng(3), 200, 6)
    visible = np.arange(200) % 5 > 0
    present = np.zeros((200, 6), bool)
    present[found.step, found.code] = True
    present = present[visible]
    for code, others in enumerate(companions(found.step, found.code, visible, 6)):
        for other, count, pmi in others:
            assert count == (present[:, code] & present[:, other]).sum()
            shares = present.mean(axis=0)
            assert pmi == pytest.approx(np.log2(count / len(present) / (shares[code] * shares[other])))
        assert [count for _, count, _ in others] == sorted((count for _, count, _ in others), reverse=True)


def test_many_episodes_share_bars() -> None:
    tokens = np.arange(130).reshape(130, 1, 1) % 2
    counts = count_episodes(tokens, np.arange(130), 130, 3)
    assert bars_of_episodes(130) == {"count": 130, "per_bar": 3}
    assert counts.shape == (3, 44)
    assert counts.sum(axis=1).tolist() == [65, 65, 0]
    assert counts[:, -1].tolist() == [0, 1, 0]  # episode 129 alone


def test_truth_of_frames_that_are_not_square_with_pixels_without_a_label() -> None:
    corners = np.array([(0, 0, 6, 4), (0, 4, 6, 10), (8, 0, 12, 10)], np.int16)  # rows 6 and 7 are nothing's
    label = np.array([[1, 0], [0, 0]], np.uint8)
    truth = Truth(
        Boxes((12, 18), corners, 2), ("rock", "sea", "display"), label, (), np.zeros((2, 0), np.uint8)
    )
    found = labels_in_patches(truth, (2, 2), 0)
    assert found == [[(0, 56), (1, 44)], [(0, 11)], [(2, 67)], [(2, 7)]]
    maps = np.zeros((2, 3, 3))
    maps[0, 0, 0] = maps[1, 2, 0] = 1
    assert label_under(truth, maps, np.array([0, 1])).tolist() == [1, 2]
