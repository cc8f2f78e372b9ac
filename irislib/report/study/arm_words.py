"""What the arms of the study change, in words for the verdict."""

# Arms that the verdict may mention; another one is called by what it varies.
ARMS = {
    "patch-7": "tokens that see exactly one cell of the world",
    "patch-7-64": "tokens that see exactly one cell of the world, and few codes",
    "patch-7-shifted": "small patches that lie across the cells of the world",
    "patch-7-wide": "tokens for one cell of the world that see the cells around it",
    "patch-8": "patches that are nearly as small as the cells of the world, and lie across them",
    "patch-16": "tokens that see their own patch alone",
    "k-means-7": "k-means of the pixels of each cell",
    "k-means-16": "k-means of the pixels of each patch",
    "untrained": "an untrained encoder",
    "iris-composed": "a loss by which mixed tokens of two frames must show patches of both",
    "iris-composed-64": "the same loss with few codes",
    "iris-swap": "a loss by which a patch must keep its code in another frame",
    "iris-labels": "a loss that teaches the very labels that are measured here",
}
FACTORS = {
    "quantizer": "another quantizer",
    "codebook_size": "another number of codes",
    "receptive_field": "another receptive field",
    "grid": "another grid of tokens",
    "training": "longer training",
    "alignment": "a loss that asks the codes for more than the reconstruction",
    "no_learning": "codes that nothing learned",
}


def in_words(arm: str, varies: str) -> str:
    """What an arm is, else what it varies."""
    return ARMS.get(arm) or FACTORS.get(varies, f"the arm {arm}")
