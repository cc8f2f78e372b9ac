"""Tokenizers from an agent's folder, or from a function of anyone's."""

import hashlib
import importlib
import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import nn

from irislib.artifacts import Store
from irislib.device import pick_device
from irislib.errors import ArtifactError
from irislib.params import STRICT, one_of, parse_value
from irislib.stores.agent import AGENT, read_about
from irislib.tokenizers.checks import check_frame, check_tokenizer, located, no_gradients
from irislib.tokenizers.config import Count, IrisConfig, PatchConfig
from irislib.tokenizers.context import AnyTokenizer
from irislib.tokenizers.delta_iris import DeltaIrisConfig, DeltaIrisTokenizer
from irislib.tokenizers.learned import LearnedTokenizer
from irislib.tokenizers.make import make_tokenizer
from irislib.weights_folder import MISFITS

FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
PREFIX = "tokenizer."  # of the tokenizer's weights in an agent's model.safetensors


@dataclass(frozen=True)
class _Shapes:
    """What fixes the tokenizer's shapes in an agent's config.json."""

    __pydantic_config__ = STRICT
    frame: tuple[Count, Count]
    tokenizer: Annotated[IrisConfig | PatchConfig | DeltaIrisConfig, one_of("kind", default="iris")]


def load_tokenizer(source: Path | str, device: torch.device | None = None) -> AnyTokenizer:
    """Loads a tokenizer, ready for use: in evaluation mode, its parameters without gradients.

    Args:
        source: an agent's folder, or "package.module:factory", a function without arguments that returns a
            tokenizer. Modules are looked for where Python does, the current folder included.
        device: where to put it; by default the first GPU, else the CPU. A tokenizer that is no `nn.Module`
            stays where its codebook is.

    Raises:
        ArtifactError: the folder is missing, foreign or damaged, or its weights are not finite; or what the
            factory returns is not a tokenizer that can be analysed.
    """
    if isinstance(source, str) and FACTORY.fullmatch(source):
        return _from_factory(source, device)
    return _from_agent(Path(source), device)


def load_recorded_tokenizer(rollouts: Store, agent: Path, device: torch.device | None = None) -> AnyTokenizer:
    """The tokenizer that the tokens of recorded play were made with.

    Args:
        rollouts: store of recorded play; its attribute `tokenizer` names the source and the digest.
        agent: folder of the agent, whose tokenizer it is unless another source is named.
        device: see `load_tokenizer`.

    Raises:
        ArtifactError: as `load_tokenizer` does, or the tokens are another tokenizer's.
    """
    recorded = rollouts.attrs["tokenizer"]
    source = recorded["source"] or agent
    tokenizer = load_tokenizer(source, device)
    if tokenizer_digest(tokenizer) != recorded["digest"]:
        raise ArtifactError(
            f"{rollouts.path}: its tokens were not made by {source} as it is now; run the rollout stage again"
            " (dvc repro --force rollout)"
        )
    if rollouts.array("token").shape[1:] != tokenizer.grid:
        raise ArtifactError(
            f"{rollouts.path}: its tokens are no grids of {list(tokenizer.grid)}; run the rollout stage again"
        )
    check_frame(tokenizer, str(source), rollouts.array("obs").shape[1:3])
    return tokenizer


def tokenizer_digest(tokenizer: AnyTokenizer) -> str:
    """A short name for what a tokenizer does: equal names mean equal tokens and images.

    It covers the parameters and buffers (without an `nn.Module`, the codebook), the `variant` of a learned
    tokenizer, and for a class from outside irislib the file that it is defined in.
    """
    state = tokenizer.state_dict() if isinstance(tokenizer, nn.Module) else {"codebook": tokenizer.codebook}
    kind = type(tokenizer)
    sha = hashlib.sha256(f"{kind.__qualname__} {tokenizer.grid}".encode())
    for name, tensor in sorted(state.items()):
        values = tensor.detach().cpu().contiguous()
        sha.update(f"{name} {values.dtype} {list(values.shape)}".encode())
        sha.update(values.flatten().view(torch.uint8).numpy().tobytes())
    if isinstance(tokenizer, LearnedTokenizer):
        sha.update(tokenizer.variant.encode())
    if not kind.__module__.startswith("irislib."):
        file = inspect.getsourcefile(kind)
        sha.update(Path(file).read_bytes() if file else b"")
    return sha.hexdigest()[:16]


def _from_agent(folder: Path, device: torch.device | None) -> AnyTokenizer:
    about = read_about(folder)["agent"]
    weights = AGENT.read_weights(folder, PREFIX)
    try:
        shapes = parse_value({name: about[name] for name in ("frame", "tokenizer")}, "agent", _Shapes)
        kind = shapes.tokenizer
        tokenizer: LearnedTokenizer | DeltaIrisTokenizer = (
            DeltaIrisTokenizer(kind, shapes.frame)
            if isinstance(kind, DeltaIrisConfig)
            else make_tokenizer(kind, shapes.frame)
        )
        tokenizer.load_state_dict(weights)
    except MISFITS as error:
        raise AGENT.damaged(folder, error) from None
    tokenizer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ready: AnyTokenizer = no_gradients(tokenizer, device or pick_device())
    return ready


def _from_factory(source: str, device: torch.device | None) -> AnyTokenizer:
    module, name = source.split(":")
    try:
        factory: Any = getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever the module's own code raises
        raise ArtifactError(f"{source}: cannot be imported ({located(error)}); mend it") from None
    if not callable(factory):
        raise ArtifactError(f"{source}: is a {type(factory).__name__}, not a function; name a function")
    device = device or pick_device()
    first, second = (_make(source, factory, device) for _ in range(2))
    if tokenizer_digest(first) != tokenizer_digest(second):
        raise ArtifactError(
            f"{source}: returns another tokenizer each time; seed it, or load weights from a file"
        )
    return first


def _make(source: str, factory: Any, device: torch.device) -> AnyTokenizer:
    try:
        made = factory()
    except Exception as error:  # whatever the user's code raises
        raise ArtifactError(f"{source}: fails ({located(error)}); mend it") from None
    return check_tokenizer(no_gradients(made, device), source)
