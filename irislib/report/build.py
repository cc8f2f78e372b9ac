"""The `plots` section of params.yaml, and the report made with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le

from irislib.artifacts import replacing
from irislib.params import STRICT
from irislib.report.claims import claims_csv, collect_claims
from irislib.report.codebook import codebook_usage, empty_share
from irislib.report.codes import tabulate
from irislib.report.curves import training
from irislib.report.embedders import embedders
from irislib.report.evaluation import achievements
from irislib.report.galleries import gallery, reconstructions
from irislib.report.inputs import Inputs, load_inputs
from irislib.report.meaning import code_label, consistency, cooccurrence
from irislib.report.page import Plate, render_page
from irislib.report.sensitivity import attributions, sensitivity
from irislib.report.style import Illustration, publication, save
from irislib.report.together import show_groups
from irislib.report.tsne import tsne
from irislib.runtime import progress
from irislib.tokenizers.load import load_recorded_tokenizer
from irislib.workdir import write_atomically


@dataclass(frozen=True)
class PlotsConfig:
    """How the figures are drawn.

    Attributes:
        codes: rows of the gallery, at most.
        crops: examples of each code in the table of all codes, at most.
        groups: pairs of codes seen together, and sets, each with frames, at most.
        frames: frames that are reconstructed, at most.
        tsne_perplexity: effective number of neighbours in the t-SNE; at most a third of the points is used.
        dpi: pixels an inch of the figures.
    """

    __pydantic_config__ = STRICT
    codes: Annotated[int, Ge(1), Le(64)]
    crops: Annotated[int, Ge(1), Le(16)]
    groups: Annotated[int, Ge(1), Le(64)]
    frames: Annotated[int, Ge(1), Le(256)]
    tsne_perplexity: Annotated[float, Gt(1)]
    dpi: Annotated[int, Ge(50), Le(300)]


def build_report(
    config: PlotsConfig,
    seed: int,
    agent: Path,
    embedder: Path,
    rollouts: Path,
    heatmaps: Path,
    crops: Path,
    embeddings: Path,
    reports: Path,
) -> None:
    """Draws the figures and writes the page from the metrics and what is behind them.

    Args:
        config: the `plots` section.
        seed: the pipeline's.
        agent: folder with the weights, evaluation.json and curves/*.csv.
        embedder: folder with its evaluation.json.
        rollouts: store of recorded play.
        heatmaps: store of the maps of these rollouts.
        crops: store of the crops under these maps.
        embeddings: store of the features of these crops.
        reports: folder that holds metrics.json and the tables of metrics, compare and sensitivity, and
            receives figures/*.png (replaced whole), claims.csv and index.html.

    Raises:
        ArtifactError: an input is missing, foreign or damaged.
    """
    inputs = load_inputs(agent, embedder, rollouts, heatmaps, crops, embeddings, reports)
    claims = collect_claims(inputs)
    codes, together = tabulate(inputs, config.crops), show_groups(inputs, config.groups)
    plates = []
    with publication(), replacing(reports / "figures") as folder:
        for illustration in progress(
            illustrate(inputs, config, seed, agent), desc="figures", total=13, unit="figure"
        ):
            file = folder / f"{illustration.name}.png"
            save(illustration.figure, file, config.dpi)
            plates.append(Plate.of(illustration, file))
    write_atomically(reports / "claims.csv", claims_csv(claims))
    write_atomically(reports / "index.html", render_page(inputs, claims, plates, codes, together))


def illustrate(inputs: Inputs, config: PlotsConfig, seed: int, agent: Path) -> Iterator[Illustration]:
    """The figures in the order of the page."""
    yield consistency(inputs)
    yield embedders(inputs.embedders)
    yield cooccurrence(inputs)
    yield code_label(inputs)
    yield empty_share(inputs)
    yield sensitivity(inputs.sensitivity)
    yield attributions(inputs.attributions)
    yield codebook_usage(inputs)
    yield gallery(inputs, config.codes)
    yield tsne(inputs, config.tsne_perplexity, seed)
    yield achievements(inputs)
    # A handful of frames: not worth waking a GPU.
    tokenizer = load_recorded_tokenizer(inputs.rollouts, agent, torch.device("cpu"))
    yield reconstructions(inputs, tokenizer, config.frames)
    yield training(inputs)
