"""Figure of the crops' embeddings in two dimensions."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from irislib.report.inputs import Inputs
from irislib.report.style import GREY, PALE, PALETTE, Illustration, new_figure, nothing_to_show
from irislib.seeding import stream, stream_seed

# Beyond this many points the cloud only gets darker, and t-SNE slower.
MAX_POINTS = 1000
# With fewer there is no neighbourhood to preserve.
MIN_POINTS = 5
RANDOM = -1
SHAPES = ("o", "s", "^", "D", "v", "P", "<", "X")  # one a colour


def tsne(inputs: Inputs, perplexity: float, seed: int) -> Illustration:
    """t-SNE of the embeddings of distinct crops, coloured by code; random crops beside them.

    Crops that share their pixels share a point for each code they belong to. Where there are more distinct
    embeddings than `MAX_POINTS`, those of the coloured codes are kept and the rest is drawn at random.

    Args:
        inputs: of the report.
        perplexity: effective number of neighbours, at most a third of the points.
        seed: of the pipeline.
    """
    row, is_random = inputs.embeddings.read("crop_embedding"), inputs.crops.read("crop_random")
    code = np.where(is_random, RANDOM, inputs.crops.read("crop_code"))
    distinct = np.unique(row)
    codes, counts = np.unique(code[~is_random], return_counts=True)
    # Many codes have as many crops as the crop stage allows: among those, the most used.
    uses = inputs.codes["uses"].reindex(codes).to_numpy()
    top = codes[np.lexsort((-uses, -counts))][: len(PALETTE)]
    drawn = _sample(distinct, np.unique(row[np.isin(code, top)]), seed)
    caption = inputs.say(
        "The ResNet50 features of {drawn} of {distinct:distinct crop}, random ones included, by t-SNE; in "
        "colour, each with a shape of its own, the {top:code} with most crops, which would gather if each "
        "showed one thing.",
        drawn=len(drawn),
        distinct=len(distinct),
        top=len(top),
    )
    heading, title = "Crops in feature space", "A code that shows one thing would form one cluster"
    at = _project(inputs.embeddings.read("embedding", drawn), perplexity, seed)
    if at is None:
        return nothing_to_show("tsne", heading, title, "There are too few different crops to lay out.")
    points = np.unique(np.stack([row, code], axis=1), axis=0)
    points = points[np.isin(points[:, 0], drawn)]
    at, owner = at[np.searchsorted(drawn, points[:, 0])], points[:, 1]
    figure = new_figure(8, 5.4, title)
    axes = figure.subplots()
    _scatter(axes, at[owner == RANDOM], "random crops", s=16, marker="x", lw=0.8, color=PALE)
    _scatter(axes, at[~np.isin(owner, [RANDOM, *top])], "other codes", s=9, lw=0, color=GREY, alpha=0.5)
    for colour, shape, one in zip(PALETTE, SHAPES, top, strict=False):
        name = inputs.name_of(int(one))
        _scatter(axes, at[owner == one], name, s=36, marker=shape, lw=0.4, edgecolor="white", color=colour)
    axes.set(xlabel="t-SNE 1 (no unit)", ylabel="t-SNE 2 (no unit)", xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="datalim")
    figure.legend(loc="outside right center", title="code (label)", alignment="left")
    return Illustration("tsne", heading, caption, figure)


def _sample(distinct: np.ndarray, kept: np.ndarray, seed: int) -> np.ndarray:
    """At most `MAX_POINTS` of the embeddings, ascending; those in `kept` always, if there is room."""
    if len(distinct) <= MAX_POINTS:
        return distinct
    rng = stream(seed, "tsne", "sample")
    others = rng.permutation(np.setdiff1d(distinct, kept))
    return np.sort(np.concatenate([kept, others])[:MAX_POINTS])


def _scatter(axes: Axes, at: np.ndarray, label: str, **look: Any) -> None:
    if len(at):
        axes.scatter(at[:, 0], at[:, 1], label=label, **look)


def _project(embedding: np.ndarray, perplexity: float, seed: int) -> np.ndarray | None:
    """Positions float [N,2] for features [N,F], None where they are too few or all the same."""
    features = embedding.astype(np.float64)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    if len(features) < MIN_POINTS or float(np.ptp(features, axis=0).max()) < 1e-6:
        return None
    # The unit vectors' Euclidean distance ranks like the cosine similarity that consistency is measured in.
    method = TSNE(
        perplexity=min(perplexity, (len(features) - 1) / 3),
        init="pca",
        random_state=stream_seed(seed, "tsne"),
    )
    # Sums over threads depend on how many there are.
    with threadpool_limits(1):
        return np.asarray(method.fit_transform(features))
