"""The properties of codes that the table can be filtered by, in groups."""

from dataclasses import dataclass

from irislib.report.page.table.code_words import Facts, known, untested


@dataclass(frozen=True)
class Option:
    """A property: its key, how the page calls it, and how many codes have it."""

    key: str
    text: str
    count: int


@dataclass(frozen=True)
class Facet:
    """A group of properties."""

    key: str
    title: str
    options: list[Option]


# Properties by group. Labels are added as they occur.
TITLES = {
    "test": "Crops alike?",
    "place": "Beyond its place?",
    "finding": "Named?",
    "kind": "Shows",
    "maps": "Grad-CAM maps",
    "label": "Most frequent label",
}
TEXTS = {
    "test.consistent": "consistent",
    "test.inconsistent": "tested, not consistent",
    "test.too-few-episodes": "not tested: too few episodes",
    "test.too-few-crops": "not tested: too few crops",
    "test.no-crop": "not tested: no crop",
    "test.never-used": "not tested: never used",
    "place.above": "more alike than other episodes",
    "place.within": "interval includes zero",
    "place.below": "less alike than other episodes",
    "finding.name": "named",
    "finding.item": "tells an item",
    "finding.none": "neither",
    "kind.world": "the world",
    "kind.display": "the display",
    "maps.all": "all empty",
    "maps.some": "some empty",
    "maps.none": "none empty",
}


def facets_of(facts: Facts) -> list[str]:
    """The properties of a code, each as `group.key`."""
    reason = untested(facts).replace(" ", "-")
    has = ["test." + (reason or ("consistent" if facts["consistent"] else "inconsistent"))]
    if known(facts["difference_low"]):
        low, high = facts["difference_low"], facts["difference_high"]
        has.append("place." + ("above" if low > 0 else "below" if high < 0 else "within"))
    found = [key for key in ("name", "item") if known(facts[key])]
    has += [f"finding.{key}" for key in found or ["none"]]
    if known(facts["kind"]):
        has.append(f"kind.{facts['kind']}")
    if facts["uses"] and known(facts["empty_share"]):
        share = facts["empty_share"]
        has.append("maps." + ("all" if share == 1 else "none" if share == 0 else "some"))
    if known(facts["label"]):
        has.append(f"label.{_slug(facts['label'])}")
    return has


def count_facets(codes: list[Facts]) -> list[Facet]:
    """The groups, with the properties that some code has."""
    labels = sorted({facts["label"] for facts in codes if known(facts["label"])})
    texts = TEXTS | {f"label.{_slug(label)}": label for label in labels}
    count = dict.fromkeys(texts, 0)
    for facts in codes:
        for one in facets_of(facts):
            count[one] += 1
    groups = []
    for group, title in TITLES.items():
        keys = [key for key in texts if key.partition(".")[0] == group and count[key]]
        options = [Option(key.partition(".")[2], texts[key], count[key]) for key in keys]
        groups.append(Facet(group, title, options))
    return [group for group in groups if group.options]


def _slug(label: str) -> str:
    """A label without blanks, commas and quotes, as attributes and addresses hold it."""
    return "".join(letter if letter.isalnum() else "-" for letter in label)
