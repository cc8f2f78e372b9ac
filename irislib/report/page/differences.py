"""What differs from the paper, and from IRIS as released: sentences, each with this run's numbers."""

from typing import Any

from irislib.report.inputs import Inputs
from irislib.report.published import IRIS_SIZES, PAPER_EMPTY_SHARE, published
from irislib.report.wording import many, number, percent


def differences(inputs: Inputs) -> list[str]:
    """One item each; those of the agent's training are those of the agent that was recorded."""
    texts = [
        _player(inputs),
        _whose(inputs),
        *_agent(inputs),
        _training(inputs),
        _episodes(inputs),
        _embedder(inputs),
        "The paper computes Grad-CAM and does not say what it scores and which layer it reads. Here each of "
        "these is a parameter. Grad-CAM decides only how many maps are empty; all other results use maps of "
        "what a code changes in the decoded image, and the table of baselines has the same results for "
        "Grad-CAM and for the tokens' own patches.",
        _crops(inputs),
        "The paper compares the crops of a code with random crops. Here the comparison that counts is with "
        "the same boxes in other episodes, at the same step and in the same part of the day, because crops "
        "of one place, or of one part of the day, are alike whatever the code is. The paper's comparison is "
        "a row of its own.",
        "Here a finding is selected on one half of the episodes and must be confirmed "
        "on the other half; an episode counts as one draw, because neighbouring frames are nearly equal.",
        f"The paper has no ground truth. Here the simulator says what is in the frame{_hidden(inputs)}.",
    ]
    return [text for text in texts if text]


def _player(inputs: Inputs) -> str:
    if not inputs.scripted:
        return ""
    return (
        "Not the agent but a scripted player, which follows rules and knows the simulator's state, played "
        "what was recorded."
    )


def _whose(inputs: Inputs) -> str:
    if not inputs.foreign_tokenizer:
        return ""
    return (
        f"The analysed codes are not the agent's: the tokenizer {inputs.foreign_tokenizer} encoded the "
        "recorded frames."
    )


def _agent(inputs: Inputs) -> list[str]:
    """What the agent is, where that is not IRIS as released."""
    if inputs.shapes().get("kind") == "delta_iris":
        return [_delta_iris(inputs)]
    parts = (_loss, _quantizer, _revival, _architecture, _prediction, _sizes)
    return [part(inputs) for part in parts]


def _delta_iris(inputs: Inputs) -> str:
    text = "The agent is Δ-IRIS (arXiv 2406.19320), not IRIS. Its policy sees frames and no codes."
    if inputs.foreign_tokenizer:
        return text
    return (
        f"{text} A code of Δ-IRIS says what changed since the previous frame, given the action. A frame is "
        "decoded after the frame and the action before it; blank are the codes that the encoder gives to a "
        "frame that did not change; and every occurrence has a map of its own."
    )


def _loss(inputs: Inputs) -> str:
    tokenizer = inputs.shapes()["tokenizer"]
    lpips, squared = tokenizer["lpips"], tokenizer["squared_error"]
    if inputs.foreign_tokenizer or (lpips == 1 and squared == 0):
        return ""
    perceptual = "no perceptual loss (LPIPS)" if lpips == 0 else f"LPIPS with the weight {number(lpips)}"
    return (
        f"The tokenizer was trained with {perceptual} and the squared error with the weight "
        f"{number(squared)}; "
        "IRIS has LPIPS with the weight 1 and no squared error."
    )


_QUANTIZERS = {
    "ema": "a codebook of moving averages (VQ with EMA)",
    "cosine": "a codebook of unit vectors, compared by cosine",
    "fsq": "finite scalar quantization (FSQ)",
    "lfq": "lookup-free quantization (LFQ)",
    "simvq": "a frozen codebook under a learned linear map (SimVQ)",
}


def _quantizer(inputs: Inputs) -> str:
    kind = inputs.shapes()["tokenizer"]["quantizer"]["kind"]
    if inputs.foreign_tokenizer or kind == "vq":
        return ""
    return f"The tokenizer has {_QUANTIZERS[kind]}; IRIS has a codebook that learns by gradients (VQ)."


def _revival(inputs: Inputs) -> str:
    quantizer = inputs.shapes()["tokenizer"]["quantizer"]
    after = quantizer.get("revive_after", 0)
    if inputs.foreign_tokenizer or not after:
        return ""
    batches = "1 batch" if after == 1 else f"{number(after)} batches"
    far = ", one that is far from all codes in use" if quantizer.get("revive_by") == "distance" else ""
    return f"A code that was not used in {batches} is moved to an encoder output{far}; IRIS leaves it unused."


def _architecture(inputs: Inputs) -> str:
    """What the tokenizer is made of, where that is not as in IRIS."""
    tokenizer, texts = inputs.shapes()["tokenizer"], []
    if inputs.foreign_tokenizer:
        return ""
    if tokenizer.get("kind", "iris") == "patch":
        reach = 2 * tokenizer["context"] + 1
        sees = "its own patch alone" if reach == 1 else f"{reach} x {reach} patches"
        texts.append(
            f"The tokenizer has other nets than IRIS: a token stands for a patch of {tokenizer['patch']} x "
            f"{tokenizer['patch']} pixels, and depends on {sees}."
        )
    if not tokenizer.get("attention", True):
        texts.append("The tokenizer has no attention; that of IRIS has.")
    if tokenizer.get("norm", "frame") == "none":
        texts.append("Its activations are not normalised, those of IRIS are, over the frame.")
    match tokenizer.get("alignment", {"kind": "none"})["kind"]:
        case "context_swap":
            texts.append(
                "It also learns that a patch keeps its code in another frame; that of IRIS does not."
            )
        case "composition":
            texts.append(
                "It also learns that mixed tokens of two frames show patches of both; that of IRIS does not."
            )
        case "labels":
            texts.append("It also learns to tell labels from codes; that of IRIS knows none.")
    return " ".join(texts)


