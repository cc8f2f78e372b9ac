"""The tokenizer that a configuration chooses."""

from irislib.tokenizers.config import PatchConfig, TokenizerConfig
from irislib.tokenizers.iris import Tokenizer
from irislib.tokenizers.learned import LearnedTokenizer
from irislib.tokenizers.patch import PatchAutoencoder


def make_tokenizer(config: TokenizerConfig, frame: tuple[int, int]) -> LearnedTokenizer:
    """An untrained tokenizer; its weights are drawn from torch's generator.

    Args:
        config: the kind and its sizes.
        frame: height and width of the frames, in pixels.

    Raises:
        ParamError: the frame does not divide into tokens.
    """
    return PatchAutoencoder(config, frame) if isinstance(config, PatchConfig) else Tokenizer(config, frame)
