"""Quantizers: from the encoder's outputs to codes. `train.tokenizer.quantizer.kind` chooses one."""

from irislib.tokenizers.quantizers.make import make_quantizer
from irislib.tokenizers.quantizers.protocol import FreeCodebook, Quantized, Quantizer

__all__ = ["FreeCodebook", "Quantized", "Quantizer", "make_quantizer"]
