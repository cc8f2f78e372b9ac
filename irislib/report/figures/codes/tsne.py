"""Figure: the features of the crops in two dimensions."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int, Int8
from matplotlib.axes import Axes
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from irislib.report.inputs import Inputs
from irislib.report.pictures import is_own
from irislib.report.style import GREY, PALE, PALETTE, Illustration, new_figure, nothing_to_show
from irislib.seeding import stream, stream_seed

MAX_POINTS = 1000  # more points make the figure darker and t-SNE slower, not clearer
MIN_POINTS = 5  # fewer points have no neighbourhoods to preserve
OTHER = -1
SHAPES = ("o", "s", "^", "D", "v", "P", "<", "X")  # one for each colour
HEADING = "Crops in feature space"
TITLE = "A code with one meaning would form one cluster"


def tsne(inputs: Inputs) -> Illustration:
    """t-SNE of the features of distinct crops, coloured by code, with their counterparts.

    If there are more distinct crops than `MAX_POINTS`, the crops of the coloured codes are kept and the
    others are drawn at random.
    """
    row, own = inputs.embeddings.read("crop_embedding"), is_own(inputs)
    code = np.where(own, inputs.crops.read("crop_code"), OTHER)
    distinct = np.unique(row)
    codes, counts = np.unique(code[own], return_counts=True)
    # Many codes have the largest number of crops that the crop stage allows; the most used ones come first.
    uses = inputs.codes["uses"].reindex(codes).to_numpy()
    top = codes[np.lexsort((-uses, -counts))][: len(PALETTE)]
    drawn = _sample(distinct, np.unique(row[np.isin(code, top)]), inputs.seed)
    at = _project(inputs.embeddings.read("embedding", drawn), inputs.config.tsne_perplexity, inputs.seed)
    if at is None:
        reason = "There are too few different crops for a t-SNE." if len(drawn) else "There are no crops."
        return nothing_to_show("tsne", HEADING, TITLE, reason)
    caption = inputs.say(
        "A t-SNE of the ResNet50 features of {drawn} of {distinct:distinct crop}, counterparts at random "
        "places and in other episodes included. The {top:code} with most crops are coloured; if such a code "
        "had one meaning, its crops would gather in one place.",
        drawn=len(drawn),
        distinct=len(distinct),
        top=len(top),
    )
    points = np.unique(np.stack([row, code], axis=1), axis=0)
    points = points[np.isin(points[:, 0], drawn)]
    at, owner = at[np.searchsorted(drawn, points[:, 0])], points[:, 1]
    figure = new_figure(8, 5.4, TITLE)
    axes = figure.subplots()
    _scatter(axes, at[owner == OTHER], "counterparts", s=16, marker="x", lw=0.8, color=PALE)
    _scatter(axes, at[~np.isin(owner, [OTHER, *top])], "other codes", s=9, lw=0, color=GREY, alpha=0.5)
    for colour, shape, one in zip(PALETTE, SHAPES, top, strict=False):
        name = inputs.name_of(int(one))
        _scatter(axes, at[owner == one], name, s=36, marker=shape, lw=0.4, edgecolor="white", color=colour)
    axes.set(xlabel="t-SNE 1 (no unit)", ylabel="t-SNE 2 (no unit)", xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="datalim")
    figure.legend(loc="outside right center", title="code (label)", alignment="left")
    return Illustration("tsne", HEADING, caption, figure)


def _sample(distinct: Int[np.ndarray, "n"], kept: Int[np.ndarray, "k"], seed: int) -> Int[np.ndarray, "m"]:
    """At most `MAX_POINTS` of the rows, ascending. Rows in `kept` come first."""
    if len(distinct) <= MAX_POINTS:
        return distinct
    rng = stream(seed, "tsne", "sample")
    others = rng.permutation(np.setdiff1d(distinct, kept))
    return np.sort(np.concatenate([kept, others])[:MAX_POINTS])


def _scatter(axes: Axes, at: np.ndarray, label: str, **look: Any) -> None:
    if len(at):
        axes.scatter(at[:, 0], at[:, 1], label=label, **look)


def _project(
    embedding: Int8[np.ndarray, "n f"], perplexity: float, seed: int
) -> Float[np.ndarray, "n 2"] | None:
    """Positions of the features; None if there are too few, or if all are equal."""
    if len(embedding) < MIN_POINTS:
        return None
    features = embedding.astype(np.float64)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    if float(np.ptp(features, axis=0).max()) < 1e-6:
        return None
    # For unit vectors, a smaller Euclidean distance means a larger cosine similarity, as in protocol step 7.
    method = TSNE(
        perplexity=min(perplexity, (len(features) - 1) / 3),
        init="pca",
        random_state=stream_seed(seed, "tsne"),
    )
    # With several threads the rounding of sums would depend on their number.
    with threadpool_limits(1):
        return np.asarray(method.fit_transform(features))
