"""What the analysis needs of a tokenizer: everything in `irislib.interpret` knows this interface alone."""

from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int64, UInt8
from torch import Tensor

CODE_INPUT = "code_input"  # the name of the latents themselves, among the layers

# What a tokenizer must have; `load.load_tokenizer` names the one that is lacking.
MEMBERS = (
    *("codebook", "grid", "context_length", "local"),
    *("encode", "embed", "decode", "blank", "layers"),
)


@runtime_checkable
class FrameTokenizer(Protocol):
    """Frames to a grid of codes and back.

    N frames of H by W pixels are encoded to grids of h by w tokens; a token is the index of one of K codes.
    Latents are what the decoder is given: C channels at each position of the grid. `encode`, `embed` and
    `decode` treat every frame alone, whatever else is in the batch, and draw nothing at random. Gradients
    pass through `decode`. docs/tokenizers.md has an example.

    Attributes:
        grid: h and w, the tokens along the height and the width of a frame.
        context_length: earlier frames that encoding and decoding a frame take into account; 0, a frame stands
            alone. A tokenizer that needs earlier frames is a `context.ContextTokenizer`.
        local: True where the decoded image of masked latents depends on nothing but the code and its
            positions. Then occurrences that agree in both share one map.
    """

    grid: tuple[int, int]
    context_length: int
    local: bool

    @property
    def codebook(self) -> Float[Tensor, "codes channels"]:
        """The codes, float [K,C]; inputs are moved to the device that this tensor is on."""
        ...

    def encode(self, frames: UInt8[Tensor, "n y x 3"], /) -> Int64[Tensor, "n h w"]:
        """Frames u8 [N,H,W,3] (RGB, 0 to 255) to tokens int64 [N,h,w] in [0, K)."""
        ...

    def embed(self, tokens: Int64[Tensor, "n h w"], /) -> Float[Tensor, "n channels h w"]:
        """Tokens int64 [N,h,w] to latents float32 [N,C,h,w]."""
        ...

    def decode(self, latents: Float[Tensor, "n channels h w"], /) -> Float[Tensor, "n 3 y x"]:
        """Latents float [N,C,h,w] to images float [N,3,H,W]; black is -1 and white is 1."""
        ...

    def blank(self, n: int, /) -> Float[Tensor, "n channels h w"]:
        """Latents float32 [n,C,h,w] that mean "nothing is there"; masking puts them where no code is kept."""
        ...

    def layers(self) -> list[str]:
        """Names of the layers on the decoding path that Grad-CAM may read, in the path's order.

        The first is always "code_input", the latents themselves. Each other one is the name of a submodule
        that puts out a feature map float [N,C',h',w']; a tokenizer that has such layers is an `nn.Module`.
        """
        ...
