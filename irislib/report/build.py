"""Builds the report: figures, the table of claims, and the page."""

from pathlib import Path

import torch

from irislib.artifacts import replacing, write_atomically
from irislib.device import one_thread
from irislib.report.claims import claims_csv, collect_claims
from irislib.report.config import PlotsConfig
from irislib.report.figures.registry import FIGURES
from irislib.report.figures.saving import save
from irislib.report.inputs import Inputs, load_inputs
from irislib.report.page.render import Plate, render_page
from irislib.report.style import publication
from irislib.runtime import progress
from irislib.tokenizers.load import load_recorded_tokenizer


@one_thread()
def build_report(
    config: PlotsConfig,
    seed: int,
    agent: Path,
    embedder: Path,
    rollouts: Path,
    heatmaps: Path,
    changes: Path,
    crops: Path,
    embeddings: Path,
    reports: Path,
    level: str = "",
    glossary: Path | None = None,
) -> None:
    """Draws every registered figure and writes claims.csv and index.html.

    Args:
        config: the `plots` section of params.yaml.
        seed: seed of the pipeline.
        agent: folder with the weights and curves/*.csv.
        embedder: folder with evaluation.json of the embedder.
        rollouts: store of recorded play.
        heatmaps: store of the Grad-CAM maps of these rollouts.
        changes: store of their change maps.
        crops: store of the crops cut out under the change maps.
        embeddings: store of the features of these crops.
        reports: folder that holds the files of evaluate, metrics, baselines, compare and sensitivity. It
            receives figures/*.png, vector/*.svg and vector/*.pdf (both folders are replaced as a whole),
            claims.csv and index.html.
        level: name of the level or of the game, in a world that has several.
        glossary: docs/glossary.md; without it the page explains no words.

    Raises:
        ArtifactError: an input is missing, foreign or damaged.
    """
    inputs = load_inputs(
        config,
        seed,
        agent,
        embedder,
        rollouts,
        heatmaps,
        changes,
        crops,
        embeddings,
        reports,
        level,
        glossary,
    )
    _refuse_what_does_not_fit(inputs)
    claims = collect_claims(inputs)
    plates = []
    with publication(), replacing(reports / "figures") as pixels, replacing(reports / "vector") as vector:
        for part, draw in progress(FIGURES, desc="figures", total=len(FIGURES), unit="figure"):
            illustration = draw(inputs)
            plates.append(Plate.of(part, illustration, save(illustration, pixels, vector, config.dpi)))
    write_atomically(reports / "claims.csv", claims_csv(claims))
    write_atomically(reports / "index.html", render_page(inputs, claims, plates))


def _refuse_what_does_not_fit(inputs: Inputs) -> None:
    """Raises ArtifactError now, and not when half of the figures are drawn."""
    for goal in inputs.goals:
        inputs.metric(f"evaluation.achievements.{goal}")
    load_recorded_tokenizer(inputs.rollouts, inputs.agent, torch.device("cpu"))
