"""Few findings where there is nothing, nearly all where something is planted."""

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import binom, false_discovery_control, kstest, ttest_1samp

from irislib.interpret.confirmation.excess import Sums
from irislib.interpret.confirmation.halves import DIVISIONS, confirm, divide, significant
from irislib.interpret.confirmation.presence_sums import joint_sums, presence_sums
from irislib.interpret.confirmation.studentised import FEWEST, Excess, jackknife_p_values
from irislib.interpret.observations.exchange import ROUNDS
from irislib.interpret.observations.visible import Visible

EVERY = np.ones((1, 24), bool)


def make_excess(value: np.ndarray) -> Excess:
    return Excess(value, np.ones(value.shape, bool), np.zeros(value.shape))


def make_visible(episodes: int, length: int, seed: int = 0) -> Visible:
    episode = np.repeat(np.arange(episodes), length)
    return Visible.of(episode, np.zeros(len(episode), np.uint8), seed)


def persistent(rng: np.random.Generator, visible: Visible, n: int, rate: float) -> np.ndarray:
    """Events that last: bool [T,n]."""
    stay = 0.9
    steps = len(visible.episode)
    fresh, there = rng.random((steps, n)) < rate, np.zeros((steps, n), bool)
    keep = (rng.random((steps, n)) < stay) & (visible.step > 0)[:, None]
    for t in range(steps):
        there[t] = np.where(keep[t], there[t - 1], fresh[t])
    return there


def test_without_another_variance_it_is_a_t_test() -> None:
    value = np.random.default_rng(0).normal(0.3, 1, (24, 7))
    expected = ttest_1samp(value, 0, alternative="greater").pvalue
    np.testing.assert_allclose(make_excess(value).p_values(EVERY)[0], expected)
    group = np.arange(24) < 9
    expected = ttest_1samp(value[:9], 0, alternative="greater").pvalue
    np.testing.assert_allclose(make_excess(value).p_values(group[None])[0], expected)


def test_few_episodes_are_not_tested() -> None:
    value = np.ones((24, 1)) + np.arange(24)[:, None]
    part = np.zeros((24, 1), bool)
    part[: FEWEST - 1] = True
    assert np.isnan(Excess(value * part, part, value * 0).p_values(EVERY)).all()
    part[FEWEST] = True
    assert np.isfinite(Excess(value * part, part, value * 0).p_values(EVERY)).all()


def test_both_signs_are_tested_as_one_would_be() -> None:
    value = np.random.default_rng(4).normal(0.2, 1, (24, 30))
    both = make_excess(value).both_p_values(EVERY)
    each = [make_excess(signed).p_values(EVERY) for signed in (value, -value)]
    np.testing.assert_array_equal(both, np.concatenate(each, axis=1))


def test_an_excess_is_over_the_exchanges_that_are_known() -> None:
    rng = np.random.default_rng(5)
    exchanged = rng.normal(size=(6, 9, 4)).astype(np.float32)
    exchanged[rng.random(exchanged.shape) < 0.2] = np.nan
    observed = rng.normal(size=(9, 4)).astype(np.float32)
    for found, kept in (
        (Sums(observed, exchanged).excess(), exchanged),
        (Sums(exchanged[2], exchanged).null(2), np.delete(exchanged, 2, axis=0)),
    ):
        drawn = observed if kept is exchanged else exchanged[2]
        n = np.isfinite(kept).sum(axis=0)
        expected = np.where(found.part, drawn - np.nanmean(kept, axis=0, dtype=np.float64), 0)
        variance = np.nanvar(kept, axis=0, ddof=1, dtype=np.float64) * (1 + 1 / n)
        np.testing.assert_array_equal(found.part, np.isfinite(drawn) & (n > 1))
        np.testing.assert_allclose(found.value, expected, atol=1e-12)
        np.testing.assert_allclose(found.variance, np.where(found.part, variance, 0), atol=1e-12)


