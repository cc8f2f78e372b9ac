"""The table of all codes: what each row shows, and what it is sorted and filtered by."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.report.inputs import Inputs
from irislib.report.page.sprites import Sheet, Sprite, pack
from irislib.report.page.table import code_words
from irislib.report.page.table.code_words import Facts, known
from irislib.report.page.table.facets import Facet, count_facets, facets_of
from irislib.report.pictures import average_maps, distinct_crops, read_crops
from irislib.report.wording import number, percent

CELL = 32  # side of a crop on its sheet, pixels; larger crops are averaged down
LEVELS = 8  # opacities of an average map
BAR = 100  # width of an interval's drawing, in its own units

FIRST_ROWS = 60  # that are shown until all are asked for


@dataclass(frozen=True)
class Column:
    """A column of the table: its header, and the column of codes.csv that it is sorted by, if any."""

    name: str
    source: str | None
    upwards: str = "low to high"
    downwards: str = "high to low"


COLUMNS = {
    "code": Column("code", "code"),
    "map": Column("map", None),
    "crops": Column("crops", "distinct_crops"),
    "label": Column("most frequent label", "label", "A to Z", "Z to A"),
    "share": Column("share", "label_share"),
    "lift": Column("lift", "label_lift"),
    "uses": Column("uses", "uses"),
    "empty": Column("empty", "empty_share"),
    "difference": Column("against other episodes", "difference"),
    "confirmed": Column("confirmed", "confirmed"),
    "random": Column("against random", "random_difference"),
    "mono": Column("mono\u00adsemanticity", "monosemanticity"),
}


@dataclass(frozen=True)
class Bar:
    """A confidence interval as positions between 0 and `BAR`; `zero` is the position of zero."""

    low: float
    high: float
    point: float
    zero: float


@dataclass(frozen=True)
class Row:
    """A row of the table; a text is empty if it does not apply to the code.

    Attributes:
        code: number of the code.
        facets: its properties (`facets_of`), separated by blanks.
        search: text that the search looks in, besides the number.
        uses: number of token positions with this code.
        empty: share of its Grad-CAM maps that are empty.
        shades: the average map as (opacity, SVG path of horizontal strokes).
        highest: where the average map is highest.
        crops: evenly spaced examples.
        distinct: number of different crops.
        crops_of: the same in words.
        label: most frequent label under its maps.
        share: share of its maps with this label.
        lift: this share, divided by the share among all maps.
        findings: its name, and the item that it tells, each with its numbers.
        sure: whether the code is consistent.
        bar: the difference to the same places in other episodes, drawn.
        difference: the same in numbers, or why the code is not tested.
        confirmed: share of the divisions that confirm it.
        random: the difference to random boxes.
        mono: monosemanticity of the code's crops, and of the same places in other episodes.
    """

    code: int
    facets: str
    search: str
    uses: str
    empty: str
    shades: list[tuple[str, str]]
    highest: str
    crops: list[Sprite]
    distinct: str
    crops_of: str
    label: str
    share: str
    lift: str
    findings: list[tuple[str, str]]
    sure: bool
    bar: Bar | None
    difference: str
    confirmed: str
    random: str
    mono: str


@dataclass(frozen=True)
class CodeTable:
    """All codes of the codebook.

    Attributes:
        rows: one row for each code, the best first (`_best_first`).
        values: for each sortable key of `COLUMNS` the values to sort by, by code; None if undefined.
        sheets: the pictures of the crops.
        size: rows and columns of the average maps.
        facets: the groups of properties, with numbers of codes.
        csv: codes.csv.
    """

    rows: list[Row]
    values: dict[str, list[Any]]
    sheets: list[Sheet]
    size: tuple[int, int]
    facets: list[Facet]
    csv: str


def tabulate(inputs: Inputs) -> CodeTable:
    """Makes the table of all codes, with `plots.crops` examples for each."""
    codes = _best_first(inputs.codes)
    maps = average_maps(inputs)
    sheets, sprites = _examples(inputs)
    ends = codes[["difference_low", "difference_high"]].astype(float)
    reach = float(np.nan_to_num(ends.abs().to_numpy()).max(initial=0)) or 1.0
    rows = []
    for code, facts in zip(codes.index, codes.to_dict("records"), strict=True):
        sure = bool(facts["consistent"])
        rows.append(
            Row(
                code=int(code),
                facets=" ".join(facets_of(facts)),
                search=code_words.searched(facts),
                uses=number(facts["uses"]),
                empty=percent(facts["empty_share"]) if facts["uses"] and known(facts["empty_share"]) else "",
                shades=_shades(maps[code]) if code in maps else [],
                highest=_highest(maps[code]) if code in maps else "",
                crops=sprites.get(code, []),
                distinct=number(facts["distinct_crops"]) if facts["crops"] else "",
                crops_of=code_words.crops(facts),
                **code_words.truth(facts),
                findings=code_words.findings(facts),
                sure=sure,
                bar=_bar(facts, reach),
                difference=code_words.difference(facts),
                confirmed=percent(facts["confirmed"]) if known(facts["confirmed"]) else "",
                random=code_words.against_random(facts),
                mono=code_words.monosemanticity(facts),
            )
        )
    by_code = inputs.codes.reset_index()
    values = {key: _sorting(by_code[one.source]) for key, one in COLUMNS.items() if one.source}
    height, width = next(iter(maps.values())).shape if maps else (1, 1)
    facets = count_facets(codes.to_dict("records"))
    return CodeTable(rows, values, sheets, (height, width), facets, inputs.codes_csv)


def _best_first(codes: pd.DataFrame) -> pd.DataFrame:
    """Consistent codes, then those with a name or an item; else by `confirmed`, difference, and number."""
    found = codes["name"].notna() | codes["item"].notna()
    keys, down = ["consistent", "found", "confirmed", "difference", "code"], [False] * 4
    ordered = codes.assign(found=found).sort_values(keys, ascending=[*down, True], na_position="last")
    return ordered.drop(columns="found")


def _sorting(column: pd.Series) -> list[Any]:
    return [
        None if not known(value) else value if isinstance(value, int | str) else float(f"{value:.6g}")
        for value in column.tolist()
    ]


def _shades(average: Float[np.ndarray, "h w"]) -> list[tuple[str, str]]:
    """A map as horizontal strokes of one cell's height, grouped by opacity: few bytes in the page."""
    level = np.round(LEVELS * average).astype(int)
    shades = []
    for shade in range(1, LEVELS + 1):
        strokes = []
        for y, line in enumerate(level == shade):
            edges = np.flatnonzero(np.diff(np.pad(line, 1).astype(int)))
            strokes += [f"M{x0} {y}h{x1 - x0}" for x0, x1 in zip(edges[::2], edges[1::2], strict=True)]
        if strokes:
            shades.append((f"{shade / LEVELS:.3g}".removeprefix("0"), "".join(strokes)))
    return shades


