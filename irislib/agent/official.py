"""Agents in the format of the official IRIS repository (github.com/eloialonso/iris): read and written.

A run's `checkpoints/last.pt` is the flat state dict of its agent, whose parameters have our names (but for
`CODEBOOK`). It tells the sizes by its shapes alone. Beside the parameters it holds buffers that follow from
the sizes, and the weights of the perceptual loss, which training alone needs.
"""

import io
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from irislib.agent.agent import Agent
from irislib.agent.config import AgentConfig
from irislib.artifacts import write_atomically
from irislib.device import pick_device
from irislib.errors import ArtifactError, ParamError
from irislib.params import parse_value
from irislib.tokenizers.config import IrisConfig, norm_groups
from irislib.weights_folder import check_weights

DROPOUT, NUM_HEADS = 0.1, 4  # no shape tells; the released configuration
NORM_GROUPS = 32  # of every official GroupNorm
PERCEPTUAL = "tokenizer.lpips."
CODEBOOK, OUR_CODEBOOK = "tokenizer.embedding.weight", "tokenizer.quantizer.embedding.weight"
REMEDY = "give the checkpoints/last.pt of an official run, whole"


def load_official_iris(
    path: Path | str, num_heads: int | None = None, device: torch.device | None = None
) -> Agent:
    """Reads an agent that the official code trained, ready for inference; its `steps` are 0: unknown.

    Args:
        path: the run's `checkpoints/last.pt`, or a released model.
        num_heads: of the world model's attention, which no shape tells; by default as in every released
            configuration.
        device: where to put it, wherever it was trained; by default the first GPU, else the CPU.

    Raises:
        ArtifactError: it is missing, damaged, not an IRIS agent, one whose sizes irislib cannot take, or one
            with a weight that is not a finite real number.
    """
    file = StateFile.read(Path(path))
    try:
        sizes = _sizes(file, NUM_HEADS if num_heads is None else num_heads)
        config = parse_value(sizes, "agent", AgentConfig)
    except ParamError as error:
        raise file.refuse(f"its sizes do not fit irislib ({error})") from None
    _require_official_tokenizer(config, file.path)
    agent, buffers = Agent(config), _buffers(config)
    own = {_official_name(name): tensor for name, tensor in agent.state_dict().items()}
    for name, tensor in own.items():
        if file.shape(name) != tensor.shape:
            raise file.refuse(f"{name} is {tuple(file.shape(name))}, not {tuple(tensor.shape)} as the others")
    for name in file.state:
        if name not in own and name not in buffers and not name.startswith(PERCEPTUAL):
            raise file.refuse(f"holds {name}, which no IRIS agent has")
    for name, expected in buffers.items():
        if name in file.state and not torch.equal(file.state[name].to(expected.dtype), expected):
            blocks = f"{config.world_model.max_blocks} blocks of {config.tokens_per_block} tokens"
            raise file.refuse(f"{name} is not that of causal attention over {blocks}")
    check_weights({name: file.state[name] for name in own}, str(file.path), REMEDY)
    agent.load_state_dict({name: file.state[_official_name(name)] for name in agent.state_dict()})
    return agent.to(device or pick_device()).eval()


def export_official_iris(agent: Agent, path: Path | str) -> None:
    """Writes an agent as a `last.pt` of the official code.

    Included is every entry of the official agent's state dict (parameters float32, attention masks, the
    heads' positions) but for the perceptual loss's `tokenizer.lpips.*`: third-party weights, which an agent
    of irislib does not hold. The official `Agent.load` is strict, so build its tokenizer without the loss:
    `with_lpips: False` in config/tokenizer/default.yaml. To train the tokenizer on, load it with
    `strict=False` instead: the loss brings its own weights.

    The official actor-critic is fixed to 64x64 frames and an LSTM of 512; agents of other sizes are written
    all the same, for `load_official_iris` and for code that was changed accordingly.

    Raises:
        ArtifactError: the official code has no such tokenizer or quantizer, would normalise its channels
            otherwise, or would predict otherwise.
    """
    path = Path(path)
    kind = agent.config.tokenizer.quantizer.kind
    if kind != "vq":
        raise ArtifactError(
            f"{path}: the official code knows the quantizer vq alone, and this agent's is {kind}; train an "
            "agent with train.tokenizer.quantizer.kind: vq"
        )
    if agent.config.world_model.predicts != "token":
        raise ArtifactError(
            f"{path}: the official code predicts token by token, and this agent whole frames at once; train "
            "an agent with train.world_model.predicts: token"
        )
    _require_official_tokenizer(agent.config, path)
    state = agent.state_dict()
    parameters = {_official_name(name): tensor.cpu().contiguous() for name, tensor in state.items()}
    content = io.BytesIO()
    torch.save({**parameters, **_buffers(agent.config)}, content)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content.getvalue())


