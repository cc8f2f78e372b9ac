"""Names and items of codes: planted ones are found, and hardly any where there is nothing to find."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from irislib.interpret.boxes import Boxes
from irislib.interpret.confirmation.halves import divide
from irislib.interpret.labels.items import find_items
from irislib.interpret.labels.label_mass import label_occurrences
from irislib.interpret.labels.names import Names, find_names
from irislib.interpret.labels.power import NOTHING, TRIES, planted, power_table
from irislib.interpret.labels.truth import DISPLAY, Truth
from irislib.interpret.observations.visible import Visible

EPISODES, LENGTH = 40, 80
SIDE = 3  # cells of the world, above a display of one row
CORNERS = [(4 * y, 4 * x, 4 * y + 4, 4 * x + 4) for y in range(SIDE + 1) for x in range(SIDE)]
BOXES = Boxes((4 * SIDE + 4, 4 * SIDE), np.array(CORNERS, np.int16), SIDE**2)
LABELS = ("grass", "water", "tree", "cow", "cave", "player")
RATES = (0.55, 0.25, 0.15, 0.05)
CENTRE = SIDE**2 // 2  # the player stands there, always
CAVES = 8  # episodes that show one
QUANTITIES = ("health", "wood")
ALPHA = 0.05


def spells(rng: np.random.Generator, n: int, stay: float = 0.8) -> np.ndarray:
    """For each observation and each of n columns, the number of a spell; no spell outlasts its episode."""
    fresh = rng.random((EPISODES * LENGTH, n)) >= stay
    fresh[::LENGTH] = True
    numbers: np.ndarray = fresh.cumsum(axis=0) - 1
    return numbers


def make_world(seed: int) -> tuple[Truth, Visible]:
    """Labels that last for spells, in other shares in each episode; some sleep at its night's end."""
    rng = np.random.default_rng(seed)
    episode = np.repeat(np.arange(EPISODES), LENGTH)
    step = np.tile(np.arange(LENGTH), EPISODES)
    hour = (step + 13 * episode) % LENGTH
    stratum = (hour >= LENGTH // 2).astype(np.uint8)
    stratum[(hour >= 3 * LENGTH // 4) & (episode % 3 == 0)] = 2
    visible = Visible.of(episode, stratum, seed)

    rates = rng.dirichlet(10 * np.array(RATES), EPISODES)[episode]
    number = spells(rng, SIDE**2)
    drawn = rng.random(len(episode))[number]
    label = (drawn[:, :, None] > rates.cumsum(axis=1)[:, None, :-1]).sum(axis=2)
    cave = (episode < CAVES)[:, None] & (rng.random(len(episode))[number] < 0.2)
    label[cave] = LABELS.index("cave")
    label[:, CENTRE] = LABELS.index("player")

    health = rng.integers(1, 10, len(episode))[spells(rng, 1)[:, 0]]
    start = rng.integers(0, LENGTH, EPISODES)[episode]
    wood = np.clip(step - start, 0, 9)
    quantity = np.stack([health, wood], axis=1).astype(np.uint8)
    truth = Truth(BOXES, (*LABELS, DISPLAY), label.astype(np.uint8), QUANTITIES, quantity)
    return truth, visible


def plant_codes(
    rng: np.random.Generator, truth: Truth, visible: Visible, each: int, empty: int
) -> list[np.ndarray]:
    """Codes that show one label in a third of all its places, `each` of every label, and `empty` ones that
    show some cell for spells, whatever is there.
    """
    codes = []
    for label in range(len(LABELS)):
        observation, box = np.nonzero((truth.label == label) & visible.observation[:, None])
        for _ in range(each):
            rows = np.flatnonzero(rng.random(len(observation)) < 1 / 3)
            rows = rows[np.unique(observation[rows], return_index=True)[1]]
            codes.append(np.stack([observation[rows], box[rows]], axis=1))
    number = spells(rng, empty)
    for column in number.T:
        observation = np.flatnonzero((rng.random(len(number)) < 0.2)[column])
        box = rng.integers(0, SIDE**2 + 1, len(number))[column[observation]]
        codes.append(np.stack([observation, box], axis=1))
    return codes


def name(truth: Truth, visible: Visible, codes: list[np.ndarray]) -> tuple[Names, pd.DataFrame]:
    mass = label_occurrences(truth, planted(truth, visible, codes), visible)
    names = find_names(mass, divide(EPISODES, 0), ALPHA)
    return names, names.columns(mass)


@pytest.fixture(scope="module")
def world() -> tuple[Truth, Visible, Names, pd.DataFrame]:
    """The world, and what 5 codes of each label and 30 codes of none are called."""
    truth, visible = make_world(0)
    codes = plant_codes(np.random.default_rng(0), truth, visible, each=5, empty=30)
    return truth, visible, *name(truth, visible, codes)


def test_power_is_near_one_and_that_of_nothing_near_zero(
    world: tuple[Truth, Visible, Names, pd.DataFrame],
) -> None:
    truth, visible, names, _ = world
    power = power_table(truth, visible, names.found, divide(EPISODES, 0), ALPHA, 0).set_index("label")
    assert list(power.index) == [*LABELS, NOTHING]
    assert (power["planted"] == TRIES).all()
    assert power.loc["cave", "episodes"] == CAVES
    assert (power["episodes"].drop("cave") >= 20).all()
    named = power["named"]
    assert named["player"] == 0  # its place tells it
    assert named[NOTHING] <= 0.05
    assert (named[["grass", "water", "tree", "cow"]] >= 0.95).all()
    assert named["cave"] == 0  # a half of the episodes has too few that show it


def test_codes_get_the_label_that_they_show(world: tuple[Truth, Visible, Names, pd.DataFrame]) -> None:
    *_, names, columns = world
    shown = np.repeat(LABELS[:4], 5)
    assert list(columns["name"][:20]) == list(shown)
    assert (columns["name_share"][:20] == 1).all()
    assert (columns["name_expected"][:20] < 0.7).all()
    assert columns["name"][25:30].isna().all()  # the player
    assert columns["name"][30:].notna().sum() <= 1
    assert (columns["name_confirmed"].dropna() > 0.5).all()
    assert names.null <= 0.05 * names.found.confirmed.mean()


def test_labels_of_other_episodes_name_nothing(world: tuple[Truth, Visible, Names, pd.DataFrame]) -> None:
    """Exchanged by partners that the test itself does not know."""
    truth, visible, names, _ = world
    codes = plant_codes(np.random.default_rng(0), truth, visible, each=5, empty=30)
    steps, held, confirmed = np.arange(EPISODES * LENGTH), [], []
    for round_ in range(3):
        other = Visible.of(visible.episode, visible.stratum, 1).exchanged(steps, round_)
        label = truth.label[np.where(other < 0, steps, other)]
        found = name(replace(truth, label=label), visible, codes)[0].found
        held.append(found.holds.sum())
        confirmed.append(found.confirmed.mean())
    assert np.mean(confirmed) <= 0.05 * names.found.confirmed.mean()
    assert np.mean(held) <= 0.05 * names.found.holds.sum()


def as_presence(codes: list[np.ndarray]) -> sparse.csr_array:
    return sparse.csr_array(np.stack(codes, axis=1).astype(np.int64))


@pytest.fixture(scope="module")
def carrying() -> tuple[Truth, Visible, sparse.csr_array]:
    """Code 0 is there exactly while there is wood, 1 to 9 in spells of that time, 10 to 19 in spells while
    health is low; 20 to 49 know neither, and become more frequent with time.
    """
    rng = np.random.default_rng(1)
    truth, visible = make_world(1)
    health, wood = truth.quantity.T
    often = rng.random((len(wood), 20))[spells(rng, 20), np.arange(20)] < 0.5
    codes = [wood >= 1, *(often[:, :9].T & (wood >= 1)), *(often[:, 10:].T & (health < 4))]
    growing = visible.step / LENGTH
    drawn = rng.random((len(wood), 30))[spells(rng, 30), np.arange(30)]
    codes += list((drawn < growing[:, None]).T)
    return truth, visible, as_presence(codes)


def test_amounts_that_codes_tell_are_found_and_those_that_grow_with_time_are_not(
    carrying: tuple[Truth, Visible, sparse.csr_array],
) -> None:
    truth, visible, presence = carrying
    table, found, null = find_items(truth, visible, presence, divide(EPISODES, 0), ALPHA)
    assert list(table["item"][:20]) == ["wood"] * 10 + ["health"] * 10
    more = table["item_mean"] > table["item_expected"]
    assert more[:10].all() and not more[10:20].any()
    assert table["item"][20:].notna().sum() <= 1
    assert null <= 0.05 * found.confirmed.mean()
    there = presence[:, [0]].toarray()[:, 0].astype(bool) & visible.observation
    wood = truth.quantity[:, 1]
    assert table.loc[0, "item_mean"] == pytest.approx(wood[there].mean())
    assert table.loc[0, "item_expected"] < wood[there].mean() - 0.5


def test_codes_at_random_moments_tell_nothing_of_amounts_that_shrink_towards_the_end() -> None:
    """Late steps of long episodes are exchanged for the last ones of short episodes, where little is left."""
    rng = np.random.default_rng(5)
    length = rng.integers(20, 90, EPISODES)
    episode = np.repeat(np.arange(EPISODES), length)
    visible = Visible.of(episode, np.zeros(len(episode), np.uint8), 0)
    left = np.minimum(9, (length[episode] - visible.step) // 4).astype(np.uint8)
    label = np.zeros((len(episode), len(BOXES)), np.uint8)
    truth = Truth(BOXES, (*LABELS, DISPLAY), label[:, : BOXES.world], ("health",), left[:, None])
    presence = sparse.csr_array((rng.random((len(episode), 60)) < 0.3).astype(np.int64))
    _, found, _ = find_items(truth, visible, presence, divide(EPISODES, 0), ALPHA)
    assert found.tested.any()
    assert found.confirmed.mean() <= 0.5 and found.holds.sum() == 0


def test_amounts_of_other_episodes_tell_nothing(
    carrying: tuple[Truth, Visible, sparse.csr_array],
) -> None:
    truth, visible, presence = carrying
    other = Visible.of(visible.episode, visible.stratum, 2).exchanged(np.arange(EPISODES * LENGTH), 0)
    quantity = truth.quantity[np.where(other < 0, np.arange(len(other)), other)]
    _, found, _ = find_items(replace(truth, quantity=quantity), visible, presence, divide(EPISODES, 0), ALPHA)
    assert found.confirmed.mean() <= 1
    assert found.holds.sum() <= 1


def test_no_quantities_and_no_codes() -> None:
    truth, visible = make_world(2)
    bare = replace(truth, quantities=(), quantity=truth.quantity[:, :0])
    presence = as_presence([visible.step > 9, visible.step < 0])
    for of, there in ((bare, presence), (truth, as_presence([visible.step < 0] * 2))):
        table, found, null = find_items(of, visible, there, divide(EPISODES, 0), ALPHA)
        assert table["item"].isna().tolist() == [True, True]
        assert found.summary()["confirmed"] == null == 0
    nothing = [np.zeros((0, 2), np.int64)] * 2
    names, columns = name(truth, visible, nothing)
    assert len(names.code) == 0
    assert columns["name"].isna().tolist() == [True, True]
