"""The page that shows two runs side by side."""

import numpy as np

from irislib.report.runs.agreement import FamilyInBoth, in_both, names_by_label
from irislib.report.runs.chart import Chart, line_chart
from irislib.report.runs.matching import SHUFFLES, Matching, match
from irislib.report.runs.numbers import baselines, claims, evaluation_numbers, headline_numbers
from irislib.report.runs.pairs import pairs, without_partner
from irislib.report.runs.parameters import Parameter, differing
from irislib.report.runs.profiles import label_names, profiles
from irislib.report.runs.render import render
from irislib.report.runs.run import Run
from irislib.report.wording import between, listed, many, number, percent

DRAWN = 120  # points of a curve: more would not be seen


def comparison_page(first: Run, second: Run, shuffles: int = SHUFFLES) -> bytes:
    """Two runs side by side, as one HTML file: parameters, numbers, findings, and matched codes.

    Args:
        shuffles: how often codes are shuffled between the runs, to know how alike such codes are.

    Raises:
        ArtifactError: a run lacks a number.
    """
    names = label_names(first.labels, second.labels)
    shown = (profiles(first.labels, names), profiles(second.labels, names))
    matching = match(*shown, shuffles=shuffles)
    families = in_both(first, second, matching)
    parameters = differing(first.parameters, second.parameters)
    runs = [
        {
            "name": run.name,
            "lacking": run.lacking,
            "left_out": len(run.codes) - len(one.codes),
        }
        for run, one in zip((first, second), shown, strict=True)
    ]
    return render(
        "comparison.html.j2",
        script="comparison.js",
        names=[first.name, second.name],
        answer=[_parameters(parameters), _findings(families), _codes(matching)],
        runs=runs,
        parameters=parameters,
        families=families,
        labels=names_by_label(first, second),
        headline=headline_numbers(first, second),
        evaluation=evaluation_numbers(first, second),
        claims=claims(first, second),
        baselines=baselines(first, second),
        matching=matching,
        shuffles=shuffles,
        close="" if matching is None else _close(matching),
        pairs=[] if matching is None else pairs(matching, shown, (first.codes, second.codes)),
        alone=([], []) if matching is None else without_partner(matching, shown),
        chart=None if matching is None else _chart(matching),
    )


def _parameters(parameters: list[Parameter]) -> str:
    if not parameters:
        return "All parameters are equal."
    return f"The runs differ in {many(len(parameters), 'parameter')}."


def _findings(families: list[FamilyInBoth]) -> str:
    """Which kinds of finding exceed chance in which run."""

    def kinds(where: str) -> str:
        return listed([row.family.name for row in families if row.where == where])

    said = [
        f"{who} {verb} chance in {kinds(where)}"
        for where, who, verb in (
            ("both", "both runs", "exceed"),
            ("first", "only the first run", "exceeds"),
            ("second", "only the second run", "exceeds"),
        )
        if kinds(where)
    ]
    if not said:
        return "No kind of finding exceeds chance in either run."
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _codes(matching: Matching | None) -> str:
    """How good the matching is beside that of shuffled codes."""
    if matching is None:
        return "The codes cannot be matched: in one of the runs no code shows a label."
    mean, low, high = matching.chance
    beside = (
        f"(mean distance {number(matching.mean)}; shuffled codes {number(mean)}, range {between(low, high)})"
    )
    if not matching.distance.any():
        return f"Every code has a partner with an equal profile {beside}."
    text = "Matched by what they show, the codes of the two runs are"
    than = "codes that are shuffled between the runs"
    return {
        "better": f"{text} more alike than {than} {beside}.",
        "same": f"{text} no more alike than {than} {beside}.",
        "worse": f"{text} less alike than {than} {beside}: the two codebooks show different things.",
    }[matching.verdict]


def _close(matching: Matching) -> str:
    count, total = int(matching.close.sum()), len(matching.close)
    return (
        f"{number(count)} of {many(total, 'pair')} ({percent(count / total)}) are no farther apart than the "
        "closest 5% of the pairs of shuffled codes; they are marked as close."
    )


def _chart(matching: Matching) -> Chart:
    """Distances of the pairs, closest first, over the range of shuffled codes."""
    ranks = np.unique(np.linspace(0, len(matching.distance) - 1, DRAWN).round().astype(int))
    ordered = np.sort(matching.distance)
    low, high = np.quantile(matching.shuffled, (0.025, 0.975), axis=0)
    return line_chart(
        [(int(rank) + 1, float(ordered[rank])) for rank in ranks],
        f"distances of the matched codes, closest first: from {number(ordered[0])} to "
        f"{number(ordered[-1])}; codes that are shuffled between the runs: from {number(low[0])} to "
        f"{number(high[-1])}",
        band=[(int(rank) + 1, float(low[rank]), float(high[rank])) for rank in ranks],
        whole=True,
    )
