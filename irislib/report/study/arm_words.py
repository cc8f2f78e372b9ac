"""What the arms of the study are called."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ArmWords:
    """What an arm is called.

    Attributes:
        name: in a figure or a list: what differs from IRIS, in few words.
        phrase: in a sentence for somebody who knows nothing of the study; the name where it is enough.
    """

    name: str
    phrase: str = ""


# By the names of the files in studies/arms.
ARMS = {
    "iris": ArmWords("IRIS", "IRIS's tokenizer"),
    "iris-4x": ArmWords("IRIS, trained 4 times as long"),
    "iris-composed": ArmWords(
        "composition", "a loss by which mixed tokens of two frames must show patches of both"
    ),
    "iris-composed-64": ArmWords("composition, 64 codes", "the same loss with few codes"),
    "iris-composed-local": ArmWords("composition, no attention"),
    "iris-labels": ArmWords(
        "labels of 500 frames", "a loss that teaches the very labels that are measured here"
    ),
    "iris-swap": ArmWords("context swap", "a loss by which a patch must keep its code in another frame"),
    "cosine": ArmWords("cosine VQ"),
    "ema": ArmWords("VQ with moving averages"),
    "fsq": ArmWords("FSQ"),
    "lfq": ArmWords("LFQ"),
    "simvq": ArmWords("SimVQ"),
    "codes-64": ArmWords("64 codes"),
    "codes-4096": ArmWords("4,096 codes"),
    "revive-distance": ArmWords(
        "idle codes moved far", "codes that are moved, while they are idle, to what no code shows"
    ),
    "grid-8": ArmWords("8 by 8 tokens"),
    "no-attention": ArmWords("no attention over the frame"),
    "patch-16": ArmWords("16 px patch alone", "tokens that see their own patch alone"),
    "patch-16-4x": ArmWords("16 px patch alone, 4 times as long"),
    "patch-8": ArmWords(
        "8 px patch alone", "patches that are nearly as small as the cells of the world, and lie across them"
    ),
    "patch-8-shifted": ArmWords("8 px patch alone, shifted by half"),
    "patch-7": ArmWords("one cell alone", "tokens that see exactly one cell of the world"),
    "patch-7-64": ArmWords(
        "one cell alone, 64 codes", "tokens that see exactly one cell of the world, and few codes"
    ),
    "patch-7-shifted": ArmWords(
        "one cell alone, shifted by half", "small patches that lie across the cells of the world"
    ),
    "patch-7-wide": ArmWords(
        "one cell, sees 5 by 5 cells", "tokens for one cell of the world that see the cells around it"
    ),
    "k-means-16": ArmWords("k-means of 16 px patches", "k-means of the pixels of each patch"),
    "k-means-8": ArmWords("k-means of 8 px patches"),
    "k-means-7": ArmWords("k-means of cells", "k-means of the pixels of each cell"),
    "untrained": ArmWords("untrained IRIS", "an untrained encoder"),
}
# By what an arm varies.
FACTORS = {
    "quantizer": "another quantizer",
    "codebook_size": "another number of codes",
    "revival": "another place for idle codes",
    "receptive_field": "another receptive field",
    "grid": "another grid of tokens",
    "training": "longer training",
    "alignment": "a loss that asks the codes for more than the reconstruction",
    "no_learning": "codes that nothing learned",
}


def arm_name(arm: str) -> str:
    """The name of an arm; that of its file, without hyphens, where it has no other."""
    return ARMS[arm].name if arm in ARMS else arm.replace("-", " ")


def quoted(arm: str) -> str:
    """The name of an arm in quotation marks, for a sentence."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{arm_name(arm)}\N{RIGHT DOUBLE QUOTATION MARK}"


def arm_phrase(arm: str, varies: str) -> str:
    """What an arm is, else what it varies and its name."""
    if arm in ARMS:
        return ARMS[arm].phrase or ARMS[arm].name
    return f"{FACTORS.get(varies, 'the arm')}, {quoted(arm)}"
