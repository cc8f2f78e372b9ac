"""Figure: the features of the crops in two dimensions."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from irislib.report.inputs import Inputs
from irislib.report.pictures import is_own
from irislib.report.style import (
    GREY,
    PALE,
    PALETTE,
    PAPER,
    Illustration,
    mark,
    new_figure,
    nothing_to_show,
)
from irislib.report.wording import percent
from irislib.seeding import stream, stream_seed

MAX_POINTS = 1000  # more points make the figure darker and t-SNE slower, not clearer
MIN_POINTS = 5  # fewer points have no neighbourhoods to preserve
OTHER = -1
SHAPES = ("o", "s", "^", "D", "v", "P", "<", "X")  # one for each colour
HEADING = "Crops in feature space"


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
    features = inputs.embeddings.read("embedding", drawn).astype(np.float64)
    at = _project(features, inputs.config.tsne_perplexity, inputs.seed)
    if at is None:
        reason = "There are too few different crops for a t-SNE." if len(drawn) else "There are no crops."
        return nothing_to_show("tsne", HEADING, "There are no clusters to look for", reason)
    episode = inputs.rollouts.read("episode")[inputs.crops.read("crop_step")]
    shown = own & np.isin(row, drawn)
    found = neighbours(features[np.searchsorted(drawn, row[shown])], code[shown], episode[shown])
    caption = inputs.say(
        "A t-SNE puts crops with similar features near each other: here {drawn} of {distinct:distinct crop}, "
        "with their counterparts at random places and in other episodes. The {top:code} with most crops are "
        "coloured; if such a code had one meaning, its crops would gather in one place. The result above "
        "compares each crop that is drawn here with the most similar one from another episode; chance is any "
        "crop from another episode.",
        drawn=len(drawn),
        distinct=len(distinct),
        top=len(top),
    )
    points = np.unique(np.stack([row, code], axis=1), axis=0)
    points = points[np.isin(points[:, 0], drawn)]
    at, owner = at[np.searchsorted(drawn, points[:, 0])], points[:, 1]
    figure = new_figure(5.2, _title(*found))
    axes = figure.subplots()
    _scatter(axes, at, owner, owner == OTHER, "counterparts", s=9, marker="x", lw=0.6, color=PALE)
    # A crop of several codes is one point: of a coloured code, else of the first one.
    rest = ~np.isin(owner, [OTHER, *top]) & (np.diff(points[:, 0], prepend=-1) > 0)
    _scatter(axes, at, owner, rest, "other codes", s=6, lw=0, color=GREY, alpha=0.6)
    for colour, shape, one in zip(PALETTE, SHAPES, top, strict=False):
        look: dict[str, Any] = {"s": 20, "marker": shape, "lw": 0.4, "edgecolor": PAPER, "color": colour}
        _scatter(axes, at, owner, owner == one, inputs.name_of(int(one)), **look)
    axes.set(xlabel="t-SNE 1 (no unit)", ylabel="t-SNE 2 (no unit)", xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="datalim")
    legend = figure.legend(loc="outside lower center", ncols=3, handletextpad=0.1, columnspacing=0.8)
    for text, one in zip(legend.get_texts()[-len(top) :] if len(top) else [], top, strict=True):
        mark(text, "code", [one])
    names = {str(one): inputs.name_of(int(one)) for one in np.unique(owner) if one != OTHER}
    return Illustration("tsne", HEADING, caption, figure, names=names)


def neighbours(
    features: Float[np.ndarray, "n f"], code: Int[np.ndarray, " n"], episode: Int[np.ndarray, " n"]
) -> tuple[float, float]:
    """How often the most similar crop from another episode is of the same code, and how often any other is.

    Both NaN if all crops are from one episode.
    """
    unit = features / np.linalg.norm(features, axis=1, keepdims=True).clip(1e-12)
    similar = unit @ unit.T
    other = episode[:, None] != episode
    asked = other.any(axis=1)
    if not asked.any():
        return float("nan"), float("nan")
    nearest = np.where(other, similar, -np.inf).argmax(axis=1)
    same = (code[:, None] == code) & other
    chance = same.sum(axis=1)[asked] / other.sum(axis=1)[asked]
    return float((code[nearest] == code)[asked].mean()), float(chance.mean())


def _title(same: float, chance: float) -> str:
    if same != same:
        return "A code with one meaning would form one cluster"
    return (
        f"For {percent(same)} of the crops, the most similar crop of another episode has the same code (by "
        f"chance {percent(chance)})"
    )


def _sample(distinct: Int[np.ndarray, "n"], kept: Int[np.ndarray, "k"], seed: int) -> Int[np.ndarray, "m"]:
    """At most `MAX_POINTS` of the rows, ascending. Rows in `kept` come first."""
    if len(distinct) <= MAX_POINTS:
        return distinct
    rng = stream(seed, "tsne", "sample")
    others = rng.permutation(np.setdiff1d(distinct, kept))
    return np.sort(np.concatenate([kept, others])[:MAX_POINTS])


def _scatter(
    axes: Axes, at: np.ndarray, owner: np.ndarray, which: np.ndarray, label: str, **look: Any
) -> None:
    if len(which):
        dots = axes.scatter(at[which, 0], at[which, 1], label=label, **look)
        if (owner[which] != OTHER).all():
            mark(dots, "code", owner[which])


def _project(
    features: Float[np.ndarray, "n f"], perplexity: float, seed: int
) -> Float[np.ndarray, "n 2"] | None:
    """Positions of the features; None if there are too few, or if all are equal."""
    if len(features) < MIN_POINTS:
        return None
    features = features / np.linalg.norm(features, axis=1, keepdims=True)
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
