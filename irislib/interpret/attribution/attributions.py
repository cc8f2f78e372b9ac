"""How much each position of the latents adds to a score: five attribution methods.

What is explained is score(decode(latents)). The latents hold one code at its positions and are blank
elsewhere (docs/protocol.md, step 1), or they are those of a whole observation. All methods but Grad-CAM and
HiResCAM compare with a reference, which is blank latents (every code masked) or other observations. A map has
one value a position: the sum over the channels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from irislib.artifacts import Store
from irislib.interpret.attribution.gradcam import ImageScore, decode_keeping, gradcam, gradients
from irislib.seeding import stream
from irislib.tokenizers.context import AnyTokenizer, of_rows
from irislib.tokenizers.protocol import FrameTokenizer

Method = Literal["gradcam", "hirescam", "integrated_gradients", "gradient_shap", "occlusion"]

# Only these read a layer; the others are defined at the input alone.
LAYERED: tuple[Method, ...] = ("gradcam", "hirescam")

LatentScore = Callable[[Tensor], Tensor]  # latents float [N,C,h,w] to float [N]

COMPLETENESS = 0.01  # by how much, relatively, a map of integrated gradients may miss the score's difference
DOUBLINGS = 4  # of the points on its path, at most, to get there


@dataclass(frozen=True)
class Objective:
    """What is explained of N samples: the score of the images that their latents are decoded to."""

    tokenizer: FrameTokenizer
    score: ImageScore

    def __call__(self, latents: Float[Tensor, "n channels h w"]) -> Float[Tensor, " n"]:
        """The score of each sample."""
        return self.score(self.tokenizer.decode(latents))

    def take(self, rows: Int64[Tensor, " m"]) -> "Objective":
        """The same of these samples alone."""
        return Objective(of_rows(self.tokenizer, rows), self.score.take(rows))


def explain(
    method: Method,
    tokenizer: FrameTokenizer,
    latents: Float[Tensor, "n channels h w"],
    where: Bool[Tensor, "n h w"],
    score: ImageScore,
    layer: str,
    background: Float[Tensor, "samples channels h w"],
) -> Float[Tensor, "n h2 w2"]:
    """Maps before the ReLU, float [N,h',w'] at the layer's resolution.

    Args:
        method: `gradcam` (Selvaraju et al. 2017, arXiv 1610.02391), `hirescam` (see `hirescam`),
            `integrated_gradients` (Sundararajan et al. 2017, arXiv 1703.01365), `gradient_shap` (Lundberg and
            Lee 2017, arXiv 1705.07874, as the expected gradients of Erion et al. 2019, arXiv 1906.10670:
            `path_gradients` from what stood there in other observations) or `occlusion`.
        tokenizer: in evaluation mode.
        latents: float [N,C,h,w], blank where `where` is false.
        where: bool [N,h,w], the positions that are explained.
        score: of decoded images.
        layer: of `gradcam` and `hirescam`; see `gradcam.decode_keeping`.
        background: float [S,C,h,w], from `draw_background`; a path has S points, see also
            `integrated_gradients`.
    """
    objective = Objective(tokenizer, score)
    if method in LAYERED:
        images, (activations,) = decode_keeping(tokenizer, latents, [layer])
        (gradient,) = gradients(score(images), [activations])
        return gradcam(activations, gradient) if method == "gradcam" else hirescam(activations, gradient)
    if method == "occlusion":
        return occlusion(objective, latents, where, tokenizer.blank(len(latents)))
    if method == "gradient_shap":
        return path_gradients(objective, latents, where, background)
    return integrated_gradients(objective, latents, where, tokenizer.blank(len(latents)), len(background))


def hirescam(
    activations: Float[Tensor, "n channels h w"], gradient: Float[Tensor, "n channels h w"]
) -> Float[Tensor, "n h w"]:
    """HiResCAM before the ReLU (Draelos and Carin 2020, arXiv 2011.08891), float [N,h',w'].

    It differs from Grad-CAM in the weights: each channel at each position is weighted by its own gradient,
    not by the mean gradient over all positions, which includes those where the code does not stand.

    Args:
        activations: float [N,C',h',w'].
        gradient: of the score by them, of the same shape.
    """
    return (gradient * activations).sum(1).detach()


def integrated_gradients(
    objective: Objective,
    latents: Float[Tensor, "n channels h w"],
    where: Bool[Tensor, "n h w"],
    blank: Float[Tensor, "m channels h w"],
    samples: int,
) -> Float[Tensor, "n h w"]:
    """`path_gradients` from blank, with enough points: float [N,h,w].

    Completeness asks that a map's sum is the score's difference between both ends of the path. A map that
    misses it by more than `COMPLETENESS` is computed again with twice as many points, up to `DOUBLINGS`
    times. Each map is judged alone, whatever else is in the batch.

    Args:
        objective: latents to scores.
        latents: float [N,C,h,w].
        where: bool [N,h,w], the positions that are explained.
        blank: float [N,C,h,w], or [1,C,h,w] for all.
        samples: points on the path at first.
    """
    blank = blank.expand_as(latents)
    with torch.no_grad():
        ends = objective(latents), objective(torch.where(where[:, None], blank, latents))
    difference = ends[0] - ends[1]
    rounding = 1e-6 * (ends[0].abs() + ends[1].abs())
    found = path_gradients(objective, latents, where, blank.expand(samples, *blank.shape))
    for doubling in range(1, DOUBLINGS + 1):
        missed = (found.sum((1, 2)) - difference).abs() > COMPLETENESS * difference.abs() + rounding
        rows = missed.nonzero()[:, 0]
        if len(rows) == 0:
            break
        points = blank[rows].expand(samples * 2**doubling, *blank[rows].shape)
        found[rows] = path_gradients(objective.take(rows), latents[rows], where[rows], points)
    return found


def path_gradients(
    objective: LatentScore,
    latents: Float[Tensor, "n channels h w"],
    where: Bool[Tensor, "n h w"],
    start: Float[Tensor, "samples *n channels h w"],
) -> Float[Tensor, "n h w"]:
    """The gradient along straight lines to the latents, times their length; float [N,h,w].

    One gradient is taken on each of S lines, at the S nodes of a Gauss-Legendre quadrature. If all lines have
    the same start, this is integrated gradients: the sum over the positions is the score's difference between
    both ends, up to the quadrature's error. If the starts differ, it estimates the mean over them.

    Args:
        objective: latents to scores.
        latents: float [N,C,h,w].
        where: bool [N,h,w], the positions that are explained; the others keep their latents along the line.
        start: float [S,C,h,w], where the lines begin; or [S,N,C,h,w], different for each of the N.
    """
    nodes, weights = np.polynomial.legendre.leggauss(len(start))
    total = torch.zeros_like(latents[:, 0])
    for node, weight, grid in zip((1 + nodes) / 2, weights / 2, start, strict=True):
        begin = torch.where(where[:, None], grid, latents)
        point = torch.lerp(begin, latents, float(node)).requires_grad_()
        (gradient,) = gradients(objective(point), [point])
        total += weight * (gradient * (latents - begin)).sum(1)
    return total


@torch.no_grad()
def occlusion(
    objective: LatentScore,
    latents: Float[Tensor, "n channels h w"],
    where: Bool[Tensor, "n h w"],
    blank: Float[Tensor, "m channels h w"],
) -> Float[Tensor, "n h w"]:
    """What the score loses when one position is made blank (Zeiler and Fergus 2013, arXiv 1311.2901).

    Args:
        objective: latents to scores.
        latents: float [N,C,h,w].
        where: bool [N,h,w], the positions to try, one at a time.
        blank: float [N,C,h,w], or [1,C,h,w] for all.

    Returns:
        float [N,h,w], zero where `where` is false.
    """
    # 1 for a sample's first position, 2 for its second, ...; 0 where there is nothing to try
    nth = where.flatten(1).cumsum(1).view(where.shape) * where
    whole, lost = objective(latents), torch.zeros_like(latents[:, 0])
    for n in range(1, int(nth.max()) + 1):
        gone = nth == n
        without = torch.where(gone[:, None], blank, latents)
        lost += gone * (whole - objective(without))[:, None, None]
    return lost


def draw_background(
    rollouts: Store, tokenizer: AnyTokenizer, samples: int, seed: int
) -> Float[Tensor, "samples channels h w"]:
    """Latents of observations, drawn evenly at random from recorded play: what may stand at a code's place.

    All occurrences are compared with the same ones, so that a map depends on nothing but what it explains.

    Returns:
        float [samples,C,h,w].
    """
    steps = stream(seed, "background").integers(0, len(rollouts), samples)
    tokens = torch.from_numpy(rollouts.read("token", steps).astype(np.int64))
    return tokenizer.embed(tokens.to(tokenizer.codebook.device)).detach()
