"""What figures call an arm, a measure, or an option: its name in plain words."""

# Arms of the study, by the names of their files in studies/arms. Each name says what differs from IRIS.
ARMS = {
    "iris": "IRIS (reference)",
    "iris-4x": "IRIS, trained 4 times as long",
    "iris-composed": "composition",
    "iris-composed-2x": "composition, trained twice as long",
    "iris-composed-64": "composition, 64 codes",
    "iris-composed-local": "composition, no attention",
    "iris-labels": "taught by 500 labelled frames",
    "iris-swap": "same code in another frame",
    "cosine": "cosine VQ",
    "ema": "VQ with moving averages",
    "fsq": "FSQ",
    "lfq": "LFQ",
    "simvq": "SimVQ",
    "codes-64": "64 codes",
    "codes-4096": "4,096 codes",
    "grid-8": "8 by 8 tokens",
    "no-attention": "no attention over the frame",
    "patch-16": "16 px patch alone",
    "patch-16-4x": "16 px patch alone, 4 times as long",
    "patch-8": "8 px patch alone",
    "patch-8-shifted": "8 px patch alone, shifted by half",
    "patch-7": "one cell (7 px) alone",
    "patch-7-64": "one cell alone, 64 codes",
    "patch-7-shifted": "one cell alone, shifted by half",
    "patch-7-wide": "one cell, sees 5 by 5 cells",
    "k-means-16": "k-means of 16 px patches",
    "k-means-8": "k-means of 8 px patches",
    "k-means-7": "k-means of cells",
    "untrained": "untrained IRIS",
}
MEASURES = {
    "recall": "recall,\nmean over labels",
    "purity": "purity",
    "nmi_beyond_place": "NMI\nbeyond place",
    "share_consistent_beyond_place": "consistent\ncodes",
    "psnr_db": "PSNR (dB)",
    "bits_per_frame": "bits\na frame",
    "locality": "tokens\nthat stay",
    "locality_above_chance": "tokens that stay,\nabove chance",
    "receptive_field": "pixels\nseen",
    "empty_share": "empty\nmaps",
}
SCORES = {
    "mean": "mean of the image",
    "norm": "squared norm of the image",
    "neg_error": "closeness to the frame",
}
LAYERS = {
    "code_input": "grid of codes",
    "post_quant_conv": "1-pixel convolution after the codes",
    "decoder.conv_in": "first convolution of the decoder",
    "decoder.mid": "middle of the decoder",
}
EMBEDDERS = {"cells": "trained in the simulator", "imagenet": "trained on ImageNet", "random": "untrained"}
# Training curves, by component and series; what is not listed keeps its own name.
CURVES = {
    ("collect", "return"): "return of collected play",
    ("collect", "length"): "episode length (steps)",
    ("collect", "perplexity"): "perplexity of the codes",
    ("actor_critic", "entropy"): "entropy bonus",
}
_UPSAMPLING = "decoder.up."


def arm_name(arm: str) -> str:
    """An arm in plain words; the name of its file if it has none."""
    return ARMS.get(arm, arm.replace("-", " "))


def measure_name(measure: str) -> str:
    """A measure in plain words, in two lines at most."""
    return MEASURES.get(measure, measure.replace("_", " "))


def layer_name(layer: str) -> str:
    """A layer of the decoder in plain words."""
    if layer.startswith(_UPSAMPLING):
        return f"upsampling block {layer.removeprefix(_UPSAMPLING)} of the decoder"
    return LAYERS.get(layer, layer.replace("_", " "))


def curve_name(component: str, series: str) -> str:
    """A training curve in plain words."""
    own = f"{component}: {'loss' if series == 'total' else series}".replace("_", " ")
    return CURVES.get((component, series), own)
