"""The first paragraph and the tables of results: what they say of good, bad and missing numbers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from madeup import sources, write_inputs
from madeup_tables import make_baselines, make_replicates
from tiny_delta import make_agent

from irislib.report.config import PlotsConfig
from irislib.report.findings import HEADLINES, NAMES, by_label, finding, rivalry
from irislib.report.inputs import Inputs, load_inputs
from irislib.report.page.answer import about_family, answer
from irislib.report.page.differences import differences, empty_bound
from irislib.report.page.result_tables import baselines_table, findings_table, power_table, replicates_table
from irislib.report.readme import write_numbers
from irislib.report.tables import Numbers
from irislib.report.verdict import verdict

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


def with_baselines(inputs: Inputs, ours: float, best: float) -> Inputs:
    """The inputs with these counts at the tokens' own patches, of the codes and of one baseline."""
    table = make_baselines(True)
    table = table[(table["attribution"] == "position") & table["tokenizer"].isin(["agent", "patches"])]
    for family in HEADLINES:
        for column, factor in (("confirmed", 1.0), ("low", 0.9), ("high", 1.1)):
            table[f"{family.key}_{column}"] = [factor * ours, factor * best]
    return replace(inputs, baselines=table)


def test_every_family_has_its_range_chance_and_the_best_baseline(inputs: Inputs) -> None:
    family = {"tested": 40, "confirmed": 12.5, "low": 8, "high": 17, "null": 0.3, "holds": 9}
    labels = {"by_label": {"grass": 7, "tree": 2, "water": 0}}
    told = changed(with_baselines(inputs, 10, 20), names=family | labels)
    text = about_family(told, NAMES)
    assert "12.5 codes (range 8 to 17, by chance 0.3) show more of a label" in text
    assert "of the 9 codes that most divisions confirm, 7 are grass and 2 tree" in text
    assert "at the tokens' own patches 10 (9 to 11), against 20 (18 to 22)" in text
    assert text.endswith("k-means of patches: less.")
    assert text in answer(told)


@pytest.mark.parametrize(("ours", "verdict"), [(10.0, -1), (20.0, 0), (30.0, 1)])
def test_a_range_above_the_best_baseline_is_needed_to_be_better(
    inputs: Inputs, ours: float, verdict: int
) -> None:
    rival = rivalry(with_baselines(inputs, ours, 20).baselines, "names")
    assert rival is not None
    assert rival.verdict == verdict
    text = answer(changed(with_baselines(inputs, ours, 20), **{f.key: _good() for f in HEADLINES}))
    assert ("better than every baseline in names, consistency, items and pairs." in text) == (verdict > 0)
    assert ("In none of these are they better" in text) == (verdict <= 0)


def _good() -> dict[str, Any]:
    return {"tested": 40, "confirmed": 12.5, "low": 8, "high": 17, "null": 0.3, "holds": 9}


def test_nothing_is_said_plainly(inputs: Inputs) -> None:
    nothing: dict[str, Any] = {
        "tested": 40,
        "selected": 2.0,
        "confirmed": 0.0,
        "low": 0.0,
        "high": 0.0,
        "holds": 0,
    }
    nothing |= {"confirmation": 0.0, "null": 0.0, "by_label": {"grass": 0}, "covered": 0.0}
    empty = changed(inputs, **{family.key: nothing for family in HEADLINES})
    text = answer(empty)
    assert text.startswith("The answer for this run is nothing: where a code changes the picture")
    assert "exceed chance in names, consistency, items and pairs." in answer(with_baselines(empty, 20, 20))
    assert "and there a baseline finds more." in answer(with_baselines(empty, 10, 20))
    assert "Nor does any at the tokens' own patches." in answer(with_baselines(empty, 0, 20))
    assert "Names: no code was confirmed to show more of a label" in text
    assert "Pairs: no pair of consistent codes was confirmed to occur together" in text
    assert by_label(empty.metrics) == "most divisions confirm no code"


def test_chance_must_be_exceeded_by_the_whole_range(inputs: Inputs) -> None:
    for low, exceeds in ((0.2, False), (0.4, True)):
        some = changed(inputs, names={"confirmed": 2.0, "low": low, "high": 5.0, "null": 0.3, "holds": 2})
        assert finding(some.metric, NAMES).beyond_chance == exceeds


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
    assert "cannot be the share" in empty_bound(large)
    small = changed(inputs, codebook={"size": 16})
    assert empty_bound(small) == ""


def test_differences_have_the_numbers_of_the_agent(inputs: Inputs) -> None:
    texts = " ".join(differences(inputs))
    for said in ("no perceptual loss", "random actions have 1.38", "714", "channels of the tokenizer 4 (64)"):
        assert said in texts


def test_differences_name_another_quantizer_than_vq(inputs: Inputs, tmp_path: Path) -> None:
    assert "(VQ)" not in " ".join(differences(inputs))
    about = json.loads((inputs.agent / "config.json").read_text())
    about["agent"]["tokenizer"]["quantizer"] = {"kind": "fsq", "levels": [4, 3]}
    (tmp_path / "config.json").write_text(json.dumps(about))
    texts = " ".join(differences(replace(inputs, agent=tmp_path)))
    assert "The tokenizer has finite scalar quantization (FSQ)" in texts
    assert "dimensions of a code" not in texts and "is moved to an encoder output" not in texts


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


def test_the_readme_says_the_answer_in_three_lines(inputs: Inputs) -> None:
    lines = write_numbers(inputs.metrics.path.parent).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("- ") and line.endswith(".") for line in lines)
    assert lines[0] == f"- {verdict(inputs.metric, inputs.baselines)}"
    assert all("the best baseline, k-means of patches" in line for line in lines[1:])


def test_numbers_by_name_are_looked_up(tmp_path: Path) -> None:
    numbers = Numbers(tmp_path / "details.json", "metrics", {"names": {"by_label": {"grass": 3}}})
    assert numbers.group("names.by_label") == {"grass": 3.0}
