"""The report from small made-up inputs: whole, repeatable, self-contained, unharmed by nothing to show."""

import csv
import json
import re
import shutil
import warnings
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from madeup import Lacking, sources, write_inputs
from matplotlib.patches import Rectangle
from PIL import Image
from safetensors.torch import load_file, save_file

from irislib.errors import ArtifactError
from irislib.report import figures
from irislib.report.build import build_report
from irislib.report.claims import Claim, claims_csv, collect_claims
from irislib.report.config import PlotsConfig
from irislib.report.figures.agent.achievements import achievements
from irislib.report.figures.agent.training import training
from irislib.report.figures.codes import tsne
from irislib.report.figures.maps.empty_share import empty_share
from irislib.report.figures.registry import FIGURES
from irislib.report.inputs import Inputs, load_inputs
from irislib.report.page.comparison import about_agent
from irislib.report.page.differences import _strata_of_play
from irislib.report.page.explorer import explorer
from irislib.report.page.render import Plate, render_page
from irislib.report.published import published
from irislib.report.style import Illustration
from irislib.tokenizers.load import load_tokenizer
from irislib.worlds.crafter.game import ACHIEVEMENT_NAMES
from irislib.worlds.crafter.score import crafter_score

CODES = 12
NAMES = [draw.__name__ for _, draw in FIGURES]
CONFIG = PlotsConfig(codes=3, crops=2, groups=2, frames=4, tsne_perplexity=30.0, dpi=50)
# What each made-up run lacks, and what its page says of it.
LACKING = {
    "nothing": (Lacking(), []),
    "maps": (
        Lacking(maps=True),
        [
            "All maps are empty: no code",
            "No code could be tested",
            "No code has a map while the world is visible",
            "There is no pair of consistent codes",
            "There is no set of three or more consistent codes",
            "There are no crops",
            "No code could be tested for what it shows",
            "Not known: too little was recorded",
            "No map lies on the world while it is visible",
        ],
    ),
    "regions": (
        Lacking(regions=True),
        ["No code could be tested with any embedder", "There are no crops", "No code has a crop"],
    ),
    "second episode": (Lacking(second_episode=True), ["No code could be tested with any embedder"]),
    "second code": (
        Lacking(),
        ["There is no pair of consistent codes", "There is no set of three or more consistent codes"],
    ),
    "rows": (
        Lacking(
            rows=(
                *("pairs", "sets", "labels", "embedders", "sensitivity", "attributions"),
                *("power", "baselines", "study", "agents", "agent_curves"),
            )
        ),
        [
            "There is no pair of consistent codes",
            "There is no set of three or more consistent codes",
            "No code has a map while the world is visible",
            "No code could be tested with any embedder",
            "No map was computed under the choices",
            "No code was attributed",
            "The study was not run for this page",
            "No whole agent was trained for the study",
            "Other tokenizers were not studied for this page",
        ],
    ),
    "codebook": (Lacking(maps=True, rows=("codes",)), ["The codebook has no codes", "No code occurs"]),
}


def report(root: Path, seed: int = 0, config: PlotsConfig = CONFIG) -> dict[str, bytes]:
    """Builds the report; what it wrote, by path."""
    out = root / "reports"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # within seaborn; nobody is shown it
        build_report(config, seed, **sources(root), reports=out)
    folders = (out / "figures", out / "vector")
    written = [out / "index.html", out / "claims.csv", *(file for one in folders for file in one.iterdir())]
    return {str(path.relative_to(out)): path.read_bytes() for path in written}


def render(inputs: Inputs, claims: list[Claim], *drawn: Illustration) -> str:
    """The page with these figures, their pictures left out."""
    plates = [Plate.of("maps", each, "<svg></svg>") for each in drawn]
    return render_page(inputs, claims, plates).decode()


def make(path: Path, name: str) -> Path:
    """Made-up inputs that lack something, see `LACKING`."""
    rng = np.random.default_rng(1)
    frames = np.kron(rng.integers(0, 256, (24, 8, 8, 3), np.uint8), np.ones((1, 4, 4, 1), np.uint8))
    tokens = rng.integers(0, 1 if name == "second code" else CODES - 2, (24, 4, 4)).astype(np.int16)
    write_inputs(path, frames, tokens, CODES, LACKING[name][0])
    return path


