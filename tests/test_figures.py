"""Figures: legible, with names of their own, and with marks that are the codes and arms of the tables."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from madeup import sources, write_inputs
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from recordings import describe, record_play
from scipy.stats import norm

from irislib.report import survival
from irislib.report.config import PlotsConfig
from irislib.report.figures.codes.code_label import BEST, _best, _matrix, code_label
from irislib.report.figures.codes.consistency import consistency
from irislib.report.figures.codes.tsne import neighbours
from irislib.report.figures.registry import FIGURES
from irislib.report.figures.saving import save
from irislib.report.figures.study import study_cost, study_meaning, study_training
from irislib.report.figures.svg import for_page
from irislib.report.inputs import Inputs, load_inputs
from irislib.report.intervals import wilson
from irislib.report.plain_names import MEASURES, layer_name
from irislib.report.study.arm_words import ARMS, arm_name
from irislib.report.style import WIDTH, Illustration, mark, new_figure, publication

CODES = 12
CONFIG = PlotsConfig(codes=3, crops=2, groups=2, frames=4, tsne_perplexity=30.0, dpi=50)
SMALLEST = 7.0  # points, in a figure that is 5.5 inches wide
SLACK = 4  # pixels of 1/100 inch


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    root = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(1)
    frames = np.kron(rng.integers(0, 256, (24, 8, 8, 3), np.uint8), np.ones((1, 4, 4, 1), np.uint8))
    write_inputs(root, frames, rng.integers(0, CODES - 2, (24, 4, 4)).astype(np.int16), CODES)
    return load_inputs(CONFIG, seed=0, **sources(root), reports=root / "reports")


@pytest.fixture(scope="module")
def drawn(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Illustration, str, str]]:
    """Every figure, its element for the page, and its SVG file."""
    folder = tmp_path_factory.mktemp("drawn")
    with publication():
        figures = [draw(inputs) for _, draw in FIGURES]
        elements = [save(figure, folder, folder, CONFIG.dpi) for figure in figures]
    files = [(folder / f"{figure.name}.svg").read_text() for figure in figures]
    return list(zip(figures, elements, files, strict=True))


def letters(figure: Illustration) -> Iterator[Text]:
    axes = [axis for one in figure.figure.findobj(Axes) for axis in (one.xaxis, one.yaxis)]
    ticks = [
        (tick, axis.get_view_interval())
        for axis in axes
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
    ]
    # Matplotlib keeps labels of ticks beyond the ends of an axis, and does not draw them.
    beyond = {tick.label1 for tick, ends in ticks if not min(ends) <= tick.get_loc() <= max(ends)}
    for text in figure.figure.findobj(Text):
        assert isinstance(text, Text)
        if text not in beyond and text.get_visible() and text.get_text().strip():
            yield text


def test_every_letter_is_legible_at_the_width_of_a_paper(drawn: list[tuple[Illustration, str, str]]) -> None:
    small = [
        (figure.name, text.get_text(), text.get_fontsize())
        for figure, _, _ in drawn
        for text in letters(figure)
        if float(text.get_fontsize()) * WIDTH / figure.figure.get_figwidth() < SMALLEST
    ]
    assert small == []
    assert {figure.figure.get_figwidth() for figure, _, _ in drawn} == {WIDTH}


def test_no_text_is_cut_off_at_the_edge(drawn: list[tuple[Illustration, str, str]]) -> None:
    outside = []
    for figure, _, _ in drawn:
        width, height = figure.figure.bbox.size
        for text in letters(figure):
            box = text.get_window_extent()
            # Letters have whole pixels, so that their width depends a little on the resolution.
            if min(box.x0, box.y0) < -SLACK or box.x1 > width + SLACK or box.y1 > height + SLACK:
                outside.append((figure.name, text.get_text()))
    assert outside == []


def test_elements_share_no_name_and_refer_to_nothing_else(
    drawn: list[tuple[Illustration, str, str]],
) -> None:
    names: list[str] = []
    for figure, element, file in drawn:
        for text in filter(None, (element, file)):
            root = ElementTree.fromstring(text)
            own = [name for one in root.iter() if (name := one.get("id"))]
            referred = re.findall(r'(?:url\(|href=")#(?!code-)([^)"]+)', text)
            assert set(referred) == set(own)
            assert all(name.startswith(f"{figure.name}-") for name in own)
        names += re.findall(r' id="([^"]+)"', element)
        assert "http" not in element
        assert "<metadata" not in file
    assert len(set(names)) == len(names)


def test_the_page_colours_what_the_style_colours(drawn: list[tuple[Illustration, str, str]]) -> None:
    for figure, element, file in drawn:
        assert not re.search("#222222|#8a8a8a|#d9d9d9", element), figure.name
        assert "var(--" not in file
        assert figure.empty or "var(--ink)" in element
        assert figure.title in file.replace("</text>", "") or figure.title.split()[0] in file
        assert 'id="title"' not in element


def test_marks_are_the_codes_of_the_table(inputs: Inputs, drawn: list[tuple[Illustration, str, str]]) -> None:
    element = next(element for figure, element, _ in drawn if figure.name == "consistency")
    root = ElementTree.fromstring(element)
    tested = inputs.codes["confirmed"].dropna().index
    marks = [link for link in root.iter("a") if link.find("use") is not None or link.find("path") is not None]
    assert sorted(int(str(link.get("data-code"))) for link in marks) == sorted(tested)
    assert {str(link.get("href")) for link in marks} == {f"#code-{code}" for code in tested}
    titles = {link.get("data-code"): link.findtext("title") for link in marks}
    for code in tested:
        assert str(titles[str(code)]).startswith(inputs.name_of(code))
    # The height of a mark is the difference of its code.
    heights = {int(str(link.get("data-code"))): float(str(next(link.iter("use")).get("y"))) for link in marks}
    differences = inputs.codes["difference"].loc[list(heights)]
    assert np.corrcoef(list(heights.values()), differences)[0, 1] == pytest.approx(-1, abs=1e-4)
    chosen = [
        set(map(int, str(one.get("data-choose")).split())) for one in root.iter() if one.get("data-choose")
    ]
    assert set().union(*chosen) == set(tested)
    assert sum(map(len, chosen)) == len(tested)


def test_more_marks_than_keys_are_an_error() -> None:
    with publication():
        figure = new_figure(2, "planted")
        mark(figure.subplots().scatter([1, 2, 3], [1, 2, 3]), "code", [5, 6])
        with pytest.raises(ValueError, match="planted: 3 marks for 2 keys"):
            for_page(_raw(figure), Illustration("planted", "", "", figure), 0)


def _raw(figure: Figure) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="svg")
    return data.getvalue()


def test_faint_marks_stay_faint_each_on_its_own() -> None:
    with publication():
        figure = new_figure(2, "planted")
        mark(figure.subplots().scatter([1, 2], [1, 2], alpha=0.5), "code", [5, 6])
        root = ElementTree.fromstring(for_page(_raw(figure), Illustration("planted", "", "", figure), 0))
    links = list(root.iter("a"))
    assert [link.get("data-code") for link in links] == ["5", "6"]
    assert not [group for group in root.iter("g") if re.search(r"(?<![\w-])opacity", group.get("style", ""))]


def test_every_label_has_its_best_codes_in_the_matrix(inputs: Inputs) -> None:
    """Code 9 alone shows the rare label, and is in few maps; code 8 shows it more, in too few maps."""
    rows = [(code, "grass", 1000, 1.0) for code in range(8)]
    rows += [(9, "grass", 27, 0.9), (9, "lava", 3, 0.1), (8, "lava", 2, 1.0)]
    labels = pd.DataFrame(rows, columns=["code", "label", "count", "share"])
    names = pd.Series({7: "grass"})
    groups = _best(_matrix(labels), labels, names)
    assert groups == {"grass": [7, *range(BEST - 1)], "lava": [9]}
    assert code_label(inputs).choices["label0"].codes


def test_the_title_counts_the_codes(inputs: Inputs) -> None:
    with publication():
        title = consistency(inputs).title
    assert re.match(r"(\w+ of|All) \d+ tested codes? ha(s|ve) crops more alike", title)


def test_wilson_solves_its_own_equation() -> None:
    z = norm.ppf(0.975)
    for count, total in ((0, 8), (3, 8), (8, 8), (40, 100)):
        for end in wilson(count, total):
            assert abs(count / total - end) == pytest.approx(z * (end * (1 - end) / total) ** 0.5, abs=1e-9)
    assert wilson(0, 0) == (0.0, 1.0)


def test_neighbours_are_those_of_other_episodes() -> None:
    """Two codes with features of their own; then crops that are exchanged between them."""
    rng = np.random.default_rng(0)
    code, episode = np.repeat([0, 1], 20), np.tile(np.arange(10), 4)
    features = np.eye(2)[code] + rng.normal(0, 0.01, (40, 2))
    same, chance = neighbours(features, code, episode)
    assert same == 1.0
    assert chance == pytest.approx(0.5)
    same, chance = neighbours(features[rng.permutation(40)], code, episode)
    assert 0.2 < same < 0.8
    assert chance == pytest.approx(0.5)
    assert np.isnan(neighbours(features, code, np.zeros(40, int))).all()


def test_a_label_that_is_painted_over_does_not_survive(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three labels of three colours; reconstructions show the third one as the first one."""
    boxes = describe().world_boxes
    rng = np.random.default_rng(0)
    steps = len(inputs.rollouts)
    label = rng.integers(0, 3, (steps, len(boxes))).astype(np.uint8)
    colours = np.array([[0, 200, 0], [0, 0, 200], [90, 90, 90]], np.uint8)

    def paint(truth: np.ndarray) -> np.ndarray:
        frames = np.zeros((len(truth), 48, 32, 3), np.uint8)
        for box, (y0, x0, y1, x1) in enumerate(boxes):
            frames[:, y0:y1, x0:x1] = colours[truth[:, box]][:, None, None]
        return frames

    tokens, episode = np.zeros((steps, 4, 4)), np.arange(steps, dtype=np.int32) // 3
    play = record_play(tmp_path / "play.zarr", paint(label), tokens, CODES, label=label, episode=episode)

    def twice(_: Inputs, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return paint(label[rows]), paint(np.where(label[rows] == 2, 0, label[rows]))

    monkeypatch.setattr(survival, "reconstructed", twice)
    found = survival.survival(replace(inputs, rollouts=play)).set_index("label")
    names = play.attrs["label_names"]
    assert found["seen"].tolist() == [1.0, 1.0, 1.0]
    assert found["kept"].to_dict() == {names[0]: 1.0, names[1]: 1.0, names[2]: 0.0}
    assert np.isinf(found["psnr_db"][names[0]])
    assert found["psnr_db"][names[2]] == pytest.approx(
        10 * np.log10(255**2 / np.mean([90**2, 110**2, 90**2]))
    )


def test_every_arm_and_measure_has_a_plain_name() -> None:
    arms = {file.stem for file in (Path(__file__).parent.parent / "studies/arms").glob("*.yaml")}
    assert arms == set(ARMS)
    assert len(set(ARMS.values())) == len(ARMS)
    shown = {panel.measure for panel in (*study_meaning.PANELS, *study_cost.PANELS)} | set(
        study_training.MEASURES
    )
    assert shown == set(MEASURES)
    assert arm_name("my-own-arm") == "my own arm"
    assert layer_name("decoder.up.3") == "upsampling block 3 of the decoder"
