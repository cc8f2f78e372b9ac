"""Which item of the inventory a code of the HUD shows, and what it tells of the numbers of items."""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

from irislib.interpret.labels.label_mass import LabelMass
from irislib.interpret.labels.truth import Truth
from irislib.interpret.significance import correct, fewest_episodes, flip_test
from irislib.runtime import progress
from irislib.seeding import stream

Array = np.ndarray

UNDER = 0.1  # share of the mass that an item has under the maps; a position of a token covers several cells


def read_items(
    truth: Truth,
    episode: Array,
    labels: LabelMass,
    present: sparse.csr_array,
    codes: Array,
    alpha: float,
    permutations: int,
    seed: int,
) -> pd.DataFrame:
    """One row a code of the HUD.

    Args:
        truth: how many of each item the player holds, and where that is shown.
        episode: int [T].
        labels: what lies under the maps.
        present: [T,K] of 0 and 1, where a code's map is not empty.
        codes: int [n], those of the HUD.
        alpha: decides how few episodes are too few to test.
        permutations: of the signs of episodes.
        seed: of these.

    Returns:
        By code, with columns item (of those that the player holds and whose cells have a tenth of the maps'
        mass on such cells, the one whose number explains most of the code's presence; undefined where
        there never is one), item_share (of that mass), item_correlation (of the code's presence with that
        number, over observations), item_information (see `explained`), item_p_value (of the correlation,
        two-sided, for the choice among the items; an episode is a single draw, see `flip_test`) and
        item_q_value; and told_item and told_information, the item, wherever it is shown, whose number
        explains most.
    """
    mass = labels.by_code(labels.item_mass)
    columns = sparse.csc_array(present)
    rows, tested = [], {}
    for code in progress(codes, desc="inventory", unit="code"):
        lit = columns.indices[columns.indptr[code] : columns.indptr[code + 1]]
        told = np.array([explained(truth.amounts[:, i], lit) for i in range(len(truth.items))])
        most = int(np.nan_to_num(told, nan=-1).argmax())
        row = {"code": code, "told_item": truth.items[most], "told_information": told[most]}
        if mass[code].any():
            under = np.flatnonzero(mass[code] >= UNDER * mass[code].sum())
            item = int(under[np.nan_to_num(told[under], nan=-1).argmax()])
            row |= {
                "item": truth.items[item],
                "item_share": mass[code, item] / mass[code].sum(),
                "item_information": told[item],
            }
            parts = covariance(truth.amounts[:, item], lit, episode)
            if parts.any() and len(np.unique(episode[lit])) >= fewest_episodes(alpha):
                tested[code] = (parts, len(under))
            spread = truth.amounts[:, item].std() * np.sqrt(len(lit) * (len(episode) - len(lit)))
            row["item_correlation"] = parts.sum() / spread if spread > 0 else float("nan")
        rows.append(row)
    names = ["code", "item", "item_share", "item_correlation", "item_information", "item_p_value"]
    table = pd.DataFrame(rows, columns=[*names, "told_item", "told_information"]).set_index("code")
    contributions = np.zeros((len(np.unique(episode)), 0))
    if tested:
        contributions = np.stack([parts for parts, _ in tested.values()], axis=1)
    rng = stream(seed, "inventory")
    p_values = flip_test(np.concatenate([contributions, -contributions], axis=1), permutations, rng, "items")
    # Two sides, and as many items to choose from.
    choices = 2 * np.array([items for _, items in tested.values()])
    table.loc[list(tested), "item_p_value"] = np.minimum(1, choices * p_values.reshape(2, -1).min(axis=0))
    table.insert(5, "item_q_value", correct(table["item_p_value"].to_numpy(float)))
    return table


def explained(amount: Array, lit: Array) -> float:
    """The share of the entropy of a code's presence that the number of an item explains.

    Args:
        amount: u8 [T].
        lit: int [n], the observations with the code.

    Returns:
        Their mutual information over that entropy, in [0, 1]; NaN where the code is always or never there.
    """
    if len(lit) in (0, len(amount)):
        return float("nan")
    total, there = np.bincount(amount), np.bincount(amount[lit])
    there = np.pad(there, (0, len(total) - len(there)))
    information = mutual_info_score(None, None, contingency=np.stack([there, total - there]))
    return float(information / entropy([len(lit), len(amount) - len(lit)]))


def covariance(amount: Array, lit: Array, episode: Array) -> Array:
    """What each episode adds to the sum of products of a number and a code's presence about their means.

    Args:
        amount: u8 [T].
        lit: int [n], the observations with the code.
        episode: int [T].

    Returns:
        float64 [episodes].
    """
    presence = np.zeros(len(amount))
    presence[lit] = 1
    products = (presence - presence.mean()) * (amount - amount.mean())
    _, member = np.unique(episode, return_inverse=True)
    parts: Array = np.bincount(member, weights=products)
    return parts