@pytest.fixture(scope="module", params=["nothing", "maps"])
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("run"), request.param)


@pytest.fixture(scope="module")
def inputs(root: Path) -> Inputs:
    return load(root)


def load(root: Path) -> Inputs:
    return load_inputs(CONFIG, seed=0, **sources(root), reports=root / "reports")


@pytest.fixture(scope="module")
def written(root: Path) -> dict[str, bytes]:
    return report(root)


@pytest.mark.parametrize("root", ["nothing"], indirect=True)
def test_a_second_run_with_other_threads_writes_the_same_bytes(root: Path, written: dict[str, bytes]) -> None:
    (root / "reports/figures/stale.png").write_bytes(b"from an older run")
    (root / "reports/vector/stale.svg").write_bytes(b"from an older run")
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        again = report(root)
    finally:
        torch.set_num_threads(threads)
    assert again == written


def test_every_figure_is_there_and_not_blank(root: Path, written: dict[str, bytes]) -> None:
    assert {path for path in written if path.endswith(".png")} == {f"figures/{name}.png" for name in NAMES}
    assert {path for path in written if path.startswith("vector/")} == {
        f"vector/{name}.{kind}" for name in NAMES for kind in ("svg", "pdf")
    }
    for name in NAMES:
        with Image.open(root / f"reports/figures/{name}.png") as image:
            assert np.asarray(image.convert("L")).std() > 0
            assert not image.info.keys() & {"Software", "Creation Time"}


