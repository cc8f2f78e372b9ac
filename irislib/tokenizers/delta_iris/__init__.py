"""The tokenizer of Δ-IRIS (Micheli, Alonso, Fleuret 2024, arXiv 2406.19320): read, not trained."""

from irislib.tokenizers.delta_iris.config import DeltaIrisConfig, NetConfig
from irislib.tokenizers.delta_iris.tokenizer import DeltaIrisTokenizer

__all__ = ["DeltaIrisConfig", "DeltaIrisTokenizer", "NetConfig"]
