"""Figures of what codes mean: consistent crops, company kept, ground truth below the maps."""

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from irislib.report.inputs import Inputs
from irislib.report.style import BLUE, GREY, INK, PALE, Illustration, new_figure, nothing_to_show
from irislib.report.wording import many

COOCCURRENCE_CODES = 24
LABELLED_CODES = 40


def consistency(inputs: Inputs) -> Illustration:
    """Mean pairwise cosine similarity of a code's crops against its random crops (protocol step 7)."""
    heading = "Codes against random crops"
    title = inputs.say(
        "{consistency.codes_consistent} of {consistency.codes_tested:tested code} have crops more alike than "
        "random ones"
    )
    caption = inputs.say(
        "Crops under a tested code's maps have a mean cosine similarity of {consistency.mean_cosine_codes}, "
        "size-matched random crops from the same frames {consistency.mean_cosine_random}. Crops of one "
        "episode look alike whatever they show, so the test compares those of different episodes and swaps "
        "whole episodes: corrected over codes, {consistency.codes_consistent} of "
        "{consistency.codes_tested:tested code} are consistent, {consistency.share_of_codebook:%} of the "
        "codebook, and {consistency.codes_consistent_beyond_place} of them are also more alike than crops of "
        "other codes from the same boxes; {consistency.codes_too_few_crops} have too few crops to be tested "
        "and {consistency.codes_too_few_episodes} too few episodes."
    )
    if not inputs.metric("consistency.codes_tested"):
        caption = "No code has enough crops, from enough episodes, to be tested."
    codes = inputs.codes.dropna(subset=["consistency", "consistency_random"])
    if len(codes) == 0:
        return nothing_to_show("consistency", heading, title, "No code has crops to compare.")
    figure = new_figure(6.8, 6.2, title)
    axes = figure.subplots()
    ends = codes[["consistency", "consistency_random"]].to_numpy()
    margin = 0.05 * float(np.ptp(ends)) or 0.01
    limits = (float(ends.min()) - margin, float(ends.max()) + margin)
    axes.plot(limits, limits, color=GREY, lw=1, ls="--", label="as alike as random crops")
    was_tested, consistent = codes["p_value"].notna(), codes["consistent"]
    _scatter(axes, codes[~was_tested], "not tested", marker="x", s=14, color=PALE, lw=1)
    _scatter(axes, codes[was_tested & ~consistent], "not significant", s=22, color=GREY, lw=0, alpha=0.75)
    label = inputs.say("consistent (q ≤ {consistency.alpha})")
    _scatter(axes, codes[consistent], label, s=34, color=BLUE, lw=0, alpha=0.75)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set_xlabel("mean cosine similarity of size-matched random crops")
    axes.set_ylabel("mean cosine similarity of the code's crops")
    figure.legend(loc="outside lower center", ncols=2)
    return Illustration("consistency", heading, caption, figure)


def _scatter(axes: Axes, codes: pd.DataFrame, label: str, **look: Any) -> None:
    axes.scatter(codes["consistency_random"], codes["consistency"], label=f"{label}: {len(codes)}", **look)


