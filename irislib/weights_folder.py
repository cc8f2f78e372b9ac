"""A network as a folder: config.json with a schema's name and version, and model.safetensors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from irislib.artifacts import check_readable, read_file
from irislib.errors import ArtifactError, IrislibError, ParamError

CONFIG, WEIGHTS = "config.json", "model.safetensors"


@dataclass(frozen=True)
class WeightsFolder:
    """A kind of network folder.

    Attributes:
        schema: name of the kind, for example "irislib/agent".
        version: of its layout.
        noun: what it holds, for error messages, with its article ("an agent").
        remedy: what to do where it is missing, foreign or damaged.
    """

    schema: str
    version: int
    noun: str
    remedy: str

    def write(
        self, folder: Path, state: Mapping[str, Tensor], about: Mapping[str, Any], dtype: torch.dtype
    ) -> None:
        """Writes both files into an existing folder.

        Args:
            folder: where to.
            state: weights by name.
            about: JSON values for config.json, beside schema and schema_version.
            dtype: that floating-point weights are rounded to; counters (int64) stay as they are.

        Raises:
            IrislibError: a weight is not finite, or is too large for the type.
        """
        weights = {
            name: (value.to(dtype) if value.is_floating_point() else value).cpu().contiguous()
            for name, value in state.items()
        }
        for name, value in weights.items():
            if value.is_floating_point() and not bool(torch.isfinite(value).all()):
                kind = str(dtype).removeprefix("torch.")
                raise IrislibError(f"{name}: not finite in {kind}; train with a lower learning rate")
        save_file(weights, folder / WEIGHTS)
        content = {"schema": self.schema, "schema_version": self.version, **about}
        (folder / CONFIG).write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")

    def read_config(self, folder: Path) -> dict[str, Any]:
        """The content of config.json.

        Raises:
            ArtifactError: it is missing, cannot be read, is not JSON, or has another schema or version.
        """
        text = read_file(folder / CONFIG, self.remedy)
        try:
            about = json.loads(text)
            found = (about["schema"], about["schema_version"])
        except (ValueError, KeyError, TypeError) as error:
            raise self.damaged(folder, error) from None
        if found != (self.schema, self.version):
            raise ArtifactError(
                f"{folder}: holds {found[0]!r} version {found[1]}, not {self.schema!r} version "
                f"{self.version}; {self.remedy}"
            )
        return dict(about)

    def read_weights(self, folder: Path, prefix: str = "") -> dict[str, Tensor]:
        """Weights by name, on the CPU, as they are stored.

        Args:
            folder: of the network.
            prefix: only weights whose names begin with it are read; it is removed from their names.

        Raises:
            ArtifactError: model.safetensors is missing, cannot be read or is damaged, or a weight is not
                finite or not floating point (see `check_weights`).
        """
        file = folder / WEIGHTS
        check_readable(file, self.remedy)  # safe_open calls a file missing that it may not open
        try:
            with safe_open(file, "pt") as stored:
                names = [name for name in stored.keys() if name.startswith(prefix)]  # noqa: SIM118
                weights = {name: stored.get_tensor(name) for name in names}
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise self.damaged(folder, error) from None
        check_weights(weights, str(file), self.remedy)
        return {name.removeprefix(prefix): value for name, value in weights.items()}

    def damaged(self, folder: Path, error: Exception) -> ArtifactError:
        """The one-line error for content that does not fit, from what a reader raised."""
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return ArtifactError(f"{folder}: damaged or not {self.noun} ({reason}); {self.remedy}")


# What a reader of a folder may raise for content that does not fit: pass it to `WeightsFolder.damaged`.
MISFITS = (ValueError, KeyError, TypeError, AttributeError, RuntimeError, ParamError)


def check_weights(weights: Mapping[str, Tensor], source: str, remedy: str) -> None:
    """Refuses weights that no result should be computed with.

    Args:
        weights: by name.
        source: names their file in the error.
        remedy: what to do about it.

    Raises:
        ArtifactError: a weight is not floating point (an int64 counter of a batch norm excepted), or holds
            a value that is not finite.
    """
    for name, value in weights.items():
        if name.endswith("num_batches_tracked") and value.dtype == torch.int64:
            continue
        if not value.is_floating_point():
            raise ArtifactError(
                f"{source}: {name} is {str(value.dtype).removeprefix('torch.')}, not floating point; {remedy}"
            )
        if not bool(torch.isfinite(value).all()):
            raise ArtifactError(f"{source}: {name} holds values that are not finite; {remedy}")
