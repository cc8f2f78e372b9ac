"""Pictures of at most 256 colours, a third as large as a file, and the same to the eye."""

import numpy as np
from PIL import Image

from irislib.interpret.evenly_spaced import evenly_spaced

COLOURS = 256
LARGE = 2**21  # pixels; above, the colours are chosen from a sample: to look at all would take a minute
SAMPLE = 2**18  # pixels of the sample


def few_colours(picture: Image.Image) -> Image.Image:
    """A picture of at most 256 colours, without dithering; one that has no more keeps each of its pixels.

    The colours of a picture of more than `LARGE` pixels are chosen from evenly spaced `SAMPLE` pixels.

    Args:
        picture: any mode. Transparency is kept as it is.

    Returns:
        A picture with a palette, or RGBA where there is transparency.
    """
    opaque = picture.convert("RGB")
    drawn = _choose(opaque)
    if not picture.has_transparency_data:
        return drawn
    alpha = picture.convert("RGBA").getchannel("A")
    if alpha.getextrema()[0] == 255:
        return drawn
    drawn = drawn.convert("RGB")
    drawn.putalpha(alpha)
    return drawn


def _choose(opaque: Image.Image) -> Image.Image:
    # Maximum coverage keeps rare colours, such as those of thin lines, which a median cut gives up. K-means
    # then moves the palette towards the common ones.
    method, dither = Image.Quantize.MAXCOVERAGE, Image.Dither.NONE
    if opaque.width * opaque.height <= LARGE or opaque.getcolors(COLOURS):
        return opaque.quantize(COLOURS, method=method, kmeans=1, dither=dither)
    pixels = np.asarray(opaque).reshape(-1, 3)
    sample = Image.fromarray(pixels[evenly_spaced(len(pixels), SAMPLE)][None])
    palette = sample.quantize(COLOURS, method=method, kmeans=1, dither=dither)
    return opaque.quantize(palette=palette, dither=dither)
