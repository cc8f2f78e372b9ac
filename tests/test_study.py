"""The study: arms as overlays, recorded play, cells, and progress."""

import json
from collections import ChainMap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tiny_world import TinyConfig

from irislib import workdir
from irislib.artifacts import Store, plain_json
from irislib.errors import ArtifactError, ParamError
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.tokens.recording import read_recording
from irislib.params import read_yaml
from irislib.study.arms import VARIES, About, Arm, read_arm
from irislib.study.cell import measure_cell
from irislib.study.config import KMeansConfig, PlayConfig, StudyConfig, TrainedConfig, UntrainedConfig
from irislib.study.models import make_tokenizers
from irislib.study.overlays import overlaid
from irislib.study.play import make_player, open_play, read_play, record_play
from irislib.study.progress import describe_progress, seconds_left
from irislib.study.tokenizers import read_tokenizers, write_tokenizers
from irislib.tokenizers.config import IrisConfig, PatchConfig, VectorQuantizerConfig
from irislib.tokenizers.make import make_tokenizer
from irislib.tokenizers.quantizers.config import EMAQuantizerConfig
from stages.deps import closure, code_deps, main_module
from stages.study import __main__ as command
from stages.study.cells import listed_cells
from stages.study.code import code_digest

REPO = Path(__file__).parent.parent
ARMS = sorted(file.stem for file in (REPO / "studies/arms").glob("*.yaml"))
PIPELINE: dict[str, dict[str, Any]] = read_yaml(REPO / "studies/dvc.yaml")["stages"]
VARS = ChainMap[str, list[str]](*read_yaml(REPO / "studies/dvc.yaml")["vars"])
WORLDS = sorted(file.stem for file in (REPO / "studies/worlds").glob("*.yaml"))
SECTIONS = REPO / "params.yaml", REPO / "studies/params.yaml"
PLAY = PlayConfig("random", training_episodes=4, held_out_episodes=10, lanes=3)
WORLD = TinyConfig(length=8)
TOKENIZER = IrisConfig(VectorQuantizerConfig("vq", 8, 4, 2), 4, 2, (1, 1, 1, 1, 1), 1, ())
METRICS = MetricsConfig(0.05, 2, 1, 0.0, 3, 4)


def arm(model: Any) -> Arm:
    return Arm("tiny", About("Does it run?", "nothing"), TOKENIZER, StudyConfig(model), METRICS)


# One of each kind that is kept in another way.
OTHERS = {
    "snapshots": arm(TrainedConfig("trained", 3, 4, 0.01, (0, 2))),
    "ema": replace(
        arm(TrainedConfig("trained", 3, 4, 0.01)),
        tokenizer=replace(TOKENIZER, quantizer=EMAQuantizerConfig("ema", 8, 4, 0)),
    ),
    "patch": replace(
        arm(TrainedConfig("trained", 3, 4, 0.01)),
        tokenizer=PatchConfig("patch", VectorQuantizerConfig("vq", 8, 4, 0), 7, 1, 8, 1, 0, 0.0, 1.0),
    ),
    "untrained": arm(UntrainedConfig("untrained")),
    "k_means": arm(KMeansConfig("k_means", 16)),
}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IRISLIB_WORKERS", "1")
        patch.setattr(workdir, "loaded_code", lambda: "")
        yield


def record(folder: Path, seed: int, config: PlayConfig = PLAY) -> Store:
    record_play(config, WORLD, seed, folder / "work", folder / f"{seed}.zarr")
    return open_play(folder / f"{seed}.zarr", config, WORLD, seed)


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return record(tmp_path_factory.mktemp("play"), 0)


# Arms


@pytest.mark.parametrize("name", ARMS)
def test_every_arm_fits_the_parameters(name: str) -> None:
    found = read_arm(name, REPO / "studies/arms", *SECTIONS)
    assert found.about.asks.endswith((".", "?"))
    env, _ = read_play(*SECTIONS)
    if found.study.model.kind != "k_means":
        assert min(found.tokenizer.grid(env.frame)) > 1


def test_one_arm_varies_nothing_and_it_is_the_parameters_themselves(tmp_path: Path) -> None:
    arms = [read_arm(name, REPO / "studies/arms", *SECTIONS) for name in ARMS]
    (reference,) = [found for found in arms if found.about.varies == "nothing"]
    (tmp_path / "plain.yaml").write_text("asks: nothing.\nvaries: nothing")
    plain = read_arm("plain", tmp_path, *SECTIONS)
    assert (reference.tokenizer, reference.study) == (plain.tokenizer, plain.study)
    assert {found.about.varies for found in arms} == set(VARIES)
    assert reference.about.compared_with == ""
    assert {found.about.compared_with for found in arms} - {""} < set(ARMS) - {reference.name}
    assert len({(found.tokenizer, found.study) for found in arms}) == len(arms)


