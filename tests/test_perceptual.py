"""LPIPS without its download: loading, use as a loss, and the complaint when offline."""

from pathlib import Path
from urllib.error import URLError

import pytest
import torch

from irislib.errors import ParamError
from irislib.tokenizers.perceptual import load_lpips
from irislib.vision import torchvision

VGG = torchvision.models.VGG16_Weights.IMAGENET1K_V1
CPU = torch.device("cpu")


def test_loss_is_zero_for_equal_frames_and_has_a_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    weights = torchvision.models.vgg16().state_dict()
    monkeypatch.setattr(type(VGG), "get_state_dict", lambda *_args, **_kwargs: weights)
    lpips = load_lpips(CPU)
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    y = (torch.rand(2, 3, 64, 64) * 2 - 1).requires_grad_()
    assert lpips(x, x) == 0
    loss = lpips(y, x)
    loss.backward()
    assert loss > 0
    assert y.grad is not None
    assert y.grad.abs().sum() > 0


def test_offline_it_names_the_parameter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise URLError("no route")

    monkeypatch.setattr(type(VGG), "get_state_dict", fail)
    with pytest.raises(ParamError, match=r"^train\.tokenizer\.lpips: cannot download .* set it to 0$"):
        load_lpips(CPU)
