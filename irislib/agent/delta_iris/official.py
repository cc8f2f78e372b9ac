"""Agents in the format of the official Δ-IRIS repository (github.com/vmicheli/delta-iris): read only.

A run's `checkpoints/last.pt`, and the released Crafter agent, is the flat state dict of its agent. It tells
the sizes by its shapes. Beside what irislib needs it holds what follows from the sizes and what training
alone needs; such entries are ignored, as the official player does (it loads with `strict=False`).
"""

import re
from math import isqrt
from pathlib import Path
from typing import Any

import torch

from irislib.agent.delta_iris.agent import DeltaIris
from irislib.agent.delta_iris.buckets import BUCKETS
from irislib.agent.delta_iris.config import DeltaIrisAgentConfig
from irislib.agent.official import REMEDY, StateFile
from irislib.device import pick_device
from irislib.errors import ParamError
from irislib.params import parse_value
from irislib.weights_folder import check_weights

HEAD = 64  # dimensions of an attention head in both released configurations
MARK = "tokenizer.frame_cnn.encoder.0.weight"  # only Δ-IRIS has it

# Our names of parameters, as patterns, and the official ones.
NAMES = (
    (r"^world_model\.pos_emb", "world_model.transformer.pos_emb"),
    (r"^world_model\.transformer\.ln_f", "world_model.transformer.ln"),
    (r"(\.blocks\.\d+)\.ln1", r"\1.sa.ln"),
    (r"(\.blocks\.\d+)\.attn\.proj", r"\1.sa.attention.proj"),
    (r"(\.blocks\.\d+)\.attn\.", r"\1.sa."),
    (r"(\.blocks\.\d+)\.mlp\.", r"\1.mlp.mlp."),
    (r"(\.blocks\.\d+)\.ln2", r"\1.mlp.ln"),
    (r"^world_model\.frame_cnn", "world_model.frame_cnn.0"),
    (r"^world_model\.frame_norm", "world_model.frame_cnn.2"),
    (r"^(world_model\.head_\w+)", r"\1.head_module"),
    (r"^actor_critic\.cnn", "actor_critic.cnn.0"),
    (r"^actor_critic\.", "actor_critic.model."),
)


def official_name(name: str) -> str:
    """What the official code calls a parameter of `DeltaIris`."""
    for ours, theirs in NAMES:
        name = re.sub(ours, theirs, name)
    return name


def is_delta_iris(path: Path) -> bool:
    """Whether a file holds a Δ-IRIS agent. Raises ArtifactError where there is no state dict in it."""
    return MARK in StateFile.read(path).state


def load_official_delta_iris(
    path: Path | str, num_heads: int | None = None, device: torch.device | None = None
) -> DeltaIris:
    """Reads an agent that the official code trained, ready for inference; its `steps` are 0: unknown.

    Args:
        path: the run's `checkpoints/last.pt`, or a released model.
        num_heads: of the world model's attention, which no shape tells; by default one for 64 dimensions, as
            in both released configurations (Crafter 8, Atari 4).
        device: where to put it, wherever it was trained; by default the first GPU, else the CPU.

    Raises:
        ArtifactError: it is missing, damaged, not a Δ-IRIS agent, or has a weight that is not a finite real
            number.
    """
    file = StateFile.read(Path(path))
    try:
        config = parse_value(_sizes(file, num_heads), "agent", DeltaIrisAgentConfig)
        agent = DeltaIris(config)
    except (ParamError, ValueError) as error:
        raise file.refuse(f"its sizes do not fit irislib ({error})") from None
    own = agent.state_dict()
    for name, tensor in own.items():
        theirs = official_name(name)
        if file.shape(theirs) != tensor.shape:
            raise file.refuse(
                f"{theirs} is {tuple(file.shape(theirs))}, not {tuple(tensor.shape)} as the others"
            )
    weights = {name: file.state[official_name(name)] for name in own}
    check_weights({official_name(name): value for name, value in weights.items()}, str(file.path), REMEDY)
    _require_causal(file, config)
    agent.load_state_dict(weights)
    return agent.to(device or pick_device()).eval()


