"""Figures of what codes mean: consistent crops, company kept, ground truth below the maps."""

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns

from irislib.report.inputs import Inputs
from irislib.report.style import BLUE, GREY, INK, ORANGE, PALE, Illustration, new_figure, nothing_to_show
from irislib.report.wording import label_name, many

COOCCURRENCE_CODES = 24
LABELLED_CODES = 40


def consistency(inputs: Inputs) -> Illustration:
    """How much more alike a tested code's crops are than random ones, with intervals (protocol step 7)."""
    heading = "Codes against random crops"
    title = inputs.say(
        "{consistency.codes_consistent:of consistency.codes_tested tested code} passed as consistent"
    )
    note = inputs.say(
        "Crops of one episode look alike whatever they show, so a code is judged by pairs of crops from "
        "different episodes, against random crops of the same sizes from the same frames; the test swaps "
        "whole episodes and is corrected over codes. A code must pass it and have an interval above zero to "
        "be called consistent. Over all pairs, of one episode too, the tested codes have a mean cosine "
        "similarity of {consistency.mean_cosine_codes} and random crops {consistency.mean_cosine_random}. "
        "{consistency.codes_too_few_crops:code} had too few crops to be tested, "
        "{consistency.codes_too_few_episodes:code} crops of too few episodes."
    )
    codes = inputs.codes[inputs.codes["p_value"].notna()].sort_values("difference", kind="stable")
    if len(codes) == 0:
        reason = "No code has enough crops, from enough episodes, to be tested."
        return nothing_to_show("consistency", heading, title, reason)
    caption = inputs.say(
        "Tested codes by how much more alike their crops are than random crops: "
        "{consistency.codes_consistent:of consistency.codes_tested code} passed (q ≤ "
        "{consistency.alpha} and an interval above zero), the difference of {above:%} is above zero, and the "
        "median is {median}.",
        above=float((codes["difference"] > 0).mean()),
        median=float(f"{codes['difference'].median():.3g}"),
    )
    episodes = int(codes["episodes"].median())
    if 2.0**-episodes * len(codes) > (inputs.metric("consistency.alpha") or 0):
        note += (
            f" Few episodes make a weak test: of {many(episodes, 'episode')}, the median here, it can give "
            f"no p-value below {2.0**-episodes:.2g}, which a single code of so many cannot pass the "
            f"correction with. A code that did not pass is not thereby shown to be inconsistent."
        )
    figure = new_figure(8, 4.6, title)
    axes = figure.subplots()
    rank, passed = np.arange(1, len(codes) + 1), codes["consistent"].to_numpy()
    beyond = passed & codes["beyond_place"].to_numpy()
    axes.axhline(0, color=INK, lw=1, ls="--", label="as alike as random crops")
    looks: tuple[tuple[np.ndarray, str, Any, Any], ...] = (
        (~passed, "not significant", GREY, "o"),
        (passed & ~beyond, "consistent, not shown beyond its place", ORANGE, "s"),
        (beyond, "consistent, beyond its place too", BLUE, "D"),
    )
    for which, label, colour, shape in looks:
        shown = codes[which]
        axes.vlines(
            rank[which], shown["difference_low"], shown["difference_high"], color=colour, lw=0.7, alpha=0.45
        )
        label = f"{label}: {len(shown)}"
        axes.scatter(
            rank[which], shown["difference"], s=9, marker=shape, color=colour, lw=0, zorder=3, label=label
        )
    axes.set_xlabel("tested codes, by the difference")
    axes.set_ylabel("mean cosine: code minus random\n(lines: 95% bootstrap intervals)")
    axes.margins(x=0.015)
    figure.legend(loc="outside lower center", ncols=2)
    return Illustration("consistency", heading, caption, figure, note)


def cooccurrence(inputs: Inputs) -> Illustration:
    """Pointwise mutual information of the codes most often seen together (protocol step 8)."""
    heading = "Codes seen together"
    title = inputs.say(
        "{cooccurrence.pairs_meaningful:of cooccurrence.pairs_tested pair} of codes often seen together "
        "passed as meaningful"
    )
    caption = (
        "Of {cooccurrence.pairs_seen:pair} of codes with maps in the same observation "
        "{cooccurrence.pairs_tested} occur often enough to be listed; "
        "{cooccurrence.pairs_meaningful:of cooccurrence.pairs_tested listed pair} passed as meaningful: two "
        "consistent codes that meet by more than chance"
    )
    note = (
        "By more than chance: significantly more often than independent codes of the same persistence would "
        "meet, in two episodes at least. Among three codes and more, "
        "{cooccurrence.sets_meaningful:of cooccurrence.sets_tested listed set} passed alike{sets_cover}. "
        "Another reading asks for crops of both codes in the same observation, which "
        "{cooccurrence.pairs_judged:of cooccurrence.pairs_tested pair} have often enough; "
        "{cooccurrence.pairs_interpretable:of cooccurrence.pairs_judged such pair} can be interpreted so."
    )
    if inputs.metric("cooccurrence.pairs_meaningful"):
        caption += ", covering {cooccurrence.observations_covered_meaningful:%} of the observations"
    cover = ", covering {cooccurrence.observations_covered_by_sets:%} of the observations"
    note = note.replace("{sets_cover}", cover if inputs.metric("cooccurrence.sets_meaningful") else "")
    caption, note = inputs.say(f"{caption}."), inputs.say(note)
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
    return Illustration("cooccurrence", heading, caption, figure, note)


def code_label(inputs: Inputs) -> Illustration:
    """Simulator's labels below the maps of each code (protocol step 9)."""
    heading = "Codes against the ground truth"
    title = "What the simulator says lies under each code's maps"
    caption = inputs.say(
        "Code and label share a normalised mutual information of {semantics.nmi} ({semantics.nmi_null} by "
        "chance, {semantics.nmi_place} by the maps' places alone), and {semantics.purity:%} of the maps show "
        "their code's commonest label ({semantics.purity_null:%} by chance, {semantics.purity_place:%} by "
        "place)."
    )
    note = inputs.say(
        "{semantics.codes_terrain:code} lie on the world and {semantics.codes_hud} on the inventory below "
        "it; {semantics.codes_named:code} passed the test of having more of their commonest label under "
        "their maps than the same places hold in other episodes. One label being common is not enough: "
        "grass is everywhere. Asleep is what a sleeping player sees of the world: dark shades of grey, "
        "whatever stands there; a code that is never there at that time shows more of the rest by that alone."
    )
    labels = inputs.labels.assign(label=inputs.labels["label"].map(label_name))
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
    return Illustration("code_label", heading, caption, figure, note)