def test_overlays_replace_values_and_mappings_of_another_kind() -> None:
    base = {"a": 1, "b": {"x": 1, "y": 2}, "q": {"kind": "vq", "k": 9}}
    assert overlaid(base, {"b": {"y": 3}}) == base | {"b": {"x": 1, "y": 3}}
    assert overlaid(base, {"q": {"k": 8}})["q"] == {"kind": "vq", "k": 8}
    assert overlaid(base, {"q": {"kind": "vq", "k": 8}})["q"] == {"kind": "vq", "k": 8}
    assert overlaid(base, {"q": {"kind": "fsq", "levels": [8]}})["q"] == {"kind": "fsq", "levels": [8]}
    assert overlaid(base, {"c": {"z": 1}}) == base | {"c": {"z": 1}}
    assert base["q"] == {"kind": "vq", "k": 9}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("varies: nothing", "arm.asks: missing"),
        ("asks: x\nvaries: everything", "arm.varies: "),
        ("asks: x\nvaries: grid\nenv: {length: 9}", "env: an arm sets train.tokenizer and study alone"),
        ("asks: x\nvaries: grid\nplay: {lanes: 9}", "play: an arm sets"),
        ("asks: x\nvaries: grid\ntrain: {epochs: 9}", "train.epochs: an arm sets"),
        ("asks: x\nvaries: grid\ntrain: 3", "train: an arm sets"),
        ("asks: x\nvaries: grid\nstudy: {modle: {}}", "study.modle: unknown parameter"),
        ("asks: x\nvaries: grid\nstudy: {model: {steps: 0}}", "study.model.steps: "),
        ("asks: x\nvaries: grid\nstudy: {model: {snapshots: [9999]}}", "study.model.snapshots: must be"),
        ("asks: x\nvaries: grid\nstudy: {model: {kind: magic}}", "study.model.kind: must be one of"),
        (
            "asks: x\nvaries: grid\ntrain: {tokenizer: {quantizer: {levels: [8]}}}",
            "train.tokenizer.quantizer.levels: unknown parameter",
        ),
        ("- 1", "must hold one section"),
    ],
)
def test_a_mistake_in_an_arm_is_one_line_with_file_and_key(text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(ParamError) as raised:
        read_arm("bad", tmp_path, *SECTIONS)
    assert str(raised.value).startswith(f"{tmp_path / 'bad.yaml'}: {complaint}")
    assert "\n" not in str(raised.value)


def test_an_unknown_arm_names_the_known_ones(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        command.main, ["--arm", "irs", "--seed", "0", "--out", str(tmp_path / "o.json")]
    )
    assert done.exit_code == 1
    assert done.stderr.startswith("error: irs: no such arm in studies/arms; known: ")
    assert done.stderr.count("\n") == 1


# The pipeline


@pytest.mark.parametrize("name", [name for name in PIPELINE if name.endswith("_code")])
def test_a_digest_of_code_has_the_files_of_its_command_as_deps(name: str) -> None:
    stage, part = PIPELINE[name], name.removesuffix("_code")
    assert set(stage["deps"]) == {f"../{file}" for file in code_deps(stage)}, "run `make deps`"
    of = stage["cmd"].split("--of ")[1].split()[0]
    assert f"python -m {of} " in PIPELINE[part]["cmd"]
    assert PIPELINE[part]["deps"][0] == f"code/{part}.md5"
    assert {f"../{file}" for file in closure(main_module(of))} <= set(stage["deps"])


@pytest.mark.parametrize("name", [name for name in PIPELINE if not name.endswith("_code")])
def test_deps_are_the_digest_of_code_and_what_the_command_reads(name: str) -> None:
    """What is recorded and trained in another world has its name before the seed."""
    stage = PIPELINE[name]
    if name.endswith("agent"):
        assert stage["deps"][1:] == ["../profiles/${item.profile}.yaml"]
        return
    made = "${item.world}-" if name.startswith("world_") else ""
    wanted = ["worlds/${item.world}.yaml"] if made else []
    play, tokenizer = f"play/{made}${{item.seed}}.zarr", f"tokenizers/{made}${{item.arm}}-${{item.seed}}"
    if "play" not in name:
        wanted += ["arms/${item.arm}.yaml", play]
    if "metrics" in stage:
        wanted.append(tokenizer)
    assert stage["deps"][1:] == wanted
    assert all(f" studies/{file}" in stage["cmd"] for file in wanted if made and not file.startswith("arms"))
    assert "${item.seed}" in stage["cmd"]


@pytest.mark.parametrize("world", WORLDS)
def test_a_world_of_the_study_can_be_read(world: str) -> None:
    sections = REPO / "params.yaml", REPO / f"studies/worlds/{world}.yaml"
    env, play = read_play(*sections)
    assert env.frame == (64, 64)
    make_player(play, env)
    for arm in VARS["world_arms"]:
        found = read_arm(arm, REPO / "studies/arms", *sections)
        if isinstance(found.study.model, TrainedConfig):
            assert make_tokenizer(found.tokenizer, env.frame).grid[0] >= 4


def test_the_digest_of_code_knows_edits_that_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stages").mkdir()
    code = tmp_path / "stages/a.py"
    monkeypatch.chdir(tmp_path)

    def after(text: str) -> str:
        code.write_text(text)
        return code_digest("stages.a")

    first = after("x = [1, None, 2.5]\n")
    assert after("# why\nx = [1, None,\n     2.5]\n") == first
    changed = {
        after(f"x = {value}\n") for value in ("[1, 2.5]", "[1, None, '2.5']", "[1, [], 2.5]", "None", "0")
    }
    assert len(changed | {first}) == 6


def test_the_pipeline_lists_every_arm_and_records_every_seed() -> None:
    assert sorted({*VARS["arms"], *VARS["world_arms"]}) == ARMS
    assert sorted(VARS["worlds"]) == WORLDS
    assert PIPELINE["cell"]["matrix"] == PIPELINE["tokenizer"]["matrix"]
    assert PIPELINE["cell"]["matrix"]["arm"] == "${arms}"
    reference = [PIPELINE[name]["matrix"] for name in ("cell", "more")]
    seeds = {seed for matrix in reference for seed in matrix["seed"]}
    assert seeds == set(PIPELINE["play"]["matrix"]["seed"])
    assert len(seeds) >= 5
    assert len(PIPELINE["cell"]["matrix"]["seed"]) >= 3
    for more, part in (("more", "cell"), ("more_tokenizers", "tokenizer")):
        assert PIPELINE[more]["matrix"] == PIPELINE["more"]["matrix"]
        assert {**PIPELINE[more], "matrix": 0} == {**PIPELINE[part], "matrix": 0}


def test_the_cells_are_those_of_the_matrices() -> None:
    stages = [cell.stage for cell in listed_cells()]
    assert len(set(stages)) == len(stages)
    worlds = len(VARS["worlds"]) * len(VARS["world_arms"])
    assert len(stages) == 3 * len(VARS["arms"]) + 2 + 3 * worlds
    assert {"cell@iris-0", "more@iris-3", "world_cell@minigrid-patch-8-2"} <= set(stages)


# Play


def test_play_is_whole_episodes_of_the_seed(play: Store, tmp_path: Path) -> None:
    episode = play.read("episode")
    assert list(np.unique(episode)) == list(range(14))
    ends = play.read("terminated") | play.read("truncated")
    np.testing.assert_array_equal(np.flatnonzero(ends)[:-1], np.flatnonzero(np.diff(episode)))
    again = record(tmp_path / "same", 0, replace(PLAY, lanes=3))
    other = record(tmp_path / "other", 1)
    for name in ("obs", "label", "action"):
        np.testing.assert_array_equal(again.read(name), play.read(name))
    assert not np.array_equal(other.read("label")[:20], play.read("label")[:20])


def test_play_of_other_parameters_or_another_seed_is_refused(play: Store) -> None:
    open_play(play.path, PLAY, WORLD, 0)
    for config, world, seed in (
        (replace(PLAY, training_episodes=5), WORLD, 0),
        (PLAY, TinyConfig(length=7), 0),
        (PLAY, WORLD, 1),
    ):
        with pytest.raises(ArtifactError, match="recorded with other parameters or another seed; delete it"):
            open_play(play.path, config, world, seed)


def test_a_world_without_a_scripted_player_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        ParamError, match=r"^play\.player: the world tiny has no scripted player; use random$"
    ):
        record(tmp_path, 0, replace(PLAY, player="scripted"))


