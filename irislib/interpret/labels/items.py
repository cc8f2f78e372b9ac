"""Which quantity of the world does a code tell (protocol step 9)?"""

import numpy as np
import pandas as pd
from jaxtyping import Bool
from scipy import sparse

from irislib.interpret.confirmation.excess import NULLS
from irislib.interpret.confirmation.halves import Confirmed, confirm
from irislib.interpret.confirmation.presence_sums import presence_sums
from irislib.interpret.confirmation.studentised import Excess
from irislib.interpret.labels.truth import Truth
from irislib.interpret.observations.visible import Visible

SIGNS = 2  # more of the quantity, or less


def find_items(
    truth: Truth,
    visible: Visible,
    presence: sparse.csr_array,
    halves: Bool[np.ndarray, "divisions episodes"],
    alpha: float,
) -> tuple[pd.DataFrame, Confirmed, float]:
    """Codes in whose presence there is more, or less, of a quantity than otherwise in the same episode.

    Amounts change with time, and so does the chance of many codes. Therefore the same excess is computed with
    the amounts of other episodes at the same steps, and is the comparison. Hypotheses are a code, a quantity
    and a sign; at most one of a code is selected.

    Args:
        truth: amounts of each quantity.
        visible: which observations show the world, and what stands in for them.
        presence: [T,K] of 0 and 1.
        halves: divisions of the episodes.
        alpha: false discovery rate.

    Returns:
        K rows by code, what was found, and how many are found by chance, if exchanged amounts are taken for
        the observed ones (mean over `NULLS` exchanges). Columns: item (the quantity; missing where none is
        told), item_mean and item_expected (mean amounts, while the code is present, and had its presence told
        no more than time does), item_confirmed (share of the divisions).
    """
    codes, kinds = presence.shape[1], len(truth.quantities)
    sums = presence_sums(visible, presence, truth.quantity, "items")
    group = np.tile(np.repeat(np.arange(codes), kinds), SIGNS)

    def test(excess: Excess) -> Confirmed:
        return confirm(excess.both_p_values, halves, alpha, group)

    excess = sums.excess()
    found = test(excess)
    null = float(np.mean([test(sums.null(round_)).confirmed.mean() for round_ in range(NULLS)]))
    told = np.flatnonzero(found.holds)
    code, kind = np.divmod(told % (codes * kinds), max(kinds, 1))
    column = told % (codes * kinds)
    there = sparse.csc_array(sparse.csr_array(presence)[visible.observation])
    amounts = truth.quantity[visible.observation]
    mean = np.array([amounts[there[:, [k]].nonzero()[0], q].mean() for k, q in zip(code, kind, strict=True)])
    size = np.array([there[:, [k]].nnz for k in code])
    more = excess.value[:, column].sum(axis=0)
    table = pd.DataFrame(
        {
            "item": np.array(truth.quantities, dtype=object)[kind],
            "item_mean": mean,
            "item_expected": mean - more / np.maximum(size, 1),
            "item_confirmed": found.share[told],
        },
        index=pd.Index(code, name="code"),
    )
    return table.reindex(pd.RangeIndex(codes, name="code")), found, null
