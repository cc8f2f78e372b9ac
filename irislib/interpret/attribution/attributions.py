"""How much each position of the latents adds to a score: Grad-CAM's question, and five ways to answer it.

What is explained is score(decode(latents)), for latents that hold one code at its positions and zero
elsewhere (protocol step 1) or a whole observation's. Nothing, the reference of all but Grad-CAM and
HiResCAM, is zero latents: every code masked. A map is the sum over the channels, so that one value a
position is left.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from irislib.artifacts import Store
from irislib.interpret.attribution.gradcam import decode_keeping, gradcam, gradients
from irislib.seeding import stream
from irislib.tokenizers.iris import Tokenizer

Method = Literal["gradcam", "hirescam", "integrated_gradients", "gradient_shap", "occlusion"]

# Only these read a layer; the others are defined at the input alone.
LAYERED: tuple[Method, ...] = ("gradcam", "hirescam")

LatentScore = Callable[[Tensor], Tensor]  # latents float [N,C,h,w] to float [N]


def explain(
    method: Method,
    tokenizer: Tokenizer,
    latents: Tensor,
    where: Tensor,
    score: Callable[[Tensor], Tensor],
    layer: str,
    background: Tensor,
) -> Tensor:
    """Maps before the ReLU, float [N,h',w'] at the layer's resolution.

    Args:
        method: `gradcam` (Selvaraju et al. 2017, arXiv 1610.02391), `hirescam` (see `hirescam`),
            `integrated_gradients` (Sundararajan et al. 2017, arXiv 1703.01365: `path_gradients` from zero),
            `gradient_shap` (Lundberg and Lee 2017, arXiv 1705.07874, as the expected gradients of Erion et
            al. 2019, arXiv 1906.10670: `path_gradients` from what else stood there) or `occlusion`.
        tokenizer: in eval mode; samples must not influence one another.
        latents: float [N,C,h,w], zero but for `where`.
        where: bool [N,h,w], the positions that are explained.
        score: decoded images float [N,3,H,W] to float [N].
        layer: of `gradcam` and `hirescam`; see `gradcam.decode_keeping`.
        background: float [S,C,h,w], from `draw_background`; S points of a path are looked at.
    """

    def objective(latents: Tensor) -> Tensor:
        return score(tokenizer.decode(latents))

    if method in LAYERED:
        images, (activations,) = decode_keeping(tokenizer, latents, [layer])
        (gradient,) = gradients(score(images), [activations])
        return gradcam(activations, gradient) if method == "gradcam" else hirescam(activations, gradient)
    if method == "occlusion":
        return occlusion(objective, latents, where)
    start = background if method == "gradient_shap" else torch.zeros_like(background)
    return path_gradients(objective, latents, where, start)


def hirescam(activations: Tensor, gradient: Tensor) -> Tensor:
    """HiResCAM before the ReLU (Draelos and Carin 2020, arXiv 2011.08891), float [N,h',w'].

    Grad-CAM without its mean: each channel is weighted by the gradient at the very position. The mean also
    counts the gradients at positions where the code does not stand.

    Args:
        activations: float [N,C',h',w'].
        gradient: of the score by them, of the same shape.
    """
    return (gradient * activations).sum(1).detach()


def path_gradients(objective: LatentScore, latents: Tensor, where: Tensor, start: Tensor) -> Tensor:
    """The gradient along straight lines to the latents, times their length; float [N,h,w].

    Each of S lines is looked at in one point, and the points are the nodes of a Gauss-Legendre quadrature.
    From one start this is integrated gradients, whose sum over the positions is (up to the quadrature) the
    score's difference between both ends; from several it is their mean's estimate.

    Args:
        objective: latents to scores.
        latents: float [N,C,h,w], zero but for `where`.
        where: bool [N,h,w].
        start: float [S,C,h,w], where the lines begin; only the positions of `where` are used.
    """
    nodes, weights = np.polynomial.legendre.leggauss(len(start))
    total = torch.zeros_like(latents[:, 0])
    for node, weight, grid in zip((1 + nodes) / 2, weights / 2, start, strict=True):
        begin = grid * where[:, None]
        point = torch.lerp(begin, latents, float(node)).requires_grad_()
        (gradient,) = gradients(objective(point), [point])
        total += weight * (gradient * (latents - begin)).sum(1)
    return total


@torch.no_grad()
def occlusion(objective: LatentScore, latents: Tensor, where: Tensor) -> Tensor:
    """What the score loses when one position is set to zero (Zeiler and Fergus 2013, arXiv 1311.2901).

    Args:
        objective: latents to scores.
        latents: float [N,C,h,w].
        where: bool [N,h,w], the positions to try, one at a time.

    Returns:
        float [N,h,w], zero where `where` is false.
    """
    nth = where.flatten(1).cumsum(1).view(where.shape) * where  # 1 for a sample's first position, ...
    whole, lost = objective(latents), torch.zeros_like(latents[:, 0])
    for n in range(1, int(nth.max()) + 1):
        gone = nth == n
        lost += gone * (whole - objective(latents * ~gone[:, None]))[:, None, None]
    return lost


def draw_background(rollouts: Store, tokenizer: Tokenizer, samples: int, seed: int) -> Tensor:
    """Latents of recorded observations, drawn evenly at random: what may stand where a code stands.

    The same for every pair, so that a map depends on nothing but what it explains.

    Returns:
        float [samples,C,h,w].
    """
    steps = stream(seed, "background").integers(0, len(rollouts), samples)
    tokens = torch.from_numpy(rollouts.read("token", steps).astype(np.int64))
    return tokenizer.embed(tokens.to(tokenizer.codebook.device)).detach()
