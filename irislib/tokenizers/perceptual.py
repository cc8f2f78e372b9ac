"""The perceptual loss LPIPS (Zhang et al. 2018), which IRIS adds to the tokenizer's reconstruction loss."""

from collections.abc import Callable
from urllib.error import URLError

import torch
from torch import Tensor

from irislib.errors import ParamError


def load_lpips(device: torch.device) -> Callable[[Tensor, Tensor], Tensor]:
    """LPIPS on VGG16 for frames float [N,3,H,W] in [-1,1], averaged over the batch; weights are frozen.

    Downloads VGG16's ImageNet weights on first use.

    Raises:
        ParamError: they are neither cached nor reachable.
    """
    import irislib.vision  # noqa: F401 - before any library that imports torchvision itself

    # isort: split
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    try:
        lpips = LearnedPerceptualImagePatchSimilarity(net_type="vgg", reduction="mean")
    except (URLError, OSError) as error:
        raise ParamError(
            f"train.tokenizer.lpips: cannot download VGG16's weights ({error}); go online once or set it to 0"
        ) from None
    net = lpips.net.requires_grad_(False).to(device)
    return lambda x, y: net(x, y).mean()
