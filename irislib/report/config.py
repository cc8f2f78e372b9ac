"""The `plots` section of params.yaml."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le

from irislib.params import STRICT


@dataclass(frozen=True)
class PlotsConfig:
    """How much the report shows.

    Attributes:
        codes: largest number of rows in the gallery.
        crops: largest number of example crops of a code in the table of all codes.
        groups: largest number of pairs, and of sets, of codes that are shown with frames.
        frames: largest number of reconstructed frames.
        tsne_perplexity: effective number of neighbours in the t-SNE; reduced to a third of the points if
            there are few.
        dpi: resolution of the figures, pixels per inch.
    """

    __pydantic_config__ = STRICT
    codes: Annotated[int, Ge(1), Le(64)]
    crops: Annotated[int, Ge(1), Le(16)]
    groups: Annotated[int, Ge(1), Le(64)]
    frames: Annotated[int, Ge(1), Le(256)]
    tsne_perplexity: Annotated[float, Gt(1)]
    dpi: Annotated[int, Ge(50), Le(300)]
