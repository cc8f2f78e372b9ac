"""Published numbers to compare with: the paper's, and what other agents reach in each world."""

from dataclasses import dataclass

# Eaton, Balloch, Kim and Riedl 2024 (arXiv 2407.19532).
PAPER_EMPTY_SHARE = 0.90
PAPER_PAIR_SHARE = 0.001

# Sizes of IRIS's nets (arXiv 2209.00588, appendix A), by their keys in the agent's config.json.
IRIS_SIZES: dict[str, tuple[str, int | list[int]]] = {
    "tokenizer.ch": ("channels of the tokenizer", 64),
    "tokenizer.ch_mult": ("multiples of them", [1, 1, 1, 1, 1]),
    "tokenizer.num_res_blocks": ("residual blocks", 2),
    "tokenizer.attn_resolutions": ("feature maps with attention", [8, 16]),
    "tokenizer.z_channels": ("channels before the codebook", 512),
    "tokenizer.quantizer.embed_dim": ("dimensions of a code", 512),
    "world_model.num_layers": ("layers of the world model", 10),
    "world_model.embed_dim": ("its dimensions", 256),
    "world_model.max_blocks": ("steps that it sees", 20),
    "actor_critic.lstm_dim": ("units of the policy's LSTM", 512),
}


@dataclass(frozen=True)
class Published:
    """An agent that was published.

    Attributes:
        name: who plays.
        steps: environment steps of training; None if there was no training to count.
        returns: mean return of an episode.
        score: the world's score in percent; None if it was not published.
        source: paper with its arXiv number, or repository.
    """

    name: str
    steps: int | None
    returns: float
    score: float | None
    source: str


@dataclass(frozen=True)
class Recording:
    """Published episodes.

    Attributes:
        name: who plays.
        source: paper or repository.
        episodes: number of episodes.
        returns: mean return of an episode.
        reached: number of episodes in which a goal is reached at least once, by the goal's name.
    """

    name: str
    source: str
    episodes: int
    returns: float
    reached: dict[str, int]

    def rate(self, goal: str) -> float | None:
        """Share of the episodes in which the goal is reached; None if unknown."""
        return self.reached[goal] / self.episodes if goal in self.reached else None


@dataclass(frozen=True)
class Literature:
    """What is published about a world.

    Attributes:
        agents: rows of the comparison.
        recordings: episodes with the goals that they reach.
        about: what one must know to compare; plain text.
    """

    agents: tuple[Published, ...] = ()
    recordings: tuple[Recording, ...] = ()
    about: str = ""


def published(world: str) -> Literature:
    """What is published about this world; empty if nothing is known."""
    return _WORLDS.get(world, Literature())


_CRAFTER_AGENTS = (
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

# github.com/danijar/crafter, folder scores: crafter_noreward-random.json and crafter_reward-human.json.
_CRAFTER_RANDOM = Recording(
    name="random actions",
    source="Hafner 2021",
    episodes=29_784,
    returns=1.3766,
    reached={
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
_CRAFTER_HUMAN = Recording(
    name="human experts",
    source="Hafner 2021",
    episodes=100,
    returns=12.959,
    reached={
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

_WORLDS = {
    "crafter": Literature(
        _CRAFTER_AGENTS,
        (_CRAFTER_RANDOM, _CRAFTER_HUMAN),
        "The score is Crafter's: the geometric mean of the success rates of all achievements. The published "
        "returns of random actions and of human experts are the returns of one episode in each of five runs. "
        f"Over all {_CRAFTER_RANDOM.episodes:,} and {_CRAFTER_HUMAN.episodes} episodes of these runs the "
        f"mean returns are {_CRAFTER_RANDOM.returns:.3g} and {_CRAFTER_HUMAN.returns:.3g}.",
    )
}
