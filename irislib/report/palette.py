"""Pictures of at most 256 colours, a third as large as a file, and the same to the eye."""

from PIL import Image

COLOURS = 256


def few_colours(picture: Image.Image) -> Image.Image:
    """A picture of at most 256 colours, without dithering; one that has no more keeps each of its pixels.

    Args:
        picture: any mode. Transparency is kept as it is.

    Returns:
        A picture with a palette, or RGBA where there is transparency.
    """
    opaque = picture.convert("RGB")
    # Maximum coverage keeps rare colours, such as those of thin lines, which a median cut gives up. K-means
    # then moves the palette towards the common ones.
    drawn = opaque.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    if not picture.has_transparency_data:
        return drawn
    alpha = picture.convert("RGBA").getchannel("A")
    if alpha.getextrema()[0] == 255:
        return drawn
    drawn = drawn.convert("RGB")
    drawn.putalpha(alpha)
    return drawn
