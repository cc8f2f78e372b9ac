"""The quantizer that a configuration chooses."""

from irislib.tokenizers.quantizers.config import (
    CosineQuantizerConfig,
    EMAQuantizerConfig,
    FSQConfig,
    LFQConfig,
    QuantizerConfig,
    SimVQConfig,
    VectorQuantizerConfig,
)
from irislib.tokenizers.quantizers.cosine import CosineQuantizer
from irislib.tokenizers.quantizers.ema import EMAQuantizer
from irislib.tokenizers.quantizers.fsq import FiniteScalarQuantizer
from irislib.tokenizers.quantizers.lfq import LookupFreeQuantizer
from irislib.tokenizers.quantizers.protocol import Quantizer
from irislib.tokenizers.quantizers.simvq import SimVectorQuantizer
from irislib.tokenizers.quantizers.vq import VectorQuantizer


def make_quantizer(config: QuantizerConfig) -> Quantizer:
    """The quantizer that this configuration chooses, untrained; `initialize` draws its first codes."""
    match config:
        case VectorQuantizerConfig():
            return VectorQuantizer(config)
        case EMAQuantizerConfig():
            return EMAQuantizer(config)
        case CosineQuantizerConfig():
            return CosineQuantizer(config)
        case FSQConfig():
            return FiniteScalarQuantizer(config)
        case LFQConfig():
            return LookupFreeQuantizer(config)
        case SimVQConfig():
            return SimVectorQuantizer(config)