# Cells


def run_cell(one: Arm, seed: int, play: Store) -> Any:
    """Through the folder of tokenizers, as the stages do."""
    folder = play.path.parent / "tokenizers"
    write_tokenizers(one, seed, play, folder)
    return plain_json(measure_cell(one, seed, play, read_tokenizers(folder, one, seed, play)))


@pytest.mark.parametrize(
    "model",
    [TrainedConfig("trained", 4, 4, 0.01, (1, 3)), UntrainedConfig("untrained"), KMeansConfig("k_means", 16)],
)
def test_a_cell_measures_and_gives_the_same_bytes_again(model: Any, play: Store) -> None:
    results = [json.dumps(run_cell(arm(model), 0, play), allow_nan=False) for _ in range(2)]
    assert results[0] == results[1]
    found = json.loads(results[0])
    wanted = ["purity", "purity_base", "recall", "homogeneity", "completeness", "nmi", "nmi_place"]
    wanted += ["share_consistent_beyond_place", "codes_tested", "locality", "psnr_db", "bits_per_frame"]
    assert {
        *wanted,
        "empty_share",
        "reading",
        "receptive_field",
        "arm",
        "asks",
        "varies",
        "compared_with",
        "seed",
        "steps",
    } <= found.keys()
    assert 0 < found["psnr_db"] < 99
    assert found["episodes"] == PLAY.held_out_episodes
    if isinstance(model, TrainedConfig):
        assert [one["steps"] for one in found["snapshots"]] == [1, 3]
        assert found["steps"] == 4
        assert found["snapshots"][0]["psnr_db"] != found["snapshots"][1]["psnr_db"] != found["psnr_db"]
    else:
        assert found["steps"] == 0 and "snapshots" not in found


