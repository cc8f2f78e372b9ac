"""Whether an object keeps the promises of `FrameTokenizer`, tried on a probe frame before any work begins."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from irislib.errors import ArtifactError
from irislib.tokenizers.context import AnyTokenizer, after_black
from irislib.tokenizers.protocol import CODE_INPUT, MEMBERS
from irislib.tokenizers.quantizers.config import MOST_CODES


def check_tokenizer(candidate: Any, source: str) -> AnyTokenizer:
    """The candidate itself, once it is known to be a tokenizer that can be analysed.

    Args:
        candidate: what a factory returned.
        source: its name, which leads every complaint.

    Raises:
        ArtifactError: a member is missing, or what it returns for a probe frame has a wrong shape or type,
            is not finite, has no gradient, or differs when asked again.
    """
    lacking = [name for name in MEMBERS if not hasattr(candidate, name)]
    if lacking:
        raise ArtifactError(f"{source}: returns a {type(candidate).__name__} without {lacking[0]}; add it")
    try:
        _probe(candidate, source)
    except ArtifactError:
        raise
    except Exception as error:  # whatever the user's code raises
        raise ArtifactError(f"{source}: fails on a probe frame ({located(error)}); mend it") from None
    tokenizer: AnyTokenizer = candidate
    return tokenizer


def check_frame(tokenizer: AnyTokenizer, source: str, frame: tuple[int, ...]) -> None:
    """Raises ArtifactError where the tokenizer decodes to images of another size than frame, (H, W)."""
    shape = tuple(getattr(tokenizer, "frame", frame) if tokenizer.context_length else frame)
    if shape == tuple(frame):
        with torch.no_grad():
            after = after_black(tokenizer, 1)
            shape = tuple(after.decode(after.blank(1)).shape[2:])
    if shape != tuple(frame):
        raise ArtifactError(
            f"{source}: decodes to {shape[0]} x {shape[1]} pixels, but the recorded frames have "
            f"{frame[0]} x {frame[1]}; use a tokenizer for these"
        )


def no_gradients(made: Any, device: torch.device) -> Any:
    """A module in evaluation mode on a device, without gradients; any other object as it is."""
    return made.to(device).eval().requires_grad_(False) if isinstance(made, nn.Module) else made


def located(error: Exception) -> str:
    """An exception of somebody's code in one line: its type, its message, and the file and line."""
    text = " ".join(str(error).split())
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {text}{place}" if text else f"{type(error).__name__}{place}"


def _probe(candidate: AnyTokenizer, source: str) -> None:
    def refuse(unless: bool, reason: str) -> None:
        if not unless:
            raise ArtifactError(f"{source}: {reason}")

    codebook, grid, length = candidate.codebook, candidate.grid, candidate.context_length
    refuse(isinstance(codebook, Tensor) and codebook.ndim == 2, "codebook must be a tensor [K,C]")
    codes, channels = codebook.shape
    refuse(
        2 <= codes <= MOST_CODES, f"its codebook has {codes} codes; 2 to {MOST_CODES} fit the tokens' int16"
    )
    refuse(
        isinstance(grid, tuple) and len(grid) == 2 and all(isinstance(n, int) and n > 0 for n in grid),
        f"grid must be two whole numbers (h, w), not {grid!r}",
    )
    refuse(isinstance(candidate.local, bool), "local must be True or False")
    refuse(
        isinstance(length, int) and length >= 0,
        f"context_length must be a number of earlier frames, not {length!r}",
    )
    refuse(not (length and candidate.local), "local must be False where context_length is not 0")
    refuse(
        not length or hasattr(candidate, "frame"),
        "needs earlier frames, but has no frame, their (height, width); add it",
    )
    tokenizer = after_black(candidate, 2)

    def fits(name: str, value: Any, dtype: torch.dtype | None, *shape: int | None) -> Tensor:
        kind = "floating point" if dtype is None else str(dtype).removeprefix("torch.")
        sides = ",".join("?" if n is None else str(n) for n in shape)
        refuse(isinstance(value, Tensor), f"{name} must return a tensor, not {type(value).__name__}")
        right = value.is_floating_point() if dtype is None else value.dtype == dtype
        same = len(shape) == value.ndim and all(
            n in (None, m) for n, m in zip(shape, value.shape, strict=True)
        )
        found = f"{str(value.dtype).removeprefix('torch.')} [{','.join(map(str, value.shape))}]"
        refuse(right and same, f"{name} must return {kind} [{sides}], not {found}")
        refuse(bool(value.isfinite().all()), f"{name} returns values that are not finite")
        tensor: Tensor = value
        return tensor

    with torch.no_grad():
        fits("codebook", codebook, None, codes, channels)
        blank = fits(
            "blank(2)" if not length else "blank", tokenizer.blank(2), torch.float32, 2, channels, *grid
        )
        image = fits("decode", tokenizer.decode(blank), None, 2, 3, None, None)
        frames = _probe_frames(*image.shape[2:]).to(codebook.device)
        tokens = fits("encode", tokenizer.encode(frames), torch.int64, 2, *grid)
        refuse(
            int(tokens.min()) >= 0 and int(tokens.max()) < codes,
            f"encode returns tokens outside [0, {codes}), the codes of its codebook",
        )
        latents = fits("embed", tokenizer.embed(tokens), torch.float32, 2, channels, *grid)
        image = fits("decode", tokenizer.decode(latents), None, 2, 3, *frames.shape[1:3])
        again = [tokenizer.encode(frames), tokenizer.decode(latents)]
        for name, first, second in zip(("encode", "decode"), (tokens, image), again, strict=True):
            refuse(torch.equal(first, second), f"{name} returns something else when it is called again")
    refuse(_has_gradient(tokenizer.decode, latents), "no gradient passes through decode, as Grad-CAM needs")
    names = candidate.layers()
    refuse(
        isinstance(names, list) and names[:1] == [CODE_INPUT],
        f"layers() must be a list that begins with {CODE_INPUT!r}",
    )
    held = dict(candidate.named_modules()) if isinstance(candidate, nn.Module) else {}
    for name in names[1:]:
        refuse(name in held, f"layers() names {name!r}, which is no submodule of it")


def _has_gradient(decode: Callable[[Tensor], Tensor], latents: Tensor) -> bool:
    given = latents.clone().requires_grad_()
    with torch.enable_grad():
        scores = decode(given)
        if not scores.requires_grad:
            return False
        (gradient,) = torch.autograd.grad(scores.square().sum(), given, allow_unused=True)
    return gradient is not None


def _probe_frames(height: int, width: int) -> Tensor:
    """Two different frames, u8 [2,H,W,3]: ramps of grey along the height and along the width."""
    down = torch.linspace(0, 255, height).to(torch.uint8)[:, None].expand(height, width)
    across = torch.linspace(0, 255, width).to(torch.uint8)[None, :].expand(height, width)
    return torch.stack([down, across])[..., None].repeat(1, 1, 1, 3)
