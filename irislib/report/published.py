"""Published figures on Crafter, to see an agent's own beside; each with its source."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A row of the comparison.

    Attributes:
        name: who plays.
        steps: of the environment, trained on; None where that means nothing.
        returns: of an episode, mean, in rewards.
        score: Crafter's, percent; None where it was not published.
        source: paper by its arXiv number, or repository.
    """

    name: str
    steps: int | None
    returns: float
    score: float | None
    source: str


PUBLISHED = (
    Published("random actions", 0, 2.1, 1.6, "Hafner 2021 (arXiv 2109.06780)"),
    Published(
        "IRIS",
        1_000_000,
        5.5,
        6.66,
        "return: Micheli et al. 2024 (arXiv 2406.19320); score: Kim et al. 2026 (arXiv 2605.16457)",
    ),
    Published("DreamerV3 XL", 1_000_000, 9.2, None, "as run by Micheli et al. 2024 (arXiv 2406.19320)"),
    Published("DreamerV3", 1_000_000, 11.7, 14.5, "Hafner et al. 2023 (arXiv 2301.04104)"),
    Published("human experts", None, 14.3, 50.5, "Hafner 2021 (arXiv 2109.06780)"),
)


@dataclass(frozen=True)
class Recording:
    """Episodes that the author of Crafter recorded: github.com/danijar/crafter, scores/*.json, all five runs.

    Attributes:
        episodes: how many.
        returns: mean, in rewards.
        unlocked: episodes that unlock an achievement at least once, by its name.
    """

    episodes: int
    returns: float
    unlocked: dict[str, int]


RANDOM = Recording(  # crafter_noreward-random.json
    episodes=29_784,
    returns=1.3766,
    unlocked={
        "collect_coal": 0,
        "collect_diamond": 0,
        "collect_drink": 2776,
        "collect_iron": 0,
        "collect_sapling": 14947,
        "collect_stone": 4,
        "collect_wood": 7260,
        "defeat_skeleton": 5,
        "defeat_zombie": 41,
        "eat_cow": 112,
        "eat_plant": 2,
        "make_iron_pickaxe": 0,
        "make_iron_sword": 0,
        "make_stone_pickaxe": 0,
        "make_stone_sword": 0,
        "make_wood_pickaxe": 96,
        "make_wood_sword": 95,
        "place_furnace": 0,
        "place_plant": 13288,
        "place_stone": 3,
        "place_table": 1299,
        "wake_up": 27878,
    },
)
HUMAN = Recording(  # crafter_reward-human.json
    episodes=100,
    returns=12.959,
    unlocked={
        "collect_coal": 86,
        "collect_diamond": 12,
        "collect_drink": 92,
        "collect_iron": 53,
        "collect_sapling": 67,
        "collect_stone": 100,
        "collect_wood": 100,
        "defeat_skeleton": 31,
        "defeat_zombie": 84,
        "eat_cow": 89,
        "eat_plant": 8,
        "make_iron_pickaxe": 26,
        "make_iron_sword": 22,
        "make_stone_pickaxe": 78,
        "make_stone_sword": 78,
        "make_wood_pickaxe": 100,
        "make_wood_sword": 45,
        "place_furnace": 32,
        "place_plant": 24,
        "place_stone": 90,
        "place_table": 100,
        "wake_up": 73,
    },
)