def _highest(average: Float[np.ndarray, "h w"]) -> str:
    y, x = np.unravel_index(average.argmax(), average.shape)
    return f"highest in row {y + 1} of {average.shape[0]}, column {x + 1} of {average.shape[1]}"


def _bar(facts: Facts, reach: float) -> Bar | None:
    if not known(facts["difference"]):
        return None
    low, high, point = (
        round(BAR * (facts[key] + reach) / (2 * reach), 1)
        for key in ("difference_low", "difference_high", "difference")
    )
    return Bar(low, high, point, zero=BAR / 2)


def _examples(inputs: Inputs) -> tuple[list[Sheet], dict[int, list[Sprite]]]:
    """Evenly spaced different crops of each code, as sheets and as places on them."""
    crops = distinct_crops(inputs)
    by_code = crops.groupby("code").groups.values()
    chosen = [rows.to_numpy()[evenly_spaced(len(rows), inputs.config.crops)] for rows in by_code]
    rows = np.concatenate(chosen) if chosen else np.zeros(0, np.int64)
    sheets, sprites = pack(read_crops(inputs, rows), CELL)
    of: dict[int, list[Sprite]] = {}
    for code, sprite in zip(crops["code"].loc[rows], sprites, strict=True):
        of.setdefault(int(code), []).append(sprite)
    return sheets, of
