"""Whether maps change when the decoder's weights are randomised (docs/protocol.md, step 13).

Sanity checks for saliency maps, Adebayo et al. 2018 (arXiv 1810.03292): a map that stays the same tells
nothing of what the decoder has learned.
"""

import copy
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy.stats import rankdata
from torch import nn

from irislib.interpret.attribution.occurrences import Occurrences
from irislib.interpret.tokens.maps.sampled_maps import change_maps, gradcam_maps
from irislib.interpret.tokens.token_agreement import nanmean
from irislib.seeding import stream
from irislib.tokenizers.context import AnyTokenizer, InPlay, after_black

MAPS = ("change", "gradcam")


def measure_sanity(
    in_play: InPlay, explained: Occurrences, layer: str, seed: int
) -> dict[str, dict[str, float]] | None:
    """Compares the maps of occurrences with those after the decoder was randomised, and of other codes.

    Args:
        in_play: the analysed tokenizer.
        explained: some hundred occurrences.
        layer: that Grad-CAM reads. At "code_input" a map is one number at the code's positions, so two
            maps of the same positions are alike unless one is empty.
        seed: of the permutations.

    Returns:
        For each of `MAPS`, means of `map_correlation`: `randomised`, between the maps before and after;
        `other_code`, between the maps of two codes at the same positions. None for a tokenizer whose decoding
        depends on no parameter. NaN where all maps are empty.
    """
    made = randomise_decoder(in_play.tokenizer, seed)
    if made is None:
        return None
    randomised = InPlay(made, in_play.past)
    rng = stream(seed, "sanity", "other code")
    several = len(np.unique(explained.code)) > 1
    other = [
        rng.choice(explained.code[explained.code != code]) if several else code for code in explained.code
    ]
    others = replace(explained, code=np.array(other, np.int32))
    kinds: dict[str, Callable[[InPlay, Occurrences], np.ndarray]] = {
        "change": change_maps,
        "gradcam": lambda one, occurrences: gradcam_maps(one, occurrences, layer),
    }
    found = {}
    for kind, maps in kinds.items():
        before = maps(in_play, explained)
        found[kind] = {
            "randomised": float(nanmean(map_correlation(before, maps(randomised, explained)))),
            "other_code": float(nanmean(map_correlation(before, maps(in_play, others)))),
        }
    return found


def randomise_decoder(tokenizer: AnyTokenizer, seed: int) -> AnyTokenizer | None:
    """A copy in which the values of each parameter that decoding depends on are permuted within their tensor.

    Codes and blank stay, and so do the distributions of the weights.

    Args:
        tokenizer: any; what it decodes with is found by a gradient.
        seed: of the permutations.

    Returns:
        None where decoding depends on no parameter, for example of k-means.
    """
    if not isinstance(tokenizer, nn.Module):
        return None
    made = copy.deepcopy(tokenizer).requires_grad_(True)
    named = dict(made.named_parameters())
    with torch.enable_grad():
        images = after_black(made, 1).decode(after_black(tokenizer, 1).blank(1).detach())
    used: tuple[torch.Tensor | None, ...] = (None,) * len(named)
    if images.requires_grad and named:
        used = torch.autograd.grad(images.sum(), list(named.values()), allow_unused=True)
    decoding = [name for name, gradient in zip(named, used, strict=True) if gradient is not None]
    made.requires_grad_(False)
    for name in decoding:
        values = named[name].data
        order = stream(seed, "sanity", name).permutation(values.numel())
        named[name].data = values.flatten()[torch.from_numpy(order).to(values.device)].view(values.shape)
    return made if decoding else None


def map_correlation(
    one: Float[np.ndarray, "n h w"], other: Float[np.ndarray, "n h w"]
) -> Float64[np.ndarray, " n"]:
    """Spearman's rank correlation of each map with its counterpart, over the positions.

    0 where one of both is the same everywhere, as an empty map is; NaN where both are.
    """
    ranks = [rankdata(maps.reshape(len(maps), -1), axis=1) for maps in (one, other)]
    a, b = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    lengths = np.stack([np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)])
    product = np.einsum("np,np->n", a, b)
    found = np.divide(product, lengths.prod(axis=0), out=np.zeros(len(a)), where=(lengths > 0).all(axis=0))
    return np.where((lengths > 0).any(axis=0), found, np.nan)
