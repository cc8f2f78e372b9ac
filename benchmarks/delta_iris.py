"""What the official Δ-IRIS computes, written down for the tests: tests/golden/delta_iris.npz.

The committed file is from the official commit f8d4173 (github.com/vmicheli/delta-iris).
"""

import importlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor, nn

import irislib.vision  # noqa: F401 - before the official code imports torchvision itself
from benchmarks.delta_iris_weights import ACTIONS, CODES, PARTS, TOKENS, Inputs, make_inputs, make_weights
from benchmarks.golden import write_golden
from benchmarks.official import importing_from, require_einops
from irislib.errors import ArtifactError, IrislibError
from stages.common import Command

MARGIN = 1e-4  # cosine similarity; a hundred times what float32 rounds
LOSSES = ("loss_latents", "loss_rewards", "loss_ends")


def build_official(checkout: Path) -> nn.Module:
    """An official agent with fresh weights, with the sizes of its Crafter configuration.

    Args:
        checkout: root of a git checkout of vmicheli/delta-iris; the code is in its src/.

    Raises:
        ArtifactError: it is no such checkout.
        IrislibError: einops is not installed.
    """
    source = checkout.resolve() / "src"
    if not (source / "models" / "convnet.py").is_file():
        raise ArtifactError(
            f"{checkout}: no official Δ-IRIS; git clone https://github.com/vmicheli/delta-iris"
        )
    require_einops()
    with importing_from(source):
        models = importlib.import_module("models")
        convnet = importlib.import_module("models.convnet")
        tokenizer = importlib.import_module("models.tokenizer")
        world_model = importlib.import_module("models.world_model")
        transformer = importlib.import_module("models.transformer")
        actor_critic = importlib.import_module("models.actor_critic")

    def net(image_channels: int, latent_dim: int, num_channels: int) -> Any:
        return convnet.FrameCnnConfig(
            image_channels, latent_dim, num_channels, mult=[1, 1, 2, 2, 4], down=[1, 0, 1, 1, 0]
        )

    agent = nn.Module()
    agent.tokenizer = models.Tokenizer(
        tokenizer.TokenizerConfig(
            **{"image_channels": 3, "image_size": 64, "num_actions": ACTIONS, "num_tokens": TOKENS},
            **{"decoder_act_channels": 4, "codebook_size": CODES, "codebook_dim": 64},
            max_codebook_updates_with_revival=0,
            encoder_config=net(7, 64, 64),
            decoder_config=net(3, 8 + 4 + 64, 64),
            frame_cnn_config=net(3, 8, 64),
        )
    )
    blocks = transformer.TransformerConfig(
        **{"tokens_per_block": 2 + TOKENS, "max_blocks": 21, "num_layers": 3, "num_heads": 8},
        **{"embed_dim": 512, "attention": "causal"},
        **{"embed_pdrop": 0.0, "resid_pdrop": 0.0, "attn_pdrop": 0.0},
    )
    agent.world_model = models.WorldModel(
        world_model.WorldModelConfig(
            **{"latent_vocab_size": CODES, "num_actions": ACTIONS, "image_channels": 3, "image_size": 64},
            **{"latents_weight": 1.0, "rewards_weight": 1.0, "ends_weight": 1.0, "two_hot_rews": True},
            transformer_config=blocks,
            frame_cnn_config=net(3, 8, 32),
        )
    )
    policy = actor_critic.CnnLstmActorCritic(net(3, 16, 32), ACTIONS, two_hot_rets=True)
    agent.actor_critic = models.ActorCritic(
        actor_critic.ActorCriticConfig(5, 15, 0.997, 0.95, 0.001, two_hot_rets=True, model=policy)
    )
    return agent.eval()


def compute_golden(agent: Any) -> dict[str, np.ndarray]:
    """The official agent's entries and its outputs, named as the tests read them.

    `entries` maps each name of its state dict to dtype and shape, as JSON; `buffer:<name>` holds the values
    of the whole numbers in it; every other array is one network's output, cut down to a sample.
    """
    inputs, state = make_inputs(), agent.state_dict()
    real = {name: tuple(t.shape) for name, t in state.items() if t.is_floating_point()}
    weights = make_weights(real)
    agent.load_state_dict(state | {name: torch.from_numpy(value) for name, value in weights.items()})
    entries = {name: [str(t.dtype).removeprefix("torch."), list(t.shape)] for name, t in state.items()}
    whole = {name: t for name, t in state.items() if t.dtype == torch.int64}
    with torch.no_grad():
        return {
            "entries": np.array(json.dumps(entries)),
            **{f"buffer:{name}": t.numpy() for name, t in whole.items()},
            **_reconstruct(agent.tokenizer, inputs),
            **_predict(agent.world_model, inputs),
            **_play(agent.actor_critic.model, inputs),
        }


