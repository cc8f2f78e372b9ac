"""The table of all codes: what is said, drawn, sorted and filtered by in each row."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.report.inputs import Inputs
from irislib.report.pictures import average_maps, distinct_crops, read_crops
from irislib.report.sprites import Sheet, Sprite, pack
from irislib.report.wording import label_name, many, number, percent, signed

Array = np.ndarray

CELL = 32  # pixels of a crop on its sheet; the largest crops are smaller or averaged down
LEVELS = 8  # shades of an average map
BAR = 100  # units across an interval's bar

# Columns by their key: what stands in the header, and the column of codes.csv that they are sorted by.
COLUMNS = {
    "code": ("code", ""),
    "uses": ("uses", "uses"),
    "maps": ("average map", "empty_share"),
    "crops": ("crops", "distinct_crops"),
    "label": ("nearest ground truth", "label"),
    "share": ("share of maps", "label_share"),
    "lift": ("lift", "label_lift"),
    "difference": ("against random crops", "difference"),
    "q": ("q-value", "q_value"),
    "place": ("beyond its place", "place_q_value"),
    "mono": ("mono­semanticity", "monosemanticity"),
}
# States to filter by; each row has all that apply.
STATES = {
    "consistent": "consistent",
    "tested": "tested",
    "untested": "not tested",
    "empty": "used, every map empty",
    "unused": "never used",
    "terrain": "on the world",
    "inventory": "on the inventory",
}


@dataclass(frozen=True)
class Bar:
    """An interval about a point, in units across: drawn beside a line at zero."""

    low: float
    high: float
    point: float
    zero: float


@dataclass(frozen=True)
class Row:
    """A code in words; what is empty does not apply.

    Attributes:
        code: its number.
        states: keys of `STATES`, separated by blanks.
        search: what text is looked for in, beside the number.
        uses, seen: how often it is used, and in how many observations.
        empty: how many of its maps are.
        shades: the average map as (opacity, path of horizontal strokes).
        highest: where the average map is.
        crops: examples, at even distances.
        crops_of: how many there are.
        label, share, lift: the commonest label under its maps.
        named, is_named: whether there is more of the label than its places explain.
        item: of the inventory.
        sure: whether the code is consistent.
        bar, difference: to random crops; `difference` says why where it is not tested.
        q: of it.
        place: whether crops are alike beyond their place.
        mono: monosemanticity, and that of random crops.
    """

    code: int
    states: str
    search: str
    uses: str
    seen: str
    empty: str
    shades: list[tuple[str, str]]
    highest: str
    crops: list[Sprite]
    crops_of: str
    label: str
    share: str
    lift: str
    named: str
    is_named: bool
    item: str
    sure: bool
    bar: Bar | None
    difference: str
    q: str
    place: str
    mono: str


@dataclass(frozen=True)
class CodeTable:
    """All codes of the codebook.

    Attributes:
        rows: by code.
        values: what each column is sorted by, by its key and then by code; None where undefined.
        sheets: of the crops.
        size: rows and columns of the average maps.
        states: how many codes are in each state that some code is in, by its key.
    """

    rows: list[Row]
    values: dict[str, list[Any]]
    sheets: list[Sheet]
    size: tuple[int, int]
    states: dict[str, int]


def tabulate(inputs: Inputs, crops: int) -> CodeTable:
    """The table.

    Args:
        inputs: of the report.
        crops: examples a code, at most.
    """
    codes, alpha = inputs.codes, inputs.metric("consistency.alpha") or 0.0
    maps = average_maps(inputs)
    sheets, sprites = _examples(inputs, crops)
    reach = np.nan_to_num(codes[["difference_low", "difference_high"]].abs().to_numpy()).max() or 1.0
    rows = []
    for code, facts in zip(codes.index, codes.to_dict("records"), strict=True):
        states = _states(facts)
        rows.append(
            Row(
                code=int(code),
                states=" ".join(states),
                search=_search(facts),
                uses=number(facts["uses"]),
                seen=many(facts["steps_present"], "observation") if facts["uses"] else "",
                empty=_empty(facts),
                shades=_shades(maps[code]) if code in maps else [],
                highest=_highest(maps[code]) if code in maps else "",
                crops=sprites.get(code, []),
                crops_of=_crops_of(facts),
                **_truth(facts, alpha),
                is_named=bool(facts["named"]),
                sure=bool(facts["consistent"]),
                bar=_bar(facts, float(reach)),
                difference=_difference(facts),
                q=_judged(facts["q_value"], bool(facts["consistent"]), "consistent"),
                place=_judged(facts["place_q_value"], bool(facts["beyond_place"]), "beyond"),
                mono=_known(facts["monosemanticity"])
                and f"{facts['monosemanticity']:.2f} (random: {facts['monosemanticity_random']:.2f})",
            )
        )
    values = {key: _sorting(codes, column) for key, (_, column) in COLUMNS.items()}
    counts = {state: sum(state in row.states.split() for row in rows) for state in STATES}
    height, width = next(iter(maps.values())).shape if maps else (1, 1)
    return CodeTable(rows, values, sheets, (height, width), {k: n for k, n in counts.items() if n})


def _known(value: Any) -> Any:
    """The value as text where there is one, else nothing."""
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else str(value)


def _sorting(codes: pd.DataFrame, column: str) -> list[Any]:
    if not column:
        return [int(code) for code in codes.index]
    values = codes[column]
    return [
        None if not _known(value) else label_name(value) if isinstance(value, str) else float(f"{value:.6g}")
        for value in values
    ]


def _search(facts: dict[str, Any]) -> str:
    """The label and the item, as far as there are any, in small letters."""
    return " ".join(label_name(facts[key]) for key in ("label", "item") if _known(facts[key])).lower()


def _states(facts: dict[str, Any]) -> list[str]:
    has = {
        "consistent": facts["consistent"],
        "tested": bool(_known(facts["p_value"])),
        "untested": not _known(facts["p_value"]),
        "empty": facts["uses"] > 0 and facts["empty_share"] == 1,
        "unused": facts["uses"] == 0,
        "terrain": facts["kind"] == "terrain",
        "inventory": facts["kind"] == "hud",
    }
    return [state for state in STATES if has[state]]


def _empty(facts: dict[str, Any]) -> str:
    if not _known(facts["empty_share"]) or not facts["uses"]:
        return "no map: never used"
    share = facts["empty_share"]
    return "all empty" if share == 1 else "none empty" if share == 0 else f"{percent(share)} empty"


def _shades(average: Array) -> list[tuple[str, str]]:
    """Strokes of one cell's height by opacity: the map in few bytes."""
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


