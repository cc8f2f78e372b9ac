from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import kstest
from test_consistency import FEATURES, make_config, make_crops, score

from irislib.interpret.consistency.same_place import match_places, score_places
from irislib.interpret.evidence import Crops


def boxes(rng: np.random.Generator, places: int, n: int) -> np.ndarray:
    return np.outer(rng.integers(0, places, n), [1, 1, 2, 2])


def in_places(crops: Crops, box: np.ndarray, codes: int) -> pd.DataFrame:
    return score_places(replace(crops, box=box), codes, make_config(), seed=0)


def test_counterparts_have_the_same_box_and_another_code_and_episode() -> None:
    rng = np.random.default_rng(0)
    box, code, episode = boxes(rng, 5, 300), rng.integers(0, 9, 300), rng.integers(0, 4, 300)
    match = match_places(box, code, episode, rng)
    assert (match >= 0).all()
    assert (box[match] == box).all()
    assert (code[match] != code).all()
    assert (episode[match] != episode).all()
    assert len(np.unique(match)) > 100
    assert (match_places(box, np.zeros(300, int), episode, rng) == -1).all()
    assert (match_places(box, code, np.zeros(300, int), rng) == -1).all()
    assert len(match_places(box[:0], code[:0], episode[:0], rng)) == 0


def test_a_code_that_is_consistent_by_its_place_alone_is_told_apart() -> None:
    """Code 0 shows what its place does, which is always much the same; code 1 shows one thing besides."""
    rng = np.random.default_rng(1)
    code = np.repeat(np.arange(20), 12)
    episode = np.tile(np.arange(12), 20)
    place = rng.integers(0, 4, len(code))
    place[code == 0], place[code == 1] = 0, 1
    place[code == 2] = 99  # nobody else is there
    scene = 1.5 * rng.normal(size=(100, FEATURES))
    own = scene[place] + rng.normal(size=(len(code), FEATURES))
    own[code == 1] += 4 * rng.normal(size=FEATURES)
    crops = make_crops(code, episode, own, rng.normal(size=own.shape))
    box = place[:, None] * np.array([1, 1, 2, 2])
    assert score(crops, 20).loc[:2, "consistent"].all()
    table = in_places(crops, box, 20)
    assert list(np.flatnonzero(table["beyond_place"])) == [1]
    assert table["place_crops"].tolist()[:4] == [12, 12, 0, 12]
    assert np.isnan(table.loc[2, "place_p_value"])
    assert table.loc[0, "consistency_place"] > 0.5
    assert table.equals(in_places(crops, box, 20))


def test_p_values_are_uniform_where_the_place_is_all() -> None:
    rng = np.random.default_rng(2)
    code, episode = np.repeat(np.arange(250), 10), np.tile(np.arange(10), 250)
    box = boxes(rng, 3, len(code))
    own = 3 * rng.normal(size=(3, FEATURES))[box[:, 0]] + rng.normal(size=(len(code), FEATURES))
    p_values = in_places(make_crops(code, episode, own, own), box, 250)["place_p_value"]
    # 250 uniform numbers stay below this distance but once in a thousand times.
    assert kstest(p_values, "uniform").statistic < 0.125
    assert np.mean(p_values <= 0.05) < 0.11