def _reconstruct(tokenizer: Any, inputs: Inputs) -> dict[str, np.ndarray]:
    """Tokens int64 [2,7,4] of all frames but the first, and of frames that do not change (`still`).

    Also reconstructions of both, float32 [2,7,256], not clamped.
    """
    frames, actions = _frames(inputs), torch.from_numpy(inputs.actions)[:, :-1]
    result = {}
    for name, after in (("", frames[:, 1:]), ("still_", frames[:, :-1])):
        out = tokenizer(frames[:, :-1], actions, after)
        _require_margin(tokenizer, frames[:, :-1], actions, after)
        codes = out.q.unflatten(2, (2, 2)).unflatten(4, (4, 4, 64))  # b t h w k l e
        latents = codes.permute(0, 1, 6, 2, 4, 3, 5).flatten(5).flatten(3, 4)
        images = tokenizer.decode(frames[:, :-1], actions, latents)
        result[f"{name}tokens"] = out.tokens.numpy()
        result[f"{name}reconstructions"] = images.flatten(2)[..., inputs.pixels].numpy()
    return result


def _require_margin(tokenizer: Any, before: Tensor, actions: Tensor, after: Tensor) -> None:
    """Raises IrislibError where a second code is nearly as similar as the first."""
    z = tokenizer.encode(before, actions, after).unflatten(4, (2, 4)).unflatten(3, (2, 4))  # b t c h k w l
    z = tokenizer.quantizer.pre_quant_proj(z.permute(0, 1, 3, 5, 4, 6, 2).flatten(4))
    similarity = nn.functional.normalize(z, dim=-1) @ tokenizer.quantizer.codebook.T
    first, second = similarity.topk(2).values.unbind(-1)
    tokens, margin = similarity.argmax(-1), float((first - second).min())
    click.echo(f"{len(tokens.unique())} codes in use, the most similar by {margin:.3g} at least")
    if margin < MARGIN:
        raise IrislibError(f"tokens: the margin of the best code is {margin:.2g}; choose other weights")


def _predict(world_model: Any, inputs: Inputs) -> dict[str, np.ndarray]:
    """Logits of whole sequences, and of `PARTS` read with a cache, along the positions; and the losses."""
    frames, actions, tokens = _frames(inputs), *map(torch.from_numpy, (inputs.actions, inputs.tokens))
    embedded = (
        world_model.frame_cnn(frames),
        world_model.act_emb(actions[..., None]),
        world_model.latents_emb(tokens),
    )
    sequence = torch.cat(embedded, dim=2).flatten(1, 2)
    world_model.transformer.reset_kv_cache(len(sequence))
    parts = sequence[:, : sum(PARTS)].split(PARTS, dim=1)
    cached = [world_model(part, use_kv_cache=True) for part in parts]
    batch = SimpleNamespace(
        observations=frames,
        actions=actions,
        rewards=torch.from_numpy(inputs.rewards),
        ends=torch.from_numpy(inputs.ends).long(),
        mask_padding=torch.ones(2, 8, dtype=torch.bool),
    )
    encoder = SimpleNamespace(tokens=tokens[:, :-1])
    losses, _ = world_model.compute_loss(batch, lambda *_: encoder)
    return {
        **_logits("whole", [world_model(sequence)], inputs),
        **_logits("cached", cached, inputs),
        "losses": np.array([losses.intermediate_losses[name] for name in LOSSES]),
    }


def _logits(name: str, outputs: list[Any], inputs: Inputs) -> dict[str, np.ndarray]:
    def column(field: str) -> Tensor:
        return torch.cat([getattr(out, f"logits_{field}") for out in outputs], dim=1)

    return {
        f"{name}_latents": column("latents")[..., inputs.codes].numpy(),
        f"{name}_rewards": column("rewards").numpy(),
        f"{name}_ends": column("ends").numpy(),
    }


def _play(policy: Any, inputs: Inputs) -> dict[str, np.ndarray]:
    """Action logits [8,2,17] and value logits [8,2,255] over the steps."""
    policy.reset(2)
    steps = [policy(SimpleNamespace(frames=step[:, None])) for step in _frames(inputs).unbind(1)]
    return {
        "actions": torch.stack([out.logits_actions[:, 0] for out in steps]).numpy(),
        "values": torch.stack([out.logits_values[:, 0] for out in steps]).numpy(),
    }


def _frames(inputs: Inputs) -> Tensor:
    """Frames float32 [2,8,3,64,64] in [0,1]."""
    return torch.from_numpy(inputs.frames).movedim(-1, 2).float() / 255


@click.command(cls=Command)
@click.option(
    "--official",
    type=click.Path(path_type=Path),
    required=True,
    help="Checkout of github.com/vmicheli/delta-iris.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="tests/golden/delta_iris.npz",
    show_default=True,
    help="Fixture.",
)
def main(official: Path, out: Path) -> None:
    """Runs the official code and writes what it computes."""
    write_golden(compute_golden(build_official(official)), out)


if __name__ == "__main__":
    main()
