"""The official IRIS code, imported from a user's checkout of github.com/eloialonso/iris.

Only the networks are wanted, so what they never use (video, Atari, logging) is replaced by empty modules
where it is not installed.
"""

import importlib
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

import irislib.vision  # noqa: F401 - before the official code imports torchvision itself
from benchmarks.official_weights import OFFICIAL
from irislib.agent.config import AgentConfig
from irislib.errors import ArtifactError, IrislibError
from irislib.tokenizers.config import IrisConfig

UNUSED = ("cv2", "gym", "hydra", "psutil", "requests", "wandb")
# The top-level names of it and of the official Δ-IRIS.
OWN = ("agent", "data", "dataset", "envs", "episode", "models", "utils")


@dataclass(frozen=True)
class OfficialModules:
    """The official classes and functions, under their own names."""

    Tokenizer: type[Any]
    Encoder: type[Any]
    Decoder: type[Any]
    EncoderDecoderConfig: type[Any]
    WorldModel: type[Any]
    TransformerConfig: type[Any]
    ActorCritic: type[Any]
    WorldModelEnv: type[Any]
    compute_lambda_returns: Callable[..., Any]
    configure_optimizer: Callable[..., Any]


@cache
def official_modules(checkout: Path) -> OfficialModules:
    """Imports the official code.

    Args:
        checkout: root of a git checkout of eloialonso/iris; the code is in its src/.

    Raises:
        ArtifactError: it is no such checkout.
        IrislibError: einops, which the networks compute with, is not installed.
    """
    source = checkout.resolve() / "src"
    if not (source / "models" / "world_model.py").is_file():
        raise ArtifactError(f"{checkout}: no official IRIS; git clone https://github.com/eloialonso/iris")
    require_einops()
    with importing_from(source):
        tokenizer = importlib.import_module("models.tokenizer")
        world_model = importlib.import_module("models.world_model")
        actor_critic = importlib.import_module("models.actor_critic")
        utils = importlib.import_module("utils")
    return OfficialModules(
        Tokenizer=tokenizer.Tokenizer,
        Encoder=tokenizer.Encoder,
        Decoder=tokenizer.Decoder,
        EncoderDecoderConfig=tokenizer.EncoderDecoderConfig,
        WorldModel=world_model.WorldModel,
        TransformerConfig=world_model.TransformerConfig,
        ActorCritic=actor_critic.ActorCritic,
        WorldModelEnv=actor_critic.WorldModelEnv,
        compute_lambda_returns=utils.compute_lambda_returns,
        configure_optimizer=utils.configure_optimizer,
    )


def build_official(modules: OfficialModules, sizes: AgentConfig = OFFICIAL) -> nn.Module:
    """An official agent with fresh weights: children tokenizer (without LPIPS), world_model, actor_critic.

    Args:
        sizes: of the tokenizer, the world model and the actions. The official actor-critic is fixed to 64x64
            frames and an LSTM of 512.
    """
    if (sizes.frame, sizes.actor_critic) != (OFFICIAL.frame, OFFICIAL.actor_critic):
        raise IrislibError(
            "sizes: the official actor-critic has frames of 64 x 64 and lstm_dim 512; use these"
        )
    t, w = sizes.tokenizer, sizes.world_model
    if not isinstance(t, IrisConfig):
        raise IrislibError("sizes: the official code has IRIS's tokenizer alone; use kind iris")
    nets = modules.EncoderDecoderConfig(
        resolution=sizes.frame[0],
        in_channels=3,
        z_channels=t.z_channels,
        ch=t.ch,
        ch_mult=list(t.ch_mult),
        num_res_blocks=t.num_res_blocks,
        attn_resolutions=list(t.attn_resolutions),
        out_ch=3,
        dropout=0.0,
    )
    transformer = modules.TransformerConfig(
        tokens_per_block=sizes.tokens_per_block,
        max_blocks=w.max_blocks,
        attention="causal",
        num_layers=w.num_layers,
        num_heads=w.num_heads,
        embed_dim=w.embed_dim,
        embed_pdrop=w.dropout,
        resid_pdrop=w.dropout,
        attn_pdrop=w.dropout,
    )
    agent = nn.Module()
    with redirect_stdout(io.StringIO()):  # it prints the latents' shape
        encoder, decoder = modules.Encoder(nets), modules.Decoder(nets)
    agent.tokenizer = modules.Tokenizer(t.vocab_size, t.embed_dim, encoder, decoder, with_lpips=False)
    agent.world_model = modules.WorldModel(t.vocab_size, sizes.num_actions, transformer)
    agent.actor_critic = modules.ActorCritic(sizes.num_actions)
    return agent


def require_einops() -> None:
    """Raises IrislibError where einops, which the official networks compute with, is not installed."""
    if find_spec("einops") is None:
        raise IrislibError(
            "einops: not installed, and the official code computes with it; pip install einops"
        )


class _Unused(ModuleType):
    """Stands for a module that is not installed: any name in it is an empty class."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


@contextmanager
def importing_from(source: Path) -> Iterator[None]:
    """Puts `source` before everything else on the path; leaves no name of it or of a stand-in behind."""
    stand_ins = {name: _Unused(name) for name in UNUSED if find_spec(name) is None}
    own = {name: module for name, module in sys.modules.items() if name.split(".")[0] in OWN}
    for name in own:
        del sys.modules[name]
    sys.modules.update(stand_ins)
    sys.path.insert(0, str(source))
    try:
        yield
    finally:
        sys.path.remove(str(source))
        for name in [n for n in sys.modules if n in stand_ins or n.split(".")[0] in OWN]:
            del sys.modules[name]
        sys.modules.update(own)