def _prediction(inputs: Inputs) -> str:
    if inputs.shapes()["world_model"].get("predicts", "token") == "token":
        return ""
    return (
        "The world model predicts all tokens of the next frame at once; that of IRIS predicts them one by "
        "one, each given those before it."
    )


def _sizes(inputs: Inputs) -> str:
    """The sizes that are not those of IRIS."""
    found = []
    for path, (words, official) in IRIS_SIZES.items():
        value: Any = inputs.shapes()
        for part in path.split("."):
            value = value.get(part)  # other kinds of tokenizers and quantizers have other sizes
        if value is not None and value != official:
            found.append(f"{words} {_sized(value)} ({_sized(official)})")
    return f"The nets have other sizes than in IRIS (in brackets): {'; '.join(found)}." if found else ""


def _sized(size: int | list[int]) -> str:
    return number(size) if isinstance(size, int) else ", ".join(map(str, size)) or "none"


def _training(inputs: Inputs) -> str:
    trained = "The agent was trained on {agent.training_steps:environment step}, and"
    if inputs.untrained:
        trained = "The agent was not trained: its networks have random weights;"
    elif not inputs.trained_here:
        trained = (
            "The agent was taken as its file holds it, which does not tell on how many steps it was trained, "
            "if on any;"
        )
    text = f"{trained} the recorded episodes have a mean return of {{agent.return_mean}}"
    literature = published(inputs.world)
    for recording in literature.recordings:
        if recording.name == "random actions":
            text += f"; random actions have {recording.returns:.3g}"
    for agent in literature.agents:
        if agent.name == "IRIS":
            text += f", and IRIS after {number(agent.steps)} steps {number(agent.returns)}"
    return inputs.say(f"{text}. How good the play is decides which observations its codes are measured on.")


def _episodes(inputs: Inputs) -> str:
    text = (
        "{agent.episodes:episode} with a mean length of {agent.length_mean:step} were analysed, the paper "
        "has 714 with 178.5."
    )
    if inputs.hidden_label:
        text += (
            " In {strata.night:%} of the observations it is night, and in {strata.hidden:%} the player is "
            f"{inputs.hidden_label} and does not see the world; these are left out wherever labels are "
            "compared."
        )
    return inputs.say(text)


def _hidden(inputs: Inputs) -> str:
    return f", and whether the player is {inputs.hidden_label}" if inputs.hidden_label else ""


_EMBEDDERS = {
    "imagenet": "Crops were embedded by a ResNet50 with weights trained on ImageNet, as in the paper.",
    "cells": "Crops were embedded by a narrow ResNet50 that was trained from scratch on labelled frames of "
    "the simulator, so that no download is needed; the paper used weights trained on ImageNet. In games that "
    "it was not trained on, it labels {embedder.staged.accuracy:%} of the positions correctly on staged "
    "scenes with rare things, and {embedder.play.accuracy:%} on frames of random play",
    "random": "Crops were embedded by a narrow ResNet50 with random weights. This is a control: it compares "
    "colours and textures rather than objects. The paper used weights trained on ImageNet.",
}


def _embedder(inputs: Inputs) -> str:
    attrs, features = inputs.embeddings.attrs, inputs.embeddings.array("embedding").shape[1]
    directions = "learned with it" if attrs["weights"] == "cells" else "drawn at random"
    text = _EMBEDDERS[attrs["weights"]]
    if attrs["weights"] == "cells":
        text += f"{_strata_of_play(inputs)}."
    return (
        f"{inputs.say(text)} Each crop was resized to {attrs['size']} pixels. The "
        f"network's output was projected onto {features} directions that were {directions}."
    )


def _strata_of_play(inputs: Inputs) -> str:
    """How well the embedder does in each part of the random play that its world names, for example by day."""
    keys = [key for key in inputs.embedder.content.get("play", {}) if key.startswith("world_")]
    shares = [f"{key.removeprefix('world_').replace('_', ' ')} {{embedder.play.{key}:%}}" for key in keys]
    return f" ({', '.join(shares)})" if shares else ""


def _crops(inputs: Inputs) -> str:
    return inputs.say(
        "The paper does not give its threshold, its smallest region, or how it chooses random crops. "
        "{crops.crops:crop} were cut here ({crops.distinct_crops} different ones, from "
        "{crops.codes_with_crops:code})."
    )


def empty_bound(inputs: Inputs) -> str:
    """Why the paper's share of empty maps cannot count all codes in all observations."""
    height, width = inputs.rollouts.array("token").shape[1:]
    tokens, codes = height * width, inputs.metric("codebook.size") or 0
    if codes <= tokens:
        return ""
    least = 1 - tokens / codes
    text = (
        f"An observation has {number(tokens)} tokens, so at least {percent(least)} of {many(codes, 'code')} "
        "are not in it, and their maps are empty. "
    )
    if least > PAPER_EMPTY_SHARE:
        return (
            f"{text}So the paper's {percent(PAPER_EMPTY_SHARE)} cannot be the share of all codes in all "
            "observations, if its codebook has this size."
        )
    return text.strip()
