"""What figures call a measure, an option or a training curve: its name in plain words."""

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
