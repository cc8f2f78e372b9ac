"""Groups of similar rows: the same groups on any number of threads."""

import warnings

import numpy as np
from jaxtyping import Float64, Int64, Shaped
from sklearn.cluster import MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

BATCH = 4096  # rows a step
STARTS = 3  # the best of three first draws


def k_means(rows: Float64[np.ndarray, "n numbers"], groups: int, seed: int) -> Int64[np.ndarray, " n"]:
    """The group of each row, int64 [N], from mini-batch k-means (Sculley 2010).

    Args:
        rows: float64 [N,F].
        groups: K, how many. Some have no member where fewer rows differ.
        seed: of the first draws and the batches.
    """
    found = MiniBatchKMeans(groups, batch_size=BATCH, n_init=STARTS, random_state=seed)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it tells that fewer rows differ
        found.fit(np.resize(rows, (max(len(rows), groups), rows.shape[1])))
    labels: np.ndarray = found.labels_[: len(rows)].astype(np.int64)
    return labels


def group_means(
    rows: Shaped[np.ndarray, "n numbers"], group: Int64[np.ndarray, " n"], groups: int
) -> Float64[np.ndarray, "groups numbers"]:
    """The mean row of each group, float64 [K,F]; a group without members repeats the mean of another one.

    Args:
        rows: whole numbers or float64 [N,F].
        group: of each row, int64 [N] in [0, K).
        groups: K.
    """
    order = np.argsort(group, kind="stable")
    members, first = np.unique(group[order], return_index=True)
    counts = np.diff(first, append=len(rows))
    total = np.add.reduceat(rows[order], first, axis=0, dtype=np.result_type(rows, np.int64))
    means = np.empty((groups, rows.shape[1]))
    means[:] = total[0] / counts[0]
    means[members] = total / counts[:, None]
    return means
