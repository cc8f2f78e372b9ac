"""Which quantity a code on the display shows, and what a code's presence tells of the quantities."""

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int, Shaped, UInt8
from scipy import sparse
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

from irislib.interpret.labels.label_mass import LabelMass
from irislib.interpret.labels.truth import Truth
from irislib.interpret.significance import correct, fewest_episodes, flip_test
from irislib.runtime import progress
from irislib.seeding import stream

UNDER = 0.1  # least share of the mass on quantities for a quantity to be a candidate
COLUMNS = [
    *("quantity", "quantity_share", "quantity_correlation", "quantity_information", "quantity_p_value"),
    *("told_quantity", "told_information"),
]


def read_quantities(
    truth: Truth,
    episode: Int[np.ndarray, " step"],
    labels: LabelMass,
    present: sparse.csr_array,
    codes: Int[np.ndarray, " display_code"],
    alpha: float,
    permutations: int,
    seed: int,
) -> pd.DataFrame:
    """One row a code on the display.

    Args:
        truth: how many there are of each quantity, and where that is drawn.
        episode: of each observation.
        labels: what lies under the maps.
        present: [steps, codes] of 0 and 1, where a code's map is not empty.
        codes: those on the display.
        alpha: false discovery rate; decides how few episodes are too few to test.
        permutations: random sign vectors.
        seed: of these.

    Returns:
        By code, the columns
        quantity: candidates are quantities that have at least a tenth of the maps' mass on rectangles of
            quantities of which there are any. Of the candidates, the one that explains most of the code's
            presence; undefined without candidates.
        quantity_share: its share of that mass.
        quantity_correlation: of the code's presence with its number, over observations.
        quantity_information: see `explained`.
        quantity_p_value: of the correlation, two-sided, by sign flips of whole episodes (see `flip_test`),
            times the number of candidates.
        quantity_q_value: after Benjamini and Hochberg over the codes.
        told_quantity, told_information: of all quantities, wherever they are drawn, the one that explains
            most, and how much; undefined in a world without quantities.
    """
    mass = labels.by_code(labels.quantity_mass)
    columns = sparse.csc_array(present)
    rows: list[dict[str, object]] = []
    tested: dict[int, tuple[np.ndarray, int]] = {}
    for code in progress(codes if truth.quantities else codes[:0], desc="quantities", unit="code"):
        lit = columns.indices[columns.indptr[code] : columns.indptr[code + 1]]
        told = np.array([explained(truth.quantity[:, i], lit) for i in range(len(truth.quantities))])
        most = int(np.nan_to_num(told, nan=-1).argmax())
        row = {"code": code, "told_quantity": truth.quantities[most], "told_information": told[most]}
        if mass[code].any():
            under = np.flatnonzero(mass[code] >= UNDER * mass[code].sum())
            chosen = int(under[np.nan_to_num(told[under], nan=-1).argmax()])
            row |= {
                "quantity": truth.quantities[chosen],
                "quantity_share": mass[code, chosen] / mass[code].sum(),
                "quantity_information": told[chosen],
            }
            parts = covariance(truth.quantity[:, chosen], lit, episode)
            if parts.any() and len(np.unique(episode[lit])) >= fewest_episodes(alpha):
                tested[int(code)] = (parts, len(under))
            spread = truth.quantity[:, chosen].std() * np.sqrt(len(lit) * (len(episode) - len(lit)))
            row["quantity_correlation"] = parts.sum() / spread if spread > 0 else float("nan")
        rows.append(row)
    table = pd.DataFrame(rows, columns=["code", *COLUMNS]).set_index("code")
    contributions = np.zeros((len(np.unique(episode)), 0))
    if tested:
        contributions = np.stack([parts for parts, _ in tested.values()], axis=1)
    p_values = flip_test(
        np.concatenate([contributions, -contributions], axis=1),
        permutations,
        stream(seed, "quantities"),
        "quantities",
    )
    # Two sides, and as many candidates to choose from.
    choices = 2 * np.array([candidates for _, candidates in tested.values()])
    table.loc[list(tested), "quantity_p_value"] = np.minimum(1, choices * p_values.reshape(2, -1).min(axis=0))
    table.insert(5, "quantity_q_value", correct(table["quantity_p_value"].to_numpy(float)))
    return table


def explained(amount: UInt8[np.ndarray, " step"], lit: Int[np.ndarray, " present"]) -> float:
    """The share of the entropy of a code's presence that a quantity's number explains.

    Args:
        amount: the number in each observation.
        lit: the observations with the code.

    Returns:
        Mutual information over that entropy, in [0, 1]; NaN where the code is always or never present.
    """
    if len(lit) in (0, len(amount)):
        return float("nan")
    total, there = np.bincount(amount), np.bincount(amount[lit])
    there = np.pad(there, (0, len(total) - len(there)))
    information = mutual_info_score(None, None, contingency=np.stack([there, total - there]))
    return float(information / entropy([len(lit), len(amount) - len(lit)]))


def covariance(
    amount: UInt8[np.ndarray, " step"], lit: Int[np.ndarray, " present"], episode: Shaped[np.ndarray, " step"]
) -> Float64[np.ndarray, " episode"]:
    """Each episode's part of the sum of products of deviations of a number and of a code's presence.

    Args:
        amount: the number in each observation.
        lit: the observations with the code.
        episode: of each observation; its parts are in ascending order of the episodes.
    """
    presence = np.zeros(len(amount))
    presence[lit] = 1
    products = (presence - presence.mean()) * (amount - amount.mean())
    _, member = np.unique(episode, return_inverse=True)
    parts: np.ndarray = np.bincount(member, weights=products)
    return parts