class Reader(HTMLParser):
    """Collects text, ids, images and links, and checks that tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.images: list[dict[str, str]] = []
        self.figures: list[dict[str, str]] = []
        self.pictures: list[str] = []  # that figures hold or refer to
        self.links: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.images.append(own)
        if tag == "figure":
            self.figures.append(own)
        if tag in ("image", "use"):
            self.pictures.append(own["href"])
        if tag in ("a", "link"):
            self.links.append(own["href"])
        if "id" in own:
            self.ids.append(own["id"])
        if tag not in ("meta", "link", "img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("root", LACKING, indirect=True)
def test_what_is_lacking_is_said_down_to_the_page(
    root: Path, written: dict[str, bytes], request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["root"]
    page = Reader(written["index.html"].decode())
    assert not page.open
    assert len(page.figures) == len(NAMES)
    assert [text for text in LACKING[name][1] if text not in page.text] == []
    assert not re.search(r"\bnan\b|\bNone\b(?! of)|\binf\b", page.text)


def test_an_agent_without_curves_and_an_analysis_without_maps_have_their_figures(
    inputs: Inputs, root: Path, tmp_path: Path
) -> None:
    """An official checkpoint that is analysed as it is has tables of curves without rows."""
    shutil.copytree(root, tmp_path / "run")
    for file in (tmp_path / "run/agent/curves").iterdir():
        file.write_text(file.read_text().splitlines()[0])
    assert training(load(tmp_path / "run")).caption == "No training curve was logged for this agent."
    content = inputs.metrics.content
    shares = content | {"empty_share": dict.fromkeys(content["empty_share"])}
    without = replace(inputs, metrics=replace(inputs.metrics, content=shares))
    assert empty_share(without).caption == "There are no maps."


def test_every_figure_file_is_registered_under_its_name() -> None:
    folder = Path(figures.__file__).parent
    files = {file for file in folder.glob("*/*.py") if file.name != "__init__.py"}
    assert files == {folder / part / f"{draw.__name__}.py" for part, draw in FIGURES}
    assert all(draw.__module__.endswith(f"{part}.{draw.__name__}") for part, draw in FIGURES)


def test_page_shows_every_figure_and_claim_and_loads_nothing_else(
    root: Path, written: dict[str, bytes]
) -> None:
    text = written["index.html"].decode()
    page = Reader(text)
    assert not page.open
    assert len(set(page.ids)) == len(page.ids)
    assert not page.images
    assert len(page.figures) == len(NAMES)
    assert page.pictures
    assert all(one.startswith(("data:image/webp;base64,", "#")) for one in page.pictures)
    claims = list(csv.DictReader(written["claims.csv"].decode().splitlines()))
    assert len(claims) >= 12
    for row in claims:
        assert row["claim"] in page.text
        assert row["definition"] in page.text
    assert not re.search(
        r"https?:|@import|url\((?!data:|#)|src=\"(?!data:)|<script[^>]* src|<base|<iframe", text
    )
    for link in set(page.links) - {"data:,"}:
        folders = (root / "reports", Path(__file__).parent.parent / "reports")  # ../docs is in the second one
        found = any((folder / link).exists() for folder in folders)
        assert link[1:] in page.ids if link.startswith("#") else found


def test_every_number_follows_the_metrics(inputs: Inputs) -> None:
    metrics = json.loads(json.dumps(inputs.metrics.content))
    metrics["empty_share"]["present_occurrences"] = 0.1357
    metrics["agent"]["length_mean"] = 321.5
    changed = replace(inputs, metrics=replace(inputs.metrics, content=metrics))
    claims = collect_claims(changed)
    ours = {row["claim"]: row["ours"] for row in csv.DictReader(claims_csv(claims).decode().splitlines())}
    assert ours["Empty maps, codes in the observation"] == "0.1357"
    assert ours["Episode length"] == "321.5"
    # In the headline, in the table, in the result and in the caption.
    assert render(changed, claims, empty_share(changed)).count("13.6%") == 4
    assert "13.6%" not in render(inputs, collect_claims(inputs), empty_share(inputs))


def test_codes_are_named_by_name_or_label_and_by_item(inputs: Inputs) -> None:
    codes = inputs.codes.assign(label=None, name=None, item=None)
    codes.loc[[3, 4, 5], "label"] = ["grass", "display", "grass"]
    codes.loc[4, "item"], codes.loc[5, "name"] = "wood", "tree"
    named = replace(inputs, codes=codes)
    names = [named.name_of(code) for code in (2, 3, 4, 5)]
    assert names == ["2", "3 (mostly grass)", "4 (mostly display, tells wood)", "5 (tree)"]


@pytest.mark.parametrize(
    ("file", "stage"),
    [
        ("reports/metrics.json", "metrics"),
        ("reports/details.json", "metrics"),
        ("reports/evaluation.json", "evaluate"),
        ("reports/codes.csv", "metrics"),
        ("reports/pairs.csv", "metrics"),
        ("reports/labels.csv", "metrics"),
        ("reports/power.csv", "metrics"),
        ("reports/baselines.csv", "baselines"),
        ("reports/sets.csv", "metrics"),
        ("reports/embedders.csv", "compare"),
        ("reports/sensitivity.csv", "sensitivity"),
        ("reports/attributions.csv", "sensitivity"),
    ],
)
def test_a_missing_or_foreign_table_is_a_one_line_error(root: Path, file: str, stage: str) -> None:
    path = root / file
    before = path.read_bytes()
    path.unlink()
    with pytest.raises(ArtifactError, match=rf"{path.name}: missing; run the {stage} stage"):
        report(root)
    path.write_text("{}")
    with pytest.raises(ArtifactError, match=rf"{path.name}: has no .*; run the {stage} stage again"):
        report(root)
    path.write_bytes(before)
    assert not (root / "reports/figures.partial").exists()


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"achievements": {"wake_up": "often"}}', '{"psnr": '])
def test_a_damaged_evaluation_is_a_one_line_error(root: Path, text: str) -> None:
    path = root / "reports/evaluation.json"
    before = path.read_bytes()
    path.write_text(text)
    with pytest.raises(
        ArtifactError, match=r"evaluation.json: (has no number|not valid JSON).*evaluate stage"
    ):
        report(root)
    path.write_bytes(before)


def test_rollouts_of_another_agent_are_refused(root: Path) -> None:
    path = root / "agent/model.safetensors"
    before = path.read_bytes()
    save_file({name: weight + 1 for name, weight in load_file(path).items()}, path)
    with pytest.raises(ArtifactError, match=r"rollouts.zarr: its tokens were not made by"):
        report(root)
    path.write_bytes(before)


def test_page_compares_the_agent_with_what_was_published(root: Path, written: dict[str, bytes]) -> None:
    text = Reader(written["index.html"].decode()).text
    for row in published("crafter").agents:
        assert row.name in text
        assert row.source in text
    section = text[text.rindex("How good is the agent?") : text.rindex("What the tokenizer keeps")]
    for shown in ("1.87", "0.31", "1.23 nats", "6,000", "3 episodes", "7.31"):
        assert shown in section


def test_recordings_give_the_published_scores() -> None:
    literature = published("crafter")
    agents = {agent.name: agent for agent in literature.agents}
    assert [recording.name for recording in literature.recordings] == ["random actions", "human experts"]
    for recording in literature.recordings:
        assert recording.reached.keys() == set(ACHIEVEMENT_NAMES)
        rates = [recording.reached[goal] / recording.episodes for goal in ACHIEVEMENT_NAMES]
        assert max(rates) <= 1
        # Published is the mean of the scores of five runs, this is the score of their mean.
        assert crafter_score(rates) == pytest.approx(agents[recording.name].score, rel=0.05)


def test_another_world_and_another_tokenizer_and_player_have_a_page(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = load_tokenizer(root / "agent")
    monkeypatch.setattr(explorer, "load_recorded_tokenizer", lambda *_: own)
    copy = tmp_path / "run"
    shutil.copytree(root, copy)
    metadata = copy / "rollouts.zarr/zarr.json"
    content = json.loads(metadata.read_text())
    content["attributes"] |= {"world": "checkers", "goal_names": [], "hidden_label": None}
    content["attributes"]["tokenizer"]["source"] = "my.module:tokenizer"
    content["attributes"]["player"] = "scripted"
    metadata.write_text(json.dumps(content))
    inputs = load(copy)
    drawn = achievements(inputs)
    assert drawn.caption == "This world names no goals."
    page = render(inputs, collect_claims(inputs), drawn)
    assert "Checkers" in page
    assert "Crafter" not in page
    assert "asleep" not in page and "it is night" not in page
    assert "asleep" in render(load(root), [])
    assert "The analysed codes are not the agent&#39;s: the tokenizer my.module:tokenizer" in page
    assert "Not the agent but a scripted player" in page
    assert "uniform guessing" not in page
    assert len(about_agent(inputs)) == 1


def test_the_embedder_is_judged_in_the_parts_of_play_that_its_world_names(inputs: Inputs) -> None:
    assert inputs.say(_strata_of_play(inputs)) == " (in the dark undefined)"
    for grades, said in (
        ({"world": 0.9}, ""),
        ({"world": 0.9, "world_by_day": 0.75, "world_asleep": 0.5}, " (by day 75%, asleep 50%)"),
    ):
        embedder = replace(inputs.embedder, content={"play": grades})
        judged = replace(inputs, embedder=embedder)
        assert judged.say(_strata_of_play(judged)) == said


def test_achievements_are_drawn_most_frequent_first(inputs: Inputs) -> None:
    content = inputs.evaluation.content
    rates = {name: place / 100 for place, name in enumerate(ACHIEVEMENT_NAMES)}
    changed = {**content, "achievements": rates}
    figure = achievements(replace(inputs, evaluation=replace(inputs.evaluation, content=changed))).figure
    axes = figure.axes[0]
    bars = [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]
    assert bars == sorted(rates.values(), reverse=True)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [name.replace("_", " ") for name in reversed(ACHIEVEMENT_NAMES)]


def test_text_is_escaped(inputs: Inputs) -> None:
    claim = Claim('<b>"a", b</b>', "line\nbreak", "almost none", None, "share")
    assert "<b>" not in render(inputs, [claim])
    named = inputs.codes.assign(label="<script>", name="</script>")
    page = render(replace(inputs, codes=named), [])
    assert page.count("<script") == 4  # the values, the table, what the views of codes show, and the code
    assert page.count("</script>") == 4
    rows = list(csv.reader(claims_csv([claim]).decode().splitlines(keepends=True)))
    assert rows[1] == ['<b>"a", b</b>', "line\nbreak", "almost none", "", "", ""]


def test_a_large_tsne_keeps_every_point_of_the_coloured_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsne, "MAX_POINTS", 20)
    kept = np.array([3, 50, 98])
    drawn = tsne._sample(np.arange(100), kept, seed=0)
    assert len(drawn) == 20
    assert set(kept) <= set(drawn)
    assert (np.diff(drawn) > 0).all()
    assert tsne._sample(np.arange(15), kept[:1], seed=0).tolist() == list(range(15))
