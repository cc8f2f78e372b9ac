"""Everything that the report reads, opened and checked."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from irislib.artifacts import Store, open_store
from irislib.report.config import PlotsConfig
from irislib.report.page.glossary import read_glossary
from irislib.report.study.results import STUDY_COLUMNS, StudyResults
from irislib.report.study.whole_agents import WholeAgents
from irislib.report.tables import (
    AGENT_COLUMNS,
    ATTRIBUTION_COLUMNS,
    BASELINE_COLUMNS,
    CODE_COLUMNS,
    CURVE_COLUMNS,
    EMBEDDER_COLUMNS,
    LABEL_COLUMNS,
    PAIR_COLUMNS,
    POWER_COLUMNS,
    REPLICATE_COLUMNS,
    SENSITIVITY_COLUMNS,
    SET_COLUMNS,
    Numbers,
    read_curves,
    read_metrics,
    read_numbers,
    read_optional,
    read_table,
    with_flags,
)
from irislib.report.wording import Prose, sentence
from irislib.stores.agent import AGENT, read_about
from irislib.stores.changes import CHANGES
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS
from irislib.worlds.names import world_name


@dataclass(frozen=True)
class Inputs:
    """Parameters, stores, tables and numbers of one run. Every table but `codes` may have no rows.

    Attributes:
        config: the `plots` section of params.yaml.
        seed: seed of the pipeline.
        agent: folder of the agent.
        heatmaps: the maps of Grad-CAM, of which the report counts the empty ones.
        changes: the change maps, under which codes are shown and crops are cut.
        metrics: metrics.json and details.json; read it with `metric`.
        evaluation: evaluation.json of the agent; read it with `metric`.
        embedder: evaluation.json of the embedder; read it with `metric`.
        codes: one row for each code of the codebook, sorted by code, which is the index.
        codes_csv: the file that `codes` was read from.
        pairs: one row for each pair of consistent codes that occur together, most frequent first.
        sets: the same for sets of three or more codes.
        labels: one row for each (code, label) that occurs.
        power: one row for each label, with the share of planted codes that were named.
        baselines: one row for each tokenizer and attribution, with the headline numbers under it.
        replicates: one row for each repetition of the analysis; no stage makes it, so it often has no rows.
        study: the table of the study; no stage of the pipeline makes it, so it often has no rows.
        worlds: the table of the study in other worlds; it often has no rows.
        agents: the tables of the whole agents of the study; no stage makes them, so they often have no rows.
        embedders: one row for each embedder, with the headline numbers under it.
        sensitivity: one row for each combination of the choices that the paper leaves open.
        attributions: one row for each attribution method and masking.
        curves: training curves in long format (epoch, component, loss, value).
        level: name of the level or of the game, in a world that has several; else empty.
        glossary: the meanings of the words that the page explains.
    """

    config: PlotsConfig
    seed: int
    agent: Path
    rollouts: Store
    heatmaps: Store
    changes: Store
    crops: Store
    embeddings: Store
    metrics: Numbers
    evaluation: Numbers
    embedder: Numbers
    codes: pd.DataFrame
    codes_csv: str
    pairs: pd.DataFrame
    sets: pd.DataFrame
    labels: pd.DataFrame
    power: pd.DataFrame
    baselines: pd.DataFrame
    replicates: pd.DataFrame
    study: StudyResults
    worlds: pd.DataFrame
    agents: WholeAgents
    embedders: pd.DataFrame
    sensitivity: pd.DataFrame
    attributions: pd.DataFrame
    curves: pd.DataFrame
    level: str = ""
    glossary: dict[str, str] = field(default_factory=dict)

    @property
    def game(self) -> str:
        """What was played, as a sentence names it: the level and its world, or the world alone."""
        world = world_name(self.world)
        return f"{self.level} ({world})" if self.level else world

    @property
    def world(self) -> str:
        """Name of the world that was played."""
        return str(self.rollouts.attrs["world"])

    @property
    def trained_here(self) -> bool:
        """Whether the pipeline trained the agent; a file from elsewhere does not tell its steps."""
        return bool(self.metric("agent.training_steps"))

    @cached_property
    def untrained(self) -> bool:
        """Whether no step of training ever changed the agent: all normalisations still have the scale 1."""
        if self.trained_here:
            return False
        weights = AGENT.read_weights(self.agent)
        scales = [weight for name, weight in weights.items() if name.endswith(".weight") and weight.ndim == 1]
        return bool(scales) and all(bool((scale == 1).all()) for scale in scales)

    @property
    def scripted(self) -> bool:
        """Whether the world's scripted player played what was recorded, and not the agent."""
        return bool(self.rollouts.attrs["player"] == "scripted")

    @property
    def foreign_tokenizer(self) -> str | None:
        """`package.module:factory` of the analysed tokenizer; None if it is the agent's own."""
        source: str | None = self.rollouts.attrs["tokenizer"]["source"]
        return source

    @property
    def hidden_label(self) -> str | None:
        """Name of the state in which frames hide the world; None for a world without one."""
        label: str | None = self.rollouts.attrs["hidden_label"]
        return label

    @property
    def goals(self) -> list[str]:
        """Names of the world's goals; may be empty."""
        return list(self.rollouts.attrs["goal_names"])

    def metric(self, key: str) -> float | None:
        """A number by its dotted key; None if it is undefined.

        A key that begins with `evaluation.` or `embedder.` is looked up in the evaluation of the agent or of
        the embedder, any other key in metrics.json and details.json.

        Raises:
            ArtifactError: there is no such number.
        """
        file, _, rest = key.partition(".")
        others = {"evaluation": self.evaluation, "embedder": self.embedder}
        return others[file].get(rest) if file in others else self.metrics.get(key)

    def say(self, text: str, **numbers: float) -> str:
        """Fills metrics and the given numbers into a sentence; see `Prose`. Raises ArtifactError."""
        return sentence(Prose(self.metric).format(text, **numbers))

    def name_of(self, code: int) -> str:
        """A code's number, its name (else its most frequent label), and the item that it tells, if any."""
        said = [self.codes[column].get(code) for column in ("name", "label", "item")]
        name, label, item = (text if isinstance(text, str) else "" for text in said)
        about = [text for text in (name or (label and f"mostly {label}"), item and f"tells {item}") if text]
        return f"{code} ({', '.join(about)})" if about else str(code)

    def shapes(self) -> dict[str, Any]:
        """The agent's config: the sizes and options of its networks."""
        shapes: dict[str, Any] = read_about(self.agent)["agent"]
        return shapes


