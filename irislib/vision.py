"""The one import of torchvision: `from irislib.vision import torchvision`.

torchvision's compiled operators fit one build of torch only. Beside another (a CPU torch and the GPU
torchvision of the package index) they are skipped, and the import then ends in an error, because it
describes two of them to torch whether or not they are there. Nothing here runs those two; declaring that
they exist is all the import needs. Import this module before any library that imports torchvision itself.
"""

import importlib

from torch import library

try:
    torchvision = importlib.import_module("torchvision")
except RuntimeError as error:
    if "operator torchvision::" not in str(error):
        raise
    # Operators live as long as the object that declares them.
    _OPERATORS = library.Library("torchvision", "DEF")
    for _name in ("nms", "qnms"):
        _OPERATORS.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    torchvision = importlib.import_module("torchvision")

__all__ = ["torchvision"]
