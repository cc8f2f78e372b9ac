"""What the official code computes, written down for the tests: tests/golden/official.npz.

The tests compare irislib with these numbers, so they need neither the official code nor a download. The
committed file is from the official commit 24326aa.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor

from benchmarks.official import OfficialModules, build_official, official_modules
from benchmarks.official_weights import (
    ENTROPY_WEIGHT,
    GAMMA,
    LAMBDA,
    PARTS,
    Inputs,
    make_inputs,
    make_weights,
)
from irislib.artifacts import write_atomically
from irislib.errors import IrislibError
from stages.common import Command

LOSSES = {
    "tokenizer": ("reconstruction_loss", "commitment_loss"),
    "world_model": ("loss_obs", "loss_rewards", "loss_ends"),
    "actor_critic": ("loss_actions", "loss_values", "loss_entropy"),
}
MARGIN = 0.01  # squared distance; a hundred times what float32 rounds


def compute_golden(modules: OfficialModules) -> dict[str, np.ndarray]:
    """The official agent's entries and its outputs, named as the tests read them.

    `entries` maps each name of its state dict to dtype and shape, as JSON; `buffer:<name>` holds the values
    of those that are not parameters; every other array is one network's output, cut down to a sample.
    """
    agent: Any = build_official(modules).eval()
    inputs = make_inputs()
    parameters = make_weights({name: tuple(p.shape) for name, p in agent.named_parameters()})
    state = agent.state_dict() | {name: torch.from_numpy(value) for name, value in parameters.items()}
    agent.load_state_dict(state)
    entries = {name: [_name(t.dtype), list(t.shape)] for name, t in state.items()}
    with torch.no_grad():
        return {
            "entries": np.array(json.dumps(entries)),
            **{f"buffer:{name}": t.numpy() for name, t in agent.named_buffers()},
            **_play(agent.actor_critic, inputs),
            **_predict(agent.world_model, inputs),
            **_return(modules, inputs),
            **_lose(agent, inputs),
            **_reconstruct(agent.tokenizer, inputs),
        }


def _reconstruct(tokenizer: Any, inputs: Inputs) -> dict[str, np.ndarray]:
    """Tokens int64 [16,4,4]; reconstructions [16,256], a precision; leaves the tokenizer in float64."""
    result: dict[str, np.ndarray] = {}
    for dtype in (torch.float32, torch.float64):
        frames = _frames(inputs, 16, dtype)
        out = tokenizer.to(dtype).encode(frames, should_preprocess=True)
        tokens = out.tokens.view(16, 4, 4).numpy()
        reconstructions = tokenizer.decode(out.z_quantized).flatten(1)[:, inputs.pixels]
        result[f"reconstructions_{_name(dtype)}"] = reconstructions.numpy()
        if not np.array_equal(tokens, result.setdefault("tokens", tokens)):
            raise IrislibError("tokens: differ between float32 and float64; choose other weights")
    encoded = out.z.movedim(1, -1).flatten(0, 2)
    distance = torch.cdist(encoded, tokenizer.embedding.weight).square()
    nearest, second = distance.topk(2, largest=False).values.unbind(1)
    margin = float((second - nearest).min())
    click.echo(f"{len(np.unique(tokens))} codes in use, the nearest by {margin:.3g} at least")
    if margin < MARGIN:
        raise IrislibError(f"tokens: the nearest code is nearer by only {margin:.2g}; choose other weights")
    return result


def _predict(world_model: Any, inputs: Inputs) -> dict[str, np.ndarray]:
    """Logits of whole sequences, and of `PARTS` read with a cache, along the positions."""
    tokens = torch.from_numpy(inputs.tokens)
    cache = world_model.transformer.generate_empty_keys_values(len(tokens), tokens.shape[1])
    parts = tokens[:, : sum(PARTS)].split(PARTS, dim=1)
    return {
        **_logits("whole", [world_model(tokens)], inputs),
        **_logits("cached", [world_model(part, past_keys_values=cache) for part in parts], inputs),
    }


def _logits(name: str, outputs: list[Any], inputs: Inputs) -> dict[str, np.ndarray]:
    def column(field: str) -> Tensor:
        return torch.cat([getattr(out, f"logits_{field}") for out in outputs], dim=1)

    return {
        f"{name}_observations": column("observations")[..., inputs.codes].numpy(),
        f"{name}_rewards": column("rewards").numpy(),
        f"{name}_ends": column("ends").numpy(),
    }


def _play(policy: Any, inputs: Inputs) -> dict[str, np.ndarray]:
    """Action logits [3,4,17] and values [3,4] over three steps of four lanes."""
    policy.reset(4)
    outputs = [policy(step) for step in _frames(inputs, 12).unflatten(0, (3, 4))]
    return {
        "actions": torch.stack([out.logits_actions[:, 0] for out in outputs]).numpy(),
        "values": torch.stack([out.means_values[:, 0, 0] for out in outputs]).numpy(),
    }


def _return(modules: OfficialModules, inputs: Inputs) -> dict[str, np.ndarray]:
    """Lambda-returns float32 [4,20]."""
    given = (torch.from_numpy(x) for x in (inputs.rewards, inputs.values, inputs.ends))
    return {"returns": modules.compute_lambda_returns(*given, gamma=GAMMA, lambda_=LAMBDA).numpy()}


def _lose(agent: Any, inputs: Inputs) -> dict[str, np.ndarray]:
    """The components of each network's loss, in the order of `LOSSES`."""
    agent.tokenizer.lpips = lambda x, y: torch.zeros(())  # third-party weights, and no code of theirs
    tokens = torch.from_numpy(inputs.tokens).view(*inputs.mask.shape, -1)
    batch = {
        "observations": _frames(inputs, 4)[None],
        "actions": tokens[..., -1],
        "rewards": torch.from_numpy(inputs.rewards[:2]),
        "ends": torch.from_numpy(inputs.terminated).long(),
        "mask_padding": torch.from_numpy(inputs.mask),
    }
    encoded = SimpleNamespace(encode=lambda x, should_preprocess: SimpleNamespace(tokens=tokens[..., :-1]))
    # Imagination draws at random; the loss of what it draws does not.
    names = {
        "logits": "logits_actions",
        "actions": "actions",
        "values": "values",
        "rewards": "rewards",
        "ends": "ends",
    }
    imagined = {theirs: torch.from_numpy(getattr(inputs, ours)) for ours, theirs in names.items()}
    agent.actor_critic.imagine = lambda *args, **kwargs: SimpleNamespace(**imagined)
    losses = {
        "tokenizer": agent.tokenizer.compute_loss(batch),
        "world_model": agent.world_model.compute_loss(batch, encoded),
        "actor_critic": agent.actor_critic.compute_loss(batch, None, None, 20, GAMMA, LAMBDA, ENTROPY_WEIGHT),
    }
    return {
        f"{name}_losses": np.array([losses[name].intermediate_losses[part] for part in parts])
        for name, parts in LOSSES.items()
    }


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _frames(inputs: Inputs, count: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Frames float [count,3,64,64] in [0,1]."""
    return torch.from_numpy(inputs.frames[:count]).permute(0, 3, 1, 2).to(dtype) / 255


def write_golden(arrays: Mapping[str, np.ndarray], out: Path) -> None:
    """Writes a fixture and says how large it is."""
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    write_atomically(out, content.getvalue())
    click.echo(f"{out}: {len(content.getvalue()) / 1000:.0f} kB")


@click.command(cls=Command)
@click.option(
    "--official",
    type=click.Path(path_type=Path),
    required=True,
    help="Checkout of github.com/eloialonso/iris.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="tests/golden/official.npz",
    show_default=True,
    help="Fixture.",
)
def main(official: Path, out: Path) -> None:
    """Runs the official code and writes what it computes."""
    write_golden(compute_golden(official_modules(official)), out)


if __name__ == "__main__":
    main()