def test_a_label_that_is_nearly_everywhere_is_no_finding() -> None:
    """Few episodes that all show a little too much have hardly any spread; the null's own variance has."""
    rng = np.random.default_rng(1)
    observed = np.full((6, 1), 1.0, np.float32)
    exchanged = (rng.random((ROUNDS, 6, 1)) < 0.8).astype(np.float32)
    assert Sums(observed, exchanged).excess().p_values(np.ones((1, 6), bool))[0, 0] > 0.01


def test_jackknife_of_a_mean_is_a_t_test() -> None:
    value = np.random.default_rng(2).normal(0.3, 1, 24)
    without = (value.sum() - value) / 23
    p_value = jackknife_p_values(value[None].mean(axis=1), without[None], EVERY)[0]
    assert p_value == pytest.approx(ttest_1samp(value, 0, alternative="greater").pvalue)


@pytest.mark.parametrize("kind", ["pairs", "values"])
def test_exchange_has_its_nominal_type_one_error(kind: str) -> None:
    """Persistent events that know nothing of each other, though both become more frequent with time."""
    rng = np.random.default_rng(3)
    visible = make_visible(32, 80)
    trend = (visible.step / 80)[:, None]
    first = persistent(rng, visible, 400, 0.2) & (rng.random((len(trend), 400)) < 0.3 + 0.7 * trend)
    second = persistent(rng, visible, 400, 0.2) & (rng.random((len(trend), 400)) < 0.3 + 0.7 * trend)
    if kind == "pairs":
        sums = joint_sums(visible, first, second, "test")
    else:
        codes, amounts = sparse.csr_array(first[:, :20].astype(np.int64)), second[:, :20].cumsum(axis=0)
        amounts -= amounts[visible.episode * 80]  # grows with time
        sums = presence_sums(visible, codes, amounts, "test")
    p_values = sums.excess().p_values(np.ones((1, 32), bool))[0]
    assert np.isfinite(p_values).all()
    found = np.count_nonzero(p_values <= 0.05)
    assert found <= binom.ppf(0.995, len(p_values), 0.05)
    assert kstest(p_values, "uniform", alternative="greater").pvalue > 0.001  # not too many small ones


def test_sums_equal_a_loop() -> None:
    rng = np.random.default_rng(4)
    episode = np.repeat(np.arange(4), [6, 9, 5, 7])
    visible = Visible.of(episode, rng.choice([0, 0, 1, 2], len(episode)).astype(np.uint8), 0)
    first, second = rng.random((2, len(episode), 3)) < 0.5
    joint = joint_sums(visible, first, second, "test")
    crossed = presence_sums(visible, sparse.csr_array(first.astype(np.int64)), second, "test")
    for one in range(4):
        rows = np.flatnonzero((episode == one) & visible.observation)
        for i in range(3):
            mine = rows[first[rows, i]]
            expected = second[mine, i].sum() if len(mine) else np.nan
            np.testing.assert_equal(joint.observed[one, i], np.float32(expected))
            relative = second[:, i] - second[rows, i].mean()
            expected = relative[mine].sum() if len(mine) else np.nan
            np.testing.assert_allclose(crossed.observed[one, i * 3 + i], expected, atol=1e-6)
            other = visible.exchanged(mine, 2)
            known = other[other >= 0]
            drawn = second[known, i].sum() * len(mine) / len(known) if len(known) else np.nan
            np.testing.assert_allclose(joint.exchanged[2, one, i], drawn, rtol=1e-6)
            everyone = visible.exchanged(rows, 2)
            relative = second[known, i] - second[everyone[everyone >= 0], i].mean() if len(known) else known
            drawn = relative.sum() * len(mine) / len(known) if len(known) else np.nan
            np.testing.assert_allclose(crossed.exchanged[2, one, i * 3 + i], drawn, atol=1e-6)