def cooccurrence(inputs: Inputs) -> Illustration:
    """Pointwise mutual information of the codes most often seen together (protocol step 8)."""
    heading = "Codes seen together"
    title = inputs.say(
        "{cooccurrence.pairs_meaningful} of {cooccurrence.pairs_tested:pair} of codes often seen together "
        "are consistent codes that meet by more than chance"
    )
    caption = inputs.say(
        "{cooccurrence.pairs_seen:pair} of codes have non-empty maps in the same observation, "
        "{cooccurrence.pairs_tested} of them often enough to be listed. {cooccurrence.pairs_meaningful} join "
        "two consistent codes that meet significantly more often than codes of the same persistence would "
        "by chance; they cover {cooccurrence.observations_covered_meaningful:%} of the observations, and "
        "{cooccurrence.sets_meaningful:such set} of three codes and more "
        "{cooccurrence.observations_covered_by_sets:%}. Judged by crops of both codes in the same "
        "observation, which only {cooccurrence.pairs_judged:pair} have often enough, "
        "{cooccurrence.pairs_interpretable} can be interpreted and cover "
        "{cooccurrence.observations_covered:%}."
    )
    pairs = inputs.pairs
    if len(pairs) == 0:
        reason = "No two codes have non-empty maps in the same observation often enough."
        return nothing_to_show("cooccurrence", heading, title, reason)
    both = pd.concat([pairs, pairs.rename(columns={"code_a": "code_b", "code_b": "code_a"})])
    company = both.groupby("code_a")["count"].sum().sort_values(ascending=False, kind="stable")
    top = list(company.index[:COOCCURRENCE_CODES])
    both = both[both["code_a"].isin(top) & both["code_b"].isin(top)]
    square = both.pivot(index="code_a", columns="code_b", values=["pmi", "meaningful"])
    pmi, marked = (square[name].reindex(index=top, columns=top) for name in ("pmi", "meaningful"))
    pmi = pmi.astype(float)
    reach = float(np.nan_to_num(pmi.abs().to_numpy()).max()) or 1.0
    figure = new_figure(7.4, 6.8, title)
    axes = figure.subplots()
    axes.set_facecolor(PALE)
    sns.heatmap(
        pmi,
        ax=axes,
        cmap="vlag",
        center=0,
        vmin=-reach,
        vmax=reach,
        square=True,
        linewidths=0.5,
        xticklabels=True,
        yticklabels=True,
        cbar_kws={"label": "pointwise mutual information (bits)", "shrink": 0.7},
    )
    rows, columns = np.nonzero(marked.eq(True).to_numpy())
    axes.set_title(
        f"the {many(len(top), 'code')} in most pairs, by count; grey: seldom or never seen together"
    )
    axes.set(xlabel="code", ylabel="code")
    axes.tick_params(length=0, labelsize=7.5, labelrotation=0)
    axes.tick_params(axis="x", labelrotation=90)
    if len(rows):
        axes.scatter(columns + 0.5, rows + 0.5, s=14, color=INK, label="meaningful pair")
        figure.legend(loc="outside lower center")
    return Illustration("cooccurrence", heading, caption, figure)


def code_label(inputs: Inputs) -> Illustration:
    """Simulator's labels below the maps of each code (protocol step 9)."""
    heading = "Codes against the ground truth"
    title = "What the simulator says lies under each code's maps"
    caption = inputs.say(
        "Code and label share a normalised mutual information of {semantics.nmi} ({semantics.nmi_null} by "
        "chance, {semantics.nmi_place} by the maps' places alone), and {semantics.purity:%} of the maps show "
        "their code's commonest label ({semantics.purity_null:%} by chance, {semantics.purity_place:%} by "
        "place). {semantics.codes_hud:code} lie on the inventory and {semantics.codes_terrain} on the world; "
        "{semantics.codes_named} show more of their commonest label than their places hold in other episodes."
    )
    labels = inputs.labels
    if len(labels) == 0:
        reason = "No code has a non-empty map, so there is nothing to label."
        return nothing_to_show("code_label", heading, title, reason)
    frequent = labels.groupby("code")["count"].sum().sort_values(ascending=False, kind="stable")
    shown = labels[labels["code"].isin(frequent.index[:LABELLED_CODES])]
    columns = shown.groupby("label")["count"].sum().sort_values(ascending=False, kind="stable").index
    shares = shown.pivot(index="code", columns="label", values="share").reindex(columns=columns).fillna(0.0)
    order = sorted(shares.index, key=lambda code: (shares.loc[code].argmax(), -shares.loc[code].max(), code))
    figure = new_figure(7.5, 2.0 + 0.19 * len(order), title)
    axes = figure.subplots()
    sns.heatmap(
        shares.loc[order],
        ax=axes,
        cmap="mako_r",
        vmin=0,
        vmax=1,
        xticklabels=True,
        yticklabels=True,
        linewidths=0.3,
        cbar_kws={"label": "share of the code's maps", "aspect": 30},
    )
    every = len(order) == len(frequent)
    which = "every code with a map" if every else f"the {len(order)} of {len(frequent)} codes with most maps"
    axes.set_title(f"{which}, ordered by commonest label")
    axes.set(xlabel="simulator's label", ylabel="code")
    axes.tick_params(length=0, labelsize=8, labelrotation=0)
    axes.tick_params(axis="x", labelrotation=60)
    return Illustration("code_label", heading, caption, figure)
