"""Grad-CAM of single codes through the decoder (protocol steps 1 to 3)."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Literal

import torch
from torch import Tensor, nn

from irislib.errors import ParamError
from irislib.tokenizers.iris import Tokenizer
from irislib.tokenizers.nets import frames_to_input

CODE_INPUT = "code_input"

Score = Literal["mean", "norm", "neg_error"]


def mask_codes(codebook: Tensor, code: Tensor, positions: Tensor) -> Tensor:
    """Latents that hold one code at its positions and zero elsewhere (protocol step 1).

    Args:
        codebook: float [K,C].
        code: int64 [N].
        positions: bool [N,h,w], where each code stands.

    Returns:
        float [N,C,h,w].
    """
    return codebook[code][:, :, None, None] * positions[:, None]


def score_images(score: Score, images: Tensor, frames: Tensor | None = None) -> Tensor:
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


def score_pixels(score: Score, images: Tensor, frames: Tensor | None = None) -> Tensor:
    """What each pixel contributes to `score_images`, float [N,H,W]; the sum over the pixels is the score."""
    if score == "mean":
        return images.mean(1) / images[0, 0].numel()
    if score == "norm":
        return images.square().sum(1)
    assert frames is not None
    return -(images - frames_to_input(frames)).square().mean(1) / images[0, 0].numel()


def decode_keeping(
    tokenizer: Tokenizer, latents: Tensor, layers: Sequence[str]
) -> tuple[Tensor, list[Tensor]]:
    """Decodes, ready for gradients, and keeps what layers on the way put out.

    Args:
        tokenizer: in eval mode; samples must not influence one another.
        latents: float [N,C,h,w], what is decoded.
        layers: each `code_input` for the latents themselves, or the name of a submodule on the decoding
            path. One that only holds others (`decoder.up.4`) stands for the last of them to run.

    Returns:
        Decoded images float [N,3,H,W], and the activations float [N,C',h',w'] of each layer.
    """
    latents = latents.detach().requires_grad_()
    kept = dict.fromkeys(layers, latents)
    with ExitStack() as hooks:
        for layer in layers:

            def keep(
                _module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor, layer: str = layer
            ) -> None:
                kept[layer] = output

            # A module's hook runs after those of the modules inside it, so the last output kept is its own.
            for module in [] if layer == CODE_INPUT else tokenizer.get_submodule(layer).modules():
                hooks.enter_context(module.register_forward_hook(keep))
        images = tokenizer.decode(latents)
    return images, [kept[layer] for layer in layers]


def gradients(scores: Tensor, activations: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Of scores float [N] by activations [N,...] that they come from; may be taken again of other scores."""
    # Samples are independent: the gradient of the sum holds each sample's own.
    return torch.autograd.grad(scores.sum(), activations, retain_graph=True)


def gradcam(activations: Tensor, gradient: Tensor) -> Tensor:
    """Grad-CAM before the ReLU (protocol step 3): a layer's channels, weighted by mean gradients and summed.

    At the code input this is one constant, sum_c alpha_c E[k]_c, at the positions of a masked code and zero
    elsewhere: there a map is empty just where that number is not positive.

    Args:
        activations: float [N,C',h',w'].
        gradient: of the score by them, of the same shape.

    Returns:
        float [N,h',w'].
    """
    alpha = gradient.mean((2, 3), keepdim=True)
    return (alpha * activations).sum(1).detach()


def decoding_layers(tokenizer: Tokenizer) -> list[str]:
    """Layers that stand for the decoding path, in its order: the code input, convolutions, blocks."""
    levels = reversed(range(len(tokenizer.decoder.up)))
    return [
        CODE_INPUT,
        "post_quant_conv",
        "decoder.conv_in",
        "decoder.mid",
        *(f"decoder.up.{n}" for n in levels),
    ]


def check_layer(tokenizer: Tokenizer, layer: str, latents: Tensor) -> None:
    """Refuses a layer that decoding does not run through or whose output is not a feature map.

    Args:
        tokenizer: whose decoder it is.
        layer: see `decode_keeping`.
        latents: float [1,C,h,w], decoded once to see what runs.

    Raises:
        ParamError: with names of layers to use instead.
    """
    names = _layers(tokenizer, latents)
    if layer not in names:
        some = ", ".join(name for name in names if name.count(".") < 3)
        raise ParamError(f"gradcam.layer: decoding does not pass through {layer!r}; use one of {some}")


@torch.no_grad()
def _layers(tokenizer: Tokenizer, latents: Tensor) -> list[str]:
    ran: set[str] = set()
    with ExitStack() as hooks:
        for name, module in tokenizer.named_modules():

            def note(
                _module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor, name: str = name
            ) -> None:
                if output.ndim == 4:
                    ran.add(name)

            hooks.enter_context(module.register_forward_hook(note))
        tokenizer.decode(latents)
    held = (name for name, _ in tokenizer.named_modules() if any(f"{r}.".startswith(f"{name}.") for r in ran))
    return [CODE_INPUT, *held]