def test_halves_are_disjoint_and_complementary() -> None:
    halves = divide(25, 0)
    assert halves.shape == (DIVISIONS, 25)
    assert set(halves.sum(axis=1)) == {12, 13}
    assert (halves[::2] == ~halves[1::2]).all()
    assert len(np.unique(halves, axis=0)) == DIVISIONS


def test_nothing_is_confirmed_where_there_is_nothing() -> None:
    value = np.random.default_rng(5).normal(0, 1, (40, 500))
    found = confirm(make_excess(value).p_values, divide(40, 0), 0.05)
    assert found.tested.all()
    assert found.chosen.mean() == pytest.approx(0.05, abs=0.01)
    assert found.confirmed.mean() < 1
    assert found.holds.sum() <= 1


@pytest.mark.parametrize("effect", [0.5, 1.0])
def test_false_discovery_rate_at_a_tenth_true(effect: float) -> None:
    false = true = 0
    for seed in range(20):
        value = np.random.default_rng(seed).normal(0, 1, (40, 300))
        value[:, :30] += effect
        found = confirm(make_excess(value).p_values, divide(40, 0), 0.05)
        true += int(found.holds[:30].sum())
        false += int(found.holds[30:].sum())
    assert false <= 0.05 * (false + true) + 2 * np.sqrt(0.05 * (false + true))
    assert true / 600 > (0.25 if effect == 0.5 else 0.95)


def test_one_of_a_group_is_selected_at_most() -> None:
    value = np.random.default_rng(6).normal(1, 1, (30, 12))
    found = confirm(make_excess(value).p_values, divide(30, 0), 0.05, np.repeat([0, 1, 2], 4))
    for group in range(3):
        assert (found.chosen[:, 4 * group : 4 * group + 4].sum(axis=1) <= 1).all()


def test_of_a_group_one_holds_at_most() -> None:
    """Two names of one code that take turns: each is confirmed in half of the divisions."""
    halves = divide(30, 0)

    def p_values(groups: np.ndarray) -> np.ndarray:
        turn = np.arange(len(groups)) % 2
        return np.stack([np.where(turn, 0.002, 0.001), np.where(turn, 0.001, 0.002)], axis=1)

    found = confirm(p_values, halves, 0.05, np.zeros(2, int))
    np.testing.assert_array_equal(found.share, [0.5, 0.5])
    assert not found.holds.any()


def test_summary_by_hand() -> None:
    value = np.random.default_rng(7).normal(3, 1, (30, 5))
    found = confirm(make_excess(value).p_values, divide(30, 0), 0.05)
    expected = {
        "tested": 5,
        "selected": 5,
        "confirmed": 5,
        "low": 5,
        "high": 5,
        "confirmation": 1,
        "holds": 5,
    }
    assert found.summary() == expected
    nothing = confirm(make_excess(value[:, :0]).p_values, divide(30, 0), 0.05).summary()
    assert nothing["tested"] == nothing["confirmed"] == 0
    assert np.isnan(nothing["confirmation"])


def test_significance_uses_the_share_of_true_nulls() -> None:
    p_values = np.array([0.001, 0.02, 0.06, 0.07, 0.08, 0.3])
    # Of six p-values none is above 0.5: a third of them is taken to be null, at most.
    np.testing.assert_array_equal(significant(p_values, 0.05), [True] * 5 + [False])
    np.testing.assert_array_equal(significant(np.append(p_values, [0.6] * 6), 0.05), [True] + [False] * 11)
    assert significant(p_values[:0], 0.05).shape == (0,)


def test_rejections_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        p_values = rng.random(rng.integers(1, 12)) ** 3
        null = min(1.0, (1 + np.count_nonzero(p_values > 0.5)) / (0.5 * len(p_values)))
        expected = false_discovery_control(p_values) * null <= 0.05
        np.testing.assert_array_equal(significant(p_values, 0.05), expected)
