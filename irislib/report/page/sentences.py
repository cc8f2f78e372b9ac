"""Sentences of the page that are not tied to a figure; every number comes from the metrics."""

from irislib.report.inputs import Inputs

_EMBEDDERS = {
    "imagenet": "Crops were embedded by a ResNet50 with weights trained on ImageNet, as in the paper.",
    "cells": "Crops were embedded by a narrow ResNet50 that was trained from scratch on labelled frames of "
    "the simulator, so that no download is needed; the paper used weights trained on ImageNet. In games that "
    "it was not trained on, it labels {embedder.play.accuracy:%} of the positions correctly on frames of "
    "random play ({embedder.play.world_in_the_dark:%} of the dark ones), and {embedder.staged.accuracy:%} on "
    "staged scenes with rare things.",
    "random": "Crops were embedded by a narrow ResNet50 with random weights. This is a control: it compares "
    "colours and textures rather than objects. The paper used weights trained on ImageNet.",
}


def introduction(inputs: Inputs) -> str:
    """What the page is about."""
    return (
        f"A world model such as IRIS learns to predict a game ({inputs.world.capitalize()} here) and sees it "
        "through a codebook: a tokenizer turns every frame into a small grid of discrete codes. Do these "
        "codes mean anything? Eaton, Balloch, Kim and Riedl (arXiv 2407.19532) computed for each code a "
        "heatmap that shows where in the frame the code has an effect, and found little meaning. This page "
        "repeats their analysis on an agent of our own, and adds the simulator's ground truth."
    )


def headline(inputs: Inputs) -> list[str]:
    """The main results, a few sentences each."""
    texts = [
        "{empty_share.present_occurrences:%} of the heatmaps are empty if only codes that are in the "
        "observation count, and {empty_share.all_codes_all_steps:%} if every code counts in every "
        "observation. The paper reports 90% and does not say which maps it counts.",
        "{consistency.codes_consistent:of consistency.codes_tested tested code} passed the consistency test. "
        "A code passes if the parts of the frames that its heatmaps highlight are significantly more alike "
        "than random parts of the same sizes. The paper reports that almost no code is consistent.",
        "{cooccurrence.pairs_meaningful:of cooccurrence.pairs_tested frequent pair} of codes passed as "
        "meaningful. A pair passes if both codes are consistent and occur together significantly more often "
        "than by chance. The paper reports that interpretable pairs cover about 0.1% of the observations.",
    ]
    if inputs.metric("consistency.codes_consistent"):
        texts[1] += (
            " Of the consistent codes, {consistency.codes_consistent_beyond_place} also passed a stricter "
            "test against other codes at the same places of the frame."
        )
    if inputs.metric("cooccurrence.pairs_meaningful"):
        texts[2] += " Our meaningful pairs cover {cooccurrence.observations_covered_meaningful:%}."
    if inputs.metric("semantics.nmi") is not None:
        texts.append(
            "The normalised mutual information of a code and the "
            "label under its heatmap is {semantics.nmi} (1 would be perfect agreement). Shuffled labels give "
            "{semantics.nmi_null}, and the same places at other times give {semantics.nmi_place}. "
            "{semantics.codes_named:code} can be named: they show one label significantly more often than "
            "the same places do in other episodes. The paper had no ground truth."
        )
    return [inputs.say(text) for text in texts]


def about_run(inputs: Inputs) -> str:
    """How the analysed agent differs from the paper's."""
    whose = (
        f"The analysed codes are not the agent's: the tokenizer {inputs.foreign_tokenizer} encoded the "
        "frames that the agent saw. "
        if inputs.foreign_tokenizer
        else ""
    )
    return whose + inputs.say(
        "The agent here was trained on {agent.training_steps:environment step} and analysed over "
        "{agent.episodes:episode} with a mean return of {agent.return_mean} and a mean length of "
        "{agent.length_mean:step}. The paper analysed 714 episodes with a mean length of 178.5 steps. How "
        "well an agent plays decides which observations its codes are measured on."
    )


def about_embedder(inputs: Inputs) -> str:
    """Which network compared the crops."""
    attrs, features = inputs.embeddings.attrs, inputs.embeddings.array("embedding").shape[1]
    directions = "learned with it" if attrs["weights"] == "cells" else "drawn at random"
    return (
        f"{inputs.say(_EMBEDDERS[attrs['weights']])} Each crop was resized to {attrs['size']} pixels. The "
        f"network's output was projected onto {features} directions that were {directions}."
    )
