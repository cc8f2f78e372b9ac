"""Which quantity of the world does a code tell (protocol step 9)?"""

import numpy as np
import pandas as pd
from jaxtyping import Bool
from scipy import sparse

from irislib.interpret.confirmation.excess import NULLS
from irislib.interpret.confirmation.halves import Confirmed, confirm
from irislib.interpret.confirmation.presence_sums import presence_sums
from irislib.interpret.labels.truth import Truth
from irislib.interpret.visible import Visible

SIGNS = (1.0, -1.0)  # more of the quantity, or less


def find_items(
    truth: Truth,
    visible: Visible,
    presence: sparse.csr_array,
    halves: Bool[np.ndarray, "divisions episodes"],
    alpha: float,
) -> tuple[pd.DataFrame, Confirmed, float]:
    """Codes in whose presence there is more, or less, of a quantity than in other episodes at the same step.

    Amounts grow with time, and so does the chance of many codes: an amount of another episode at the same
    step is the comparison. Hypotheses are a code, a quantity and a sign; at most one of a code is selected.

    Args:
        truth: amounts of each quantity.
        visible: which observations show the world, and what stands in for them.
        presence: [T,K] of 0 and 1.
        halves: divisions of the episodes.
        alpha: false discovery rate.

    Returns:
        K rows by code, what was found, and how many are found by chance, if exchanged amounts are taken for
        the observed ones (mean over `NULLS` exchanges). Columns: item (the quantity; missing where none is
        told), item_mean and item_expected (mean amounts, while the code is present and at the same step of
        other episodes), item_confirmed (share of the divisions).
    """
    codes, kinds = presence.shape[1], len(truth.quantities)
    sums = presence_sums(visible, presence, truth.quantity, "items")
    group = np.tile(np.repeat(np.arange(codes), kinds), len(SIGNS))

    def test(round_: int | None) -> Confirmed:
        signed = [sums.excess(sign) if round_ is None else sums.null(round_, sign) for sign in SIGNS]
        return confirm(
            lambda episodes: np.concatenate([one.p_values(episodes) for one in signed], axis=1),
            halves,
            alpha,
            group,
        )

    found = test(None)
    null = float(np.mean([test(round_).confirmed.mean() for round_ in range(NULLS)]))
    told = np.flatnonzero(found.holds)
    code, kind = np.divmod(told % (codes * kinds), max(kinds, 1))
    present = np.bincount(sparse.csr_array(presence)[visible.observation].nonzero()[1], minlength=codes)
    column = told % (codes * kinds)
    table = pd.DataFrame(
        {
            "item": np.array(truth.quantities, dtype=object)[kind],
            "item_mean": np.nansum(sums.observed[:, column], axis=0, dtype=np.float64) / present[code],
            "item_expected": sums.expected()[:, column].sum(axis=0) / present[code],
            "item_confirmed": found.share[told],
        },
        index=pd.Index(code, name="code"),
    )
    return table.reindex(pd.RangeIndex(codes, name="code")), found, null
