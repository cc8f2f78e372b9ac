"""Grad-CAM of single codes through the decoder (docs/protocol.md, steps 1 to 3)."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor, nn

from irislib.errors import ParamError
from irislib.tokenizers.context import AnyTokenizer, after_black, module_of
from irislib.tokenizers.nets import frames_to_input
from irislib.tokenizers.protocol import CODE_INPUT, FrameTokenizer

Score = Literal["mean", "norm", "neg_error"]


def mask_codes(
    tokenizer: FrameTokenizer, code: Int64[Tensor, " n"], positions: Bool[Tensor, "n h w"]
) -> Float[Tensor, "n channels h w"]:
    """Latents that hold one code at its positions and are blank elsewhere (protocol step 1).

    Args:
        tokenizer: that embeds the code, and knows what blank is.
        code: int64 [N].
        positions: bool [N,h,w], where each code stands.

    Returns:
        float [N,C,h,w].
    """
    everywhere = tokenizer.embed(code[:, None, None].expand(positions.shape))
    return torch.where(positions[:, None], everywhere, tokenizer.blank(len(code))).contiguous()


def score_images(
    score: Score, images: Float[Tensor, "n 3 y x"], frames: UInt8[Tensor, "n y x 3"] | None = None
) -> Float[Tensor, " n"]:
    """One number an image (protocol step 2), float [N].

    Args:
        score: `mean` of the image, `norm` (its squared L2 norm) or `neg_error` (minus its mean squared
            error to the frame).
        images: decoded, float [N,3,H,W] in [-1,1].
        frames: what was observed, u8 [N,H,W,3]; for `neg_error` only.
    """
    if score == "mean":
        return images.mean((1, 2, 3))
    if score == "norm":
        return images.square().sum((1, 2, 3))
    assert frames is not None
    return -(images - frames_to_input(frames)).square().mean((1, 2, 3))


@dataclass(frozen=True)
class ImageScore:
    """A score of decoded images, with what it compares them with.

    Attributes:
        kind: see `score_images`.
        frames: what was observed, one frame for each image; for `neg_error` only.
    """

    kind: Score
    frames: UInt8[Tensor, "n y x 3"] | None = None

    def __call__(self, images: Float[Tensor, "n 3 y x"]) -> Float[Tensor, " n"]:
        """The score of each image."""
        return score_images(self.kind, images, self.frames)

    def take(self, rows: Int64[Tensor, " m"]) -> "ImageScore":
        """The score of these images alone."""
        return self if self.frames is None else ImageScore(self.kind, self.frames[rows])


def score_pixels(
    score: Score, images: Float[Tensor, "n 3 y x"], frames: UInt8[Tensor, "n y x 3"] | None = None
) -> Float[Tensor, "n y x"]:
    """What each pixel contributes to `score_images`, float [N,H,W]; the sum over the pixels is the score."""
    if score == "mean":
        return images.mean(1) / images[0, 0].numel()
    if score == "norm":
        return images.square().sum(1)
    assert frames is not None
    return -(images - frames_to_input(frames)).square().mean(1) / images[0, 0].numel()


def decode_keeping(
    tokenizer: FrameTokenizer, latents: Float[Tensor, "n channels h w"], layers: Sequence[str]
) -> tuple[Float[Tensor, "n 3 y x"], list[Tensor]]:
    """Decodes, ready for gradients, and keeps the outputs of layers on the decoding path.

    Args:
        tokenizer: in evaluation mode.
        latents: float [N,C,h,w], what is decoded.
        layers: each is `code_input` for the latents themselves, or the name of a submodule on the decoding
            path. A container (`decoder.up.4`) stands for the submodule in it that runs last.

    Returns:
        Decoded images float [N,3,H,W], and the activations float [N,C',h',w'] of each layer.
    """
    latents = latents.detach().requires_grad_()
    kept = dict.fromkeys(layers, latents)
    with ExitStack() as hooks:
        for layer in layers:

            def keep(_module: nn.Module, _inputs: Any, output: Tensor, layer: str = layer) -> None:
                kept[layer] = output

            # A module's hook runs after those of the modules inside it, so the last output kept is its own.
            for module in _modules_of(tokenizer, layer):
                hooks.enter_context(module.register_forward_hook(keep))
        images = tokenizer.decode(latents)
    return images, [kept[layer] for layer in layers]


def gradients(
    scores: Float[Tensor, " n"], activations: Sequence[Float[Tensor, "n ..."]]
) -> tuple[Tensor, ...]:
    """Gradients of scores float [N] by the activations [N,...] that they were computed from.

    May be called again with other scores of the same activations. An activation that a score does not depend
    on has the gradient zero.
    """
    # Samples are independent: the gradient of the sum holds each sample's own.
    return torch.autograd.grad(
        scores.sum(), activations, retain_graph=True, allow_unused=True, materialize_grads=True
    )


def gradcam(
    activations: Float[Tensor, "n channels h w"], gradient: Float[Tensor, "n channels h w"]
) -> Float[Tensor, "n h w"]:
    """Grad-CAM before the ReLU (protocol step 3): a layer's channels, weighted by mean gradients and summed.

    Where blank is zero, the map of a masked code at the code input is one number, sum_c alpha_c E[k]_c, at
    the code's positions, and zero elsewhere: it is empty exactly where that number is not positive.

    Args:
        activations: float [N,C',h',w'].
        gradient: of the score by them, of the same shape.

    Returns:
        float [N,h',w'].
    """
    alpha = gradient.mean((2, 3), keepdim=True)
    return (alpha * activations).sum(1).detach()


def check_layer(tokenizer: AnyTokenizer, layer: str) -> None:
    """Refuses a layer that decoding does not run through, or that does not put out a feature map.

    Args:
        tokenizer: it decodes blank latents once, to see what runs; after a black frame, if it needs one.
        layer: see `decode_keeping`.

    Raises:
        ParamError: the message names layers to use instead.
    """
    if not _puts_out_a_map(after_black(tokenizer, 1), layer):
        some = ", ".join(tokenizer.layers())
        raise ParamError(f"gradcam.layer: decoding does not pass through {layer!r}; use one of {some}")


@torch.no_grad()
def _puts_out_a_map(tokenizer: FrameTokenizer, layer: str) -> bool:
    outputs: list[Any] = [tokenizer.blank(1)] if layer == CODE_INPUT else []
    with ExitStack() as hooks:
        for module in _modules_of(tokenizer, layer):
            hooks.enter_context(module.register_forward_hook(lambda _m, _i, output: outputs.append(output)))
        tokenizer.decode(tokenizer.blank(1))
    return bool(outputs) and isinstance(outputs[-1], Tensor) and outputs[-1].ndim == 4


def _modules_of(tokenizer: FrameTokenizer, layer: str) -> list[nn.Module]:
    """A submodule and those inside it; none for the code input and for what is not there."""
    module = module_of(tokenizer)
    if module is None or layer in ("", CODE_INPUT):
        return []
    try:
        return list(module.get_submodule(layer).modules())
    except AttributeError:
        return []
