"""Folders of networks: what is not a sound set of weights is refused in one line."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from irislib.errors import ArtifactError
from irislib.weights_folder import WeightsFolder

FOLDER = WeightsFolder("test/net", 3, "a net", "make it again")
STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "b.weight": torch.ones(2)}


def write(folder: Path, state: dict[str, torch.Tensor] = STATE) -> Path:
    FOLDER.write(folder, state, {"width": 2}, torch.float32)
    return folder


def test_what_is_written_is_read(tmp_path: Path) -> None:
    counter = {"norm.num_batches_tracked": torch.tensor(4)}
    FOLDER.write(tmp_path, STATE | counter, {"width": 2}, torch.float16)
    assert FOLDER.read_config(tmp_path) == {"schema": "test/net", "schema_version": 3, "width": 2}
    weights = FOLDER.read_weights(tmp_path)
    assert weights["a.weight"].dtype == torch.float16
    assert torch.equal(weights["a.weight"].float(), STATE["a.weight"])
    assert weights["norm.num_batches_tracked"].dtype == torch.int64
    assert list(FOLDER.read_weights(tmp_path, "b.")) == ["weight"]


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (torch.tensor([1.0, torch.nan]), r"b\.weight holds values that are not finite; make it again"),
        (torch.tensor([1.0, -torch.inf]), r"b\.weight holds values that are not finite; make it again"),
        (torch.ones(2, dtype=torch.int32), r"b\.weight is int32, not floating point; make it again"),
        (torch.ones(2, dtype=torch.complex64), r"b\.weight is complex64, not floating point; make it again"),
    ],
)
def test_weights_that_are_no_finite_numbers_are_refused(
    value: torch.Tensor, complaint: str, tmp_path: Path
) -> None:
    write(tmp_path)
    save_file(STATE | {"b.weight": value}, tmp_path / "model.safetensors")
    with pytest.raises(ArtifactError, match=complaint):
        FOLDER.read_weights(tmp_path)
    assert list(FOLDER.read_weights(tmp_path, "a.")) == ["weight"]


def test_missing_foreign_and_damaged_folders_are_refused(tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        write(tmp_path)
        (tmp_path / name).unlink()
        with pytest.raises(ArtifactError, match=rf"{name}: missing; make it again"):
            FOLDER.read_config(tmp_path)
            FOLDER.read_weights(tmp_path)
    write(tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ArtifactError, match=r"damaged or not a net \(.*\); make it again"):
        FOLDER.read_weights(tmp_path)
    file.write_bytes(b"")
    with pytest.raises(ArtifactError, match="damaged or not a net"):
        FOLDER.read_weights(tmp_path)
    for text in ("", "[]", '{"schema": "test/net"}', "\xff"):
        (tmp_path / "config.json").write_text(text, encoding="latin-1")
        with pytest.raises(ArtifactError, match="damaged or not a net"):
            FOLDER.read_config(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"schema": "test/net", "schema_version": 2}))
    with pytest.raises(ArtifactError, match="holds 'test/net' version 2, not 'test/net' version 3; make it"):
        FOLDER.read_config(tmp_path)