def _sizes(file: StateFile, num_heads: int | None) -> dict[str, Any]:
    """What a DeltaIrisAgentConfig is made from, by the shapes."""
    side = isqrt(file.size("tokenizer.encoder_act_emb.weight", 1))
    encoder = _net(file, "tokenizer.encoder.encoder", decoder=False)
    latents = side // 2 ** sum(encoder["down"])
    patch = isqrt(file.size("tokenizer.quantizer.pre_quant_proj.weight", 1) // encoder["latent_dim"])
    if not latents or not patch or latents % patch:
        raise file.refuse(f"frames of {side} pixels do not divide into its tokens")
    tokens = latents // patch
    max_tokens, dim = (file.size("world_model.transformer.pos_emb.weight", axis) for axis in (0, 1))
    block = 2 + tokens**2
    heads = num_heads or max(1, dim // HEAD)
    if max_tokens % block:
        raise file.refuse(f"{max_tokens} positions of the world model are no blocks of {block}")
    if dim % heads:
        raise file.refuse(
            f"{heads} heads do not divide its world model's {dim} dimensions",
            "pass the num_heads that it was trained with",
        )
    policy = "actor_critic.model."
    return {
        "kind": "delta_iris",
        "frame": [side, side],
        "num_actions": file.size(f"{policy}actor_linear.weight", 0),
        "tokenizer": {
            "kind": "delta_iris",
            "num_actions": file.size("tokenizer.encoder_act_emb.weight", 0),
            "vocab_size": file.size("tokenizer.quantizer.codebook", 0),
            "embed_dim": file.size("tokenizer.quantizer.codebook", 1),
            "side": tokens,
            "action_channels": file.size("tokenizer.decoder_act_emb.weight", 1) // latents**2,
            "encoder": encoder,
            "decoder": _net(file, "tokenizer.decoder.decoder", decoder=True),
            "frame_cnn": _net(file, "tokenizer.frame_cnn.encoder", decoder=False),
        },
        "world_model": {
            "max_blocks": max_tokens // block,
            "num_layers": file.children("world_model.transformer.blocks"),
            "num_heads": heads,
            "embed_dim": dim,
            "two_hot_rewards": file.size("world_model.head_rewards.head_module.2.weight", 0) == BUCKETS,
            "frame_cnn": _net(file, "world_model.frame_cnn.0.encoder", decoder=False),
        },
        "actor_critic": {
            "lstm_dim": file.size(f"{policy}actor_linear.weight", 1),
            "two_hot_values": file.size(f"{policy}critic_linear.weight", 0) == BUCKETS,
            "frame_encoder": _net(file, f"{policy}cnn.0.encoder", decoder=False),
        },
    }


def _net(file: StateFile, module: str, decoder: bool) -> dict[str, Any]:
    """What a NetConfig is made from: which layers stand where, from the frame on."""
    places = {name.removeprefix(f"{module}.").split(".")[0] for name in file.state if name.startswith(module)}
    last = max((int(place) for place in places if place.isdigit()), default=0)
    first, final = (
        [file.size(f"{module}.{layer}.weight", axis) for axis in (1, 0)] for layer in (0, last)
    )  # channels of the input and of the output
    image, near = reversed(final) if decoder else first
    latent = first[0] if decoder else final[1]
    mult: list[int] = []
    down: list[int] = []
    layers = range(1, last - 2)  # between the first convolution and the last one, which is normalised
    for layer in reversed(layers) if decoder else layers:
        if f"{module}.{layer}.conv.weight" in file.state and down:
            down[-1] = 1
        else:
            far = file.size(f"{module}.{layer}.f.2.weight", 1 if decoder else 0)
            mult.append(far // max(1, near))
            down.append(0)
    return {
        "image_channels": image,
        "latent_dim": latent,
        "num_channels": near,
        "mult": mult,
        "down": down,
    }


def _require_causal(file: StateFile, config: DeltaIrisAgentConfig) -> None:
    """Raises ArtifactError where the world model's attention is not causal: it would predict otherwise."""
    steps = config.world_model.max_blocks * config.tokens_per_block
    causal = torch.ones(steps, steps, dtype=torch.bool).tril()
    for layer in range(config.world_model.num_layers):
        name = f"world_model.transformer.blocks.{layer}.sa.mask"
        if name in file.state and not torch.equal(file.state[name].bool(), causal):
            blocks = f"{config.world_model.max_blocks} blocks of {config.tokens_per_block}"
            raise file.refuse(f"{name} is not that of causal attention over {blocks}")