def load_inputs(
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
) -> Inputs:
    """Opens all inputs of the report. Raises ArtifactError if one is missing, foreign or damaged."""
    codes = read_table(reports / "codes.csv", "metrics", CODE_COLUMNS)
    inputs = Inputs(
        config=config,
        seed=seed,
        agent=agent,
        rollouts=open_store(rollouts, ROLLOUTS),
        heatmaps=open_store(heatmaps, HEATMAPS),
        changes=open_store(changes, CHANGES),
        crops=open_store(crops, CROPS),
        embeddings=open_store(embeddings, EMBEDDINGS),
        metrics=read_metrics(reports),
        evaluation=read_numbers(reports / "evaluation.json", "evaluate"),
        embedder=read_numbers(embedder / "evaluation.json", "embedder"),
        codes=with_flags(codes, "consistent", "beats_random").set_index("code").sort_index(),
        codes_csv=(reports / "codes.csv").read_text(),
        pairs=with_flags(read_table(reports / "pairs.csv", "metrics", PAIR_COLUMNS), "meaningful"),
        sets=with_flags(read_table(reports / "sets.csv", "metrics", SET_COLUMNS), "meaningful"),
        labels=read_table(reports / "labels.csv", "metrics", LABEL_COLUMNS),
        power=read_table(reports / "power.csv", "metrics", POWER_COLUMNS),
        baselines=read_table(reports / "baselines.csv", "baselines", BASELINE_COLUMNS),
        replicates=read_optional(reports / "replicates.csv", "replicates", REPLICATE_COLUMNS),
        study=StudyResults(read_optional(reports / "study.csv", "study", STUDY_COLUMNS)),
        worlds=read_optional(reports / "worlds.csv", "study", STUDY_COLUMNS),
        agents=WholeAgents(
            read_optional(reports / "agents.csv", "study", AGENT_COLUMNS),
            read_optional(reports / "agent_curves.csv", "study", CURVE_COLUMNS),
        ),
        embedders=read_table(reports / "embedders.csv", "compare", EMBEDDER_COLUMNS),
        sensitivity=read_table(reports / "sensitivity.csv", "sensitivity", SENSITIVITY_COLUMNS),
        attributions=read_table(reports / "attributions.csv", "sensitivity", ATTRIBUTION_COLUMNS),
        curves=read_curves(agent / "curves"),
        level=level,
        glossary=read_glossary(glossary) if glossary else {},
    )
    return inputs
