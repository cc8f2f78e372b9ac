"""The values that the texts of each figure may show, from the tables alone."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from page_text import Known, PageText, flatten

from irislib.report.figures.maps.empty_share import interval
from irislib.report.inputs import Inputs
from irislib.report.intervals import wilson
from irislib.report.published import published
from irislib.report.survival import survival


@dataclass(frozen=True)
class Run:
    """A page, and the tables that it was made from."""

    html: str
    page: PageText
    inputs: Inputs
    numbers: dict[str, float]

    @classmethod
    def read(cls, reports: Path, inputs: Inputs) -> "Run":
        """Reads the page and the files with numbers."""
        numbers: dict[str, float] = {}
        for name, before in (("metrics", ""), ("details", ""), ("evaluation", "evaluation.")):
            numbers |= dict(flatten(json.loads((reports / f"{name}.json").read_text()), before))
        html = (reports / "index.html").read_text()
        return cls(html, PageText(html), inputs, numbers)

    def metrics(self, *before: str) -> list[float]:
        """The numbers of metrics.json, details.json and evaluation.json whose keys begin so."""
        return [value for key, value in self.numbers.items() if key.startswith(before)]

    def arms(self, *arms: str) -> list[Any]:
        """What study.csv has of some arms; shares also cut off at 0 and 1, differences also in points."""
        rows = self.inputs.study.table
        rows = rows[rows["arm"].isin(arms)]
        shares = rows[["mean", "low", "high"]].clip(0, 1)
        points = 100 * rows[["difference", "difference_low", "difference_high"]]
        psnr = [self.inputs.study.mean(arm, "psnr_db").value for arm in arms]
        return [rows, shares, points, [a - b for a in psnr for b in psnr]]


def known(run: Run, name: str) -> Known:
    """What the title, the caption and the note of a figure may show."""
    inputs, codes, config = run.inputs, run.inputs.codes, run.inputs.config
    mine: list[Any] = []
    match name:
        case "consistency":
            tested = codes["difference"][codes["confirmed"].notna()]
            mine = [(tested > 0).mean(), tested.median(), run.metrics("consistency.", "random.")]
        case "embedders":
            mine = [inputs.embedders, len(inputs.embedders)]
        case "code_label":
            tested = inputs.labels["code"][inputs.labels["confirmed"].notna()].nunique()
            kinds = [int((codes["kind"] == kind).sum()) for kind in ("world", "display")]
            mine = [tested, codes["name"].count(), kinds]
            mine += [run.metrics("agreement.", "strata.hidden", "names.by_label", "names.holds")]
            return Known(*mine, settings="4 20")  # codes of a label, maps of a code
        case "tsne":
            mine = _similar(inputs)
        case "cooccurrence":
            mine = run.metrics("pairs.", "sets.")
        case "empty_share":
            mine = [run.metrics("empty_share."), interval(inputs), 0.9]  # the last is the paper's
        case "sensitivity":
            mine = [inputs.sensitivity, len(inputs.sensitivity), 0.95]
        case "attributions":
            mine = [inputs.attributions, 0.95]
        case "gallery":
            shown = codes[codes["label"].notna()].nlargest(config.codes, "uses")
            mine = [len(shown), shown["consistent"].sum()]
        case "achievements":
            mine = [*_achievements(run), 0.95]
        case "codebook_usage":
            mine = run.metrics("codebook.")
        case "reconstructions":
            mine = [survival(inputs), _judged(inputs), config.frames, run.metrics("agent.psnr_db"), 0.95]
        case "training":
            mine = [inputs.curves, inputs.curves["epoch"].nunique(), run.metrics("agent.")]
        case _:
            steps = [inputs.study.steps(arm) for arm in inputs.study.arms]
            longer = [one[-1] / one[0] for one in steps if one[0]]
            mine = [run.arms(*inputs.study.arms), longer, list(range(len(steps) + 1)), 0.95]
            return Known(*mine, settings="1 2 4 8 0.9")  # sizes of sets, the F1 that is asked
    return Known(*mine)


def _similar(inputs: Inputs) -> list[float]:
    """Of the t-SNE: crops, codes, how often the most similar crop of another episode has the same code."""
    row, code = inputs.embeddings.read("crop_embedding"), inputs.crops.read("crop_code")
    own = np.flatnonzero(inputs.crops.read("crop_kind") == 0)
    episode = inputs.rollouts.read("episode")[inputs.crops.read("crop_step")]
    features = inputs.embeddings.read("embedding")[row].astype(float)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    same, chance = [], []
    for one in own:
        others = own[episode[own] != episode[one]]
        same.append(code[others[(features[others] @ features[one]).argmax()]] == code[one])
        chance.append((code[others] == code[one]).mean())
    count = len(np.unique(row))
    return [count, min(8, len(np.unique(code[own]))), float(np.mean(same)), float(np.mean(chance))]


def _judged(inputs: Inputs) -> list[int]:
    """How many labels frames show, and how many of them reconstructions lose."""
    kept = survival(inputs)
    seen = kept[kept["seen"] >= 0.5]
    return [len(seen), int((seen["kept"] < 0.5).sum())]


def _achievements(run: Run) -> list[float]:
    rates = {key.split(".")[-1]: rate for key, rate in run.numbers.items() if ".achievements." in key}
    episodes = int(run.numbers["evaluation.episodes"])
    random, *others = published(run.inputs.world).recordings
    low = {goal: wilson(round(rate * episodes), episodes)[0] for goal, rate in rates.items()}
    better = sum(end > (random.rate(goal) or 0) for goal, end in low.items())
    reached = sum(rate > 0 for rate in rates.values())
    counted = [one.episodes for one in (random, *others)]
    return [episodes, len(rates), reached, better, *counted, 2021]  # the last is a year