def test_nothing_held_out_is_learned_from(play: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def watch(one: Arm, training: Any, seed: int) -> Any:
        seen.append(training)
        return make_tokenizers(one, training, seed)

    monkeypatch.setattr("irislib.study.tokenizers.make_tokenizers", watch)
    run_cell(arm(KMeansConfig("k_means", 16)), 0, play)
    learned = play.read("episode") < PLAY.training_episodes
    np.testing.assert_array_equal(seen[0].frames, play.read("obs")[learned])


@pytest.mark.parametrize("kind", sorted(OTHERS))
def test_tokenizers_come_back_as_they_were_written(kind: str, play: Store, tmp_path: Path) -> None:
    one = OTHERS[kind]
    training = read_recording(play, np.arange(PLAY.training_episodes), 0)
    made = make_tokenizers(one, training, 0)
    write_tokenizers(one, 0, play, tmp_path / "kept")
    kept = read_tokenizers(tmp_path / "kept", one, 0, play)
    assert kept.keys() == made.keys()
    frames = torch.from_numpy(training.frames)
    for steps, tokenizer in kept.items():
        tokens = tokenizer.encode(frames)
        assert torch.equal(tokens, made[steps].encode(frames))
        images = [of.decode(of.embed(tokens)) for of in (tokenizer, made[steps])]
        assert torch.equal(*images)
        assert not images[0].requires_grad


def test_tokenizers_of_another_arm_or_seed_are_refused(play: Store, tmp_path: Path) -> None:
    one = arm(KMeansConfig("k_means", 16))
    write_tokenizers(one, 0, play, tmp_path / "kept")
    for other, seed in ((arm(KMeansConfig("k_means", 32)), 0), (one, 1)):
        with pytest.raises(ArtifactError, match="kept: made with other parameters or another seed"):
            read_tokenizers(tmp_path / "kept", other, seed, play)
    (tmp_path / "kept/model.safetensors").write_bytes(b"")
    with pytest.raises(ArtifactError, match="delete it, then run the same command again"):
        read_tokenizers(tmp_path / "kept", one, 0, play)


def test_another_seed_draws_otherwise(play: Store) -> None:
    model = TrainedConfig("trained", 2, 4, 0.01)
    first, second = (run_cell(arm(model), seed, play) for seed in (0, 1))
    assert first["psnr_db"] != second["psnr_db"]


# Progress


def test_time_left_is_that_of_the_arms_that_wait() -> None:
    seen = {"slow": [100.0, 300.0], "quick": [10.0]}
    assert seconds_left(["slow", "slow", "quick"], seen) == 410
    assert seconds_left(["new"], seen) == pytest.approx((200 + 10) / 2)
    assert seconds_left([], seen) == 0
    assert seconds_left(["slow"], {}) is None


@pytest.mark.parametrize(
    ("done", "left", "text"),
    [
        (0, None, "0 of 58 cells are done; how long the others take is known after the first one"),
        (3, 15000.0, "3 of 58 cells are done; the others take about 4 h 10 min, one after the other"),
        (57, 20.0, "57 of 58 cells are done; the others take about 1 min, one after the other"),
        (58, 0.0, "58 of 58 cells are done"),
    ],
)
def test_progress_in_words(done: int, left: float | None, text: str) -> None:
    assert describe_progress(done, 58, left) == text