@dataclass(frozen=True)
class StateFile:
    """A state dict and the file it comes from, for errors."""

    path: Path
    state: dict[str, Tensor]

    @classmethod
    def read(cls, path: Path) -> "StateFile":
        """Raises ArtifactError where there is no file, or one without a state dict."""
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            raise ArtifactError(f"{path}: missing; {REMEDY}") from None
        except Exception as error:  # torch raises many kinds for bytes that are not its own
            raise ArtifactError(
                f"{path}: damaged or not torch's ({type(error).__name__}); {REMEDY}"
            ) from None
        if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
            raise ArtifactError(f"{path}: not a state dict; {REMEDY}")
        return cls(path, state)

    def refuse(self, reason: str, remedy: str = REMEDY) -> ArtifactError:
        """The error to raise."""
        return ArtifactError(f"{self.path}: {reason}; {remedy}")

    def shape(self, name: str) -> torch.Size:
        """Raises ArtifactError where there is no such entry."""
        if name not in self.state:
            raise self.refuse(f"lacks {name}")
        return self.state[name].shape

    def size(self, name: str, axis: int) -> int:
        """Raises ArtifactError where the entry has no such axis."""
        shape = self.shape(name)
        if axis >= len(shape):
            raise self.refuse(f"{name} is {tuple(shape)}")
        return shape[axis]

    def children(self, module: str) -> int:
        """Entries of a module list."""
        return len({n.removeprefix(module).split(".")[1] for n in self.state if n.startswith(module + ".")})


def _sizes(file: StateFile, num_heads: int) -> dict[str, Any]:
    """What an AgentConfig is made from, by the shapes."""
    ch = file.size("tokenizer.encoder.conv_in.weight", 0)
    levels = range(file.children("tokenizer.encoder.down"))
    widths = [file.size(f"tokenizer.encoder.down.{i}.block.0.conv1.weight", 0) for i in levels]
    for width in widths:
        if width % max(1, ch):
            raise file.refuse(f"{width} channels are not a multiple of the first {ch}")
    max_tokens, dim = (file.size("world_model.pos_emb.weight", axis) for axis in (0, 1))
    if num_heads < 1 or dim % num_heads:
        raise file.refuse(
            f"{num_heads} heads do not divide its world model's {dim} dimensions",
            f"pass the num_heads that it was trained with ({NUM_HEADS} in the official configuration)",
        )
    # The actor-critic's CNN leaves 64 channels at a sixteenth of the frame's side.
    features = file.size("actor_critic.lstm.weight_ih", 1)
    resolution = 16 * isqrt(features // 64)
    tokens_per_block = (resolution >> max(0, len(levels) - 1)) ** 2 + 1
    if resolution**2 != 4 * features or max_tokens % tokens_per_block:
        raise file.refuse(
            f"{features} features of the LSTM and {max_tokens} positions of the world model fit no frames"
        )
    return {
        "frame": [resolution, resolution],
        "num_actions": file.size("actor_critic.actor_linear.weight", 0),
        "tokenizer": {
            "quantizer": {
                "kind": "vq",
                "vocab_size": file.size("tokenizer.embedding.weight", 0),
                "embed_dim": file.size("tokenizer.embedding.weight", 1),
                "revive_after": 0,
            },
            "z_channels": file.size("tokenizer.pre_quant_conv.weight", 1),
            "ch": ch,
            "ch_mult": [width // ch for width in widths],
            "num_res_blocks": file.children("tokenizer.encoder.down.0.block"),
            "attn_resolutions": sorted(
                resolution >> i for i in levels if file.children(f"tokenizer.encoder.down.{i}.attn")
            ),
        },
        "world_model": {
            "max_blocks": max_tokens // tokens_per_block,
            "num_layers": file.children("world_model.transformer.blocks"),
            "num_heads": num_heads,
            "embed_dim": dim,
            "dropout": DROPOUT,
        },
        "actor_critic": {"lstm_dim": file.size("actor_critic.actor_linear.weight", 1)},
    }


def _official_name(name: str) -> str:
    """What the official code calls a parameter of ours."""
    return CODEBOOK if name == OUR_CODEBOOK else name


def _buffers(config: AgentConfig) -> dict[str, Tensor]:
    """Entries of the official state dict that follow from the sizes.

    Each layer's causal mask, float32 [max_tokens, max_tokens], and each head's positions, int64 ascending.
    """
    block, blocks = config.tokens_per_block, config.world_model.max_blocks
    position = torch.arange(blocks * block)
    mask = torch.ones(len(position), len(position)).tril()
    actions = position[position % block == block - 1]
    return {
        **{
            f"world_model.transformer.blocks.{i}.attn.mask": mask
            for i in range(config.world_model.num_layers)
        },
        "world_model.head_observations.indices": position[position % block != block - 2],
        "world_model.head_rewards.indices": actions,
        "world_model.head_ends.indices": actions,
    }


def _require_official_tokenizer(config: AgentConfig, path: Path) -> None:
    """Same shapes, other groups: it would load and compute something else. Raises ArtifactError.

    So would other options of IRIS's tokenizer; another kind would not load.
    """
    tokenizer = config.tokenizer
    if not isinstance(tokenizer, IrisConfig) or not tokenizer.attention or tokenizer.norm != "frame":
        raise ArtifactError(
            f"{path}: the official code has IRIS's tokenizer alone, with attention and normalised over the "
            "frame; use train.tokenizer.kind iris, attention true and norm frame"
        )
    for channels in {tokenizer.ch * mult for mult in (1, *tokenizer.ch_mult)}:
        if channels % NORM_GROUPS or norm_groups(channels) != NORM_GROUPS:
            raise ArtifactError(
                f"{path}: {channels} channels are normalised in {NORM_GROUPS} groups by the official code, "
                f"in {norm_groups(channels)} by irislib; use a tokenizer of 64 channels or a multiple"
            )