def _highest(average: Array) -> str:
    y, x = np.unravel_index(average.argmax(), average.shape)
    return f"highest in row {y + 1} of {average.shape[0]}, column {x + 1} of {average.shape[1]}"


def _crops_of(facts: dict[str, Any]) -> str:
    if not facts["crops"]:
        return ""
    different = "1 crop" if facts["distinct_crops"] == 1 else f"{facts['distinct_crops']} different crops"
    return f"{different} of {many(facts['episodes'], 'episode')}"


def _truth(facts: dict[str, Any], alpha: float) -> dict[str, str]:
    if not _known(facts["label"]):
        # Where the code stands is known even where its maps say nothing.
        cell = _known(facts["cell_label"])
        stands = f"stands on {label_name(cell)} ({percent(facts['cell_label_share'])})" if cell else ""
        return {"label": "", "share": "", "lift": "", "named": "", "item": stands}
    q_value = _known(facts["label_q_value"])
    named = f"more than its places hold (q = {_q(facts['label_q_value'])})"
    item = ""
    if _known(facts["item"]):
        told = bool(_known(facts["item_q_value"])) and facts["item_q_value"] <= alpha
        item = f"{facts['item']}: " + (
            f"goes with how many (q = {_q(facts['item_q_value'])})" if told else "not shown to tell how many"
        )
    return {
        "label": label_name(facts["label"]),
        "share": percent(facts["label_share"]),
        "lift": number(float(f"{facts['label_lift']:.2g}")),
        "named": named if facts["named"] else "not shown to exceed its places" if q_value else "not tested",
        "item": item,
    }


def _q(value: float) -> str:
    return f"{value:.2g}"


def _judged(q_value: float, significant: bool, word: str) -> str:
    shown = _known(q_value) and _q(q_value)
    return f"{shown}: {word}" if significant else shown


def _difference(facts: dict[str, Any]) -> str:
    if _known(facts["difference"]):
        ends = [signed(facts[key]) for key in ("difference_low", "difference_high")]
        return f"{signed(facts['difference'])} ({ends[0]} to {ends[1]})"
    if not facts["uses"]:
        return "not tested: never used"
    if facts["empty_share"] == 1:
        return "not tested: every map is empty"
    return f"not tested: {facts['untested']}" if _known(facts["untested"]) else "not tested"


def _bar(facts: dict[str, Any], reach: float) -> Bar | None:
    if not _known(facts["difference"]):
        return None
    low, high, point = (
        round(BAR * (facts[key] + reach) / (2 * reach), 1)
        for key in ("difference_low", "difference_high", "difference")
    )
    return Bar(low, high, point, zero=BAR / 2)


def _examples(inputs: Inputs, wanted: int) -> tuple[list[Sheet], dict[int, list[Sprite]]]:
    """Crops of each code at even distances over all different ones."""
    crops = distinct_crops(inputs)
    by_code = crops.groupby("code").groups.values()
    chosen = [rows.to_numpy()[evenly_spaced(len(rows), wanted)] for rows in by_code]
    rows = np.concatenate(chosen) if chosen else np.zeros(0, np.int64)
    sheets, sprites = pack(read_crops(inputs, rows) if len(rows) else [], CELL)
    of: dict[int, list[Sprite]] = {}
    for code, sprite in zip(crops["code"].loc[rows], sprites, strict=True):
        of.setdefault(int(code), []).append(sprite)
    return sheets, of
