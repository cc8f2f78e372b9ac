"""The tables of results and what differs: what they say of good, bad and missing numbers."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from madeup import sources, write_inputs
from madeup_tables import make_replicates
from safetensors.torch import load_file, save_file
from tiny_delta import make_agent

from irislib.report.config import PlotsConfig
from irislib.report.findings import NAMES, finding
from irislib.report.inputs import Inputs, load_inputs
from irislib.report.page.comparison import about_playing, comparison
from irislib.report.page.differences import differences, empty_bound
from irislib.report.page.result_tables import baselines_table, findings_table, power_table, replicates_table
from irislib.report.page.sentences import about_agreement, introduction
from irislib.report.tables import Numbers
from stages.plots import level_of

CONFIG = PlotsConfig(codes=3, crops=2, groups=2, frames=4, tsne_perplexity=30.0, dpi=50)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    path = tmp_path_factory.mktemp("answer")
    rng = np.random.default_rng(4)
    frames = rng.integers(0, 256, (24, 32, 32, 3), np.uint8)
    write_inputs(path, frames, rng.integers(0, 20, (24, 4, 4)).astype(np.int16), 20)
    return load_inputs(CONFIG, seed=0, **sources(path), reports=path / "reports")


def changed(inputs: Inputs, **sections: dict[str, Any]) -> Inputs:
    """The inputs with other numbers in some sections of the metrics."""
    content = json.loads(json.dumps(inputs.metrics.content))
    for name, values in sections.items():
        content[name] |= values
    return replace(inputs, metrics=replace(inputs.metrics, content=content))


def test_chance_must_be_exceeded_by_the_whole_range(inputs: Inputs) -> None:
    for low, exceeds in ((0.2, False), (0.4, True)):
        some = changed(inputs, names={"confirmed": 2.0, "low": low, "high": 5.0, "null": 0.3, "holds": 2})
        assert finding(some.metric, NAMES).beyond_chance == exceeds


def test_an_agent_that_was_never_trained_is_said_to_be_so(inputs: Inputs) -> None:
    told = changed(inputs, agent={"training_steps": 0})
    assert told.untrained and not inputs.untrained
    assert "The agent was not trained: its networks have random weights; the recorded" in " ".join(
        differences(told)
    )
    assert comparison(told)[0].steps == "0"
    assert "After training" not in about_playing(told)


def test_an_agent_from_elsewhere_is_not_said_to_be_trained_on_no_steps(
    inputs: Inputs, tmp_path: Path
) -> None:
    other = tmp_path / "agent"
    shutil.copytree(inputs.agent, other)
    weights = load_file(other / "model.safetensors")
    name = next(name for name in weights if name.startswith("world_model.") and name.endswith("ln1.weight"))
    weights[name][0] += 0.001
    save_file(weights, other / "model.safetensors")
    told = replace(changed(inputs, agent={"training_steps": 0}), agent=other)
    texts = " ".join([*differences(told), about_playing(told), comparison(told)[0].steps])
    assert "which does not tell on how many steps" in texts and "not known" in texts
    assert "0 environment steps" not in texts and "After training" not in texts
    assert "on 6,000 environment steps" in " ".join(differences(inputs))
    assert comparison(inputs)[0].steps == "6,000"


def test_the_level_is_named_where_a_world_has_several(inputs: Inputs) -> None:
    assert "a game, here Crafter." in introduction(inputs)
    told = replace(inputs, level="MiniGrid-Empty-Random-6x6-v0")
    assert "a game, here MiniGrid-Empty-Random-6x6-v0 (Crafter)." in introduction(told)
    named = {"level": "Maze", "game": None}, {"game": "Pong"}, {"world": "crafter"}
    assert [level_of(env) for env in named] == ["Maze", "Pong", ""]


def test_tables_have_a_row_for_each_of_what_they_show(inputs: Inputs) -> None:
    tables = [
        findings_table(inputs),
        baselines_table(inputs),
        power_table(inputs),
        replicates_table(replace(inputs, replicates=make_replicates())),
    ]
    assert [len(table.rows) for table in tables] == [6, 7, 3, 4]
    for table in tables:
        assert {len(row) for row in table.rows} == {len(table.header)}
    assert "python -m stages.replicates" in replicates_table(inputs).about
    # Of two comparisons with two runs and four families, the second comparison's runs are apart.
    assert "Of 16 confirmed numbers, 8 lie within" in tables[3].about
    assert "1 would have been found in at least 95%" in tables[2].about


def test_the_paper_cannot_count_all_codes_in_all_observations(inputs: Inputs) -> None:
    large = changed(inputs, codebook={"size": 512})
    assert "at least 96.9% of 512 codes" in empty_bound(large)
    assert "cannot be the share of all codes" in empty_bound(large)
    small = changed(inputs, codebook={"size": 16})
    assert empty_bound(small) == ""


def test_differences_have_the_numbers_of_the_agent(inputs: Inputs) -> None:
    texts = " ".join(differences(inputs))
    for said in ("no perceptual loss", "random actions have 1.38", "714", "channels of the tokenizer 4 (64)"):
        assert said in texts


def test_the_agreement_of_a_single_episode_has_no_interval(inputs: Inputs) -> None:
    known = {"nmi": 0.12, "nmi_low": 0.1, "nmi_high": 0.14, "nmi_place": 0.11}
    assert "0.12 (0.1 to 0.14)" in about_agreement(changed(inputs, world=known))[0]
    single = about_agreement(changed(inputs, world=known | {"nmi_low": None, "nmi_high": None}))[0]
    assert "it is 0.12. Place and time alone give 0.11" in single and "does not show whether" in single
    nothing = about_agreement(changed(inputs, world=known | {"nmi": None, "nmi_low": None}))
    assert len(nothing) == 1 and nothing[0].startswith("No map lies on the world")


def test_differences_name_another_quantizer_than_vq(inputs: Inputs, tmp_path: Path) -> None:
    assert "(VQ)" not in " ".join(differences(inputs))
    about = json.loads((inputs.agent / "config.json").read_text())
    about["agent"]["tokenizer"]["quantizer"] = {"kind": "fsq", "levels": [4, 3]}
    (tmp_path / "config.json").write_text(json.dumps(about))
    texts = " ".join(differences(replace(inputs, agent=tmp_path)))
    assert "The tokenizer has finite scalar quantization (FSQ)" in texts
    assert "dimensions of a code" not in texts and "is moved to an encoder output" not in texts


@pytest.mark.parametrize("by", ["chance", "distance"])
def test_differences_say_where_idle_codes_go(inputs: Inputs, tmp_path: Path, by: str) -> None:
    about = json.loads((inputs.agent / "config.json").read_text())
    about["agent"]["tokenizer"]["quantizer"] |= {"revive_after": 20, "revive_by": by}
    (tmp_path / "config.json").write_text(json.dumps(about))
    texts = " ".join(differences(replace(inputs, agent=tmp_path)))
    assert "not used in 20 batches is moved to an encoder output" in texts
    assert ("far from all codes in use" in texts) == (by == "distance")


def test_differences_say_how_the_world_model_predicts(inputs: Inputs, tmp_path: Path) -> None:
    assert "next frame at once" not in " ".join(differences(inputs))
    about = json.loads((inputs.agent / "config.json").read_text())
    about["agent"]["world_model"]["predicts"] = "frame"
    (tmp_path / "config.json").write_text(json.dumps(about))
    assert "next frame at once" in " ".join(differences(replace(inputs, agent=tmp_path)))


def test_differences_say_what_delta_iris_is(inputs: Inputs, tmp_path: Path) -> None:
    assert "Δ-IRIS" not in " ".join(differences(inputs))
    make_agent().save(tmp_path)
    texts = " ".join(differences(replace(inputs, agent=tmp_path)))
    assert "what changed since the previous frame" in texts and "(VQ)" not in texts


def test_numbers_by_name_are_looked_up(tmp_path: Path) -> None:
    numbers = Numbers(tmp_path / "details.json", "metrics", {"names": {"by_label": {"grass": 3}}})
    assert numbers.group("names.by_label") == {"grass": 3.0}
