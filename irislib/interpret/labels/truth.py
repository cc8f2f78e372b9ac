"""The frame as the simulator lays it out: a square of cells, the local view above, the inventory below."""

from dataclasses import dataclass

import numpy as np

from irislib.artifacts import Store
from irislib.errors import ArtifactError
from irislib.interpret.upsampling import upsample

Array = np.ndarray

HUD = "hud"
ASLEEP = "asleep"


@dataclass(frozen=True)
class View:
    """Cells of a frame. The margin beside the square of cells belongs to none.

    Attributes:
        frame: height and width, in pixels.
        rows: of cells in the local view; those below are the HUD (the inventory).
        columns: of cells, and rows in all.
        cell: pixels along each side of a cell.
    """

    frame: tuple[int, int]
    rows: int
    columns: int
    cell: int

    @property
    def local(self) -> int:
        """Cells in the local view; they come first, row by row, then those of the HUD."""
        return self.rows * self.columns

    @property
    def cells(self) -> int:
        """Cells in all."""
        return self.columns**2

    def sum_cells(self, pixels: Array) -> Array:
        """Sums [N,H,W] over the pixels of each cell, [N,cells]."""
        side = self.columns * self.cell
        split = pixels[:, :side, :side].reshape(-1, self.columns, self.cell, self.columns, self.cell)
        total: Array = split.sum(axis=(2, 4)).reshape(len(pixels), -1)
        return total

    def weights(self, grid: tuple[int, ...]) -> Array:
        """How each value of a map spreads over the cells when it is upsampled bilinearly.

        Upsampling is linear, so a map's mass on every cell is the map times this matrix.

        Args:
            grid: rows and columns of a map.

        Returns:
            float32 [grid cells, cells].
        """
        size = grid[0] * grid[1]
        return self.sum_cells(upsample(np.eye(size, dtype=np.float32).reshape(size, *grid), self.frame))

    def patches(self, grid: tuple[int, ...]) -> Array:
        """Pixels that each position of a grid of tokens shares with each cell, float32 [positions, cells]."""
        size = grid[0] * grid[1]
        scale = np.array(self.frame) // grid
        pixels = np.kron(np.eye(size).reshape(size, *grid), np.ones(scale)).astype(np.float32)
        return self.sum_cells(pixels)


def read_view(rollouts: Store) -> View:
    """The view of recorded play."""
    _, height, width, _ = rollouts.array("obs").shape
    _, rows, columns = rollouts.array("semantic").shape
    return View((height, width), rows, columns, int(rollouts.attrs["cell"]))


@dataclass(frozen=True)
class Truth:
    """What the simulator says stands in each cell.

    Attributes:
        view: where the cells are.
        names: the L labels: the simulator's, "asleep" and "hud".
        semantic: u8 [T,local], in [0, L - 1); "asleep" in every cell while the player sleeps, who sees dark
            shades of grey in which one thing looks much like another.
        items: names of the I items of the inventory.
        amounts: u8 [T,I], how many of each there are.
    """

    view: View
    names: tuple[str, ...]
    semantic: Array
    items: tuple[str, ...]
    amounts: Array

    def with_hud(self, steps: Array) -> Array:
        """Labels of the local cells and, as one more, of the HUD, u8 [len(steps),local + 1]."""
        hud = np.full((len(steps), 1), len(self.names) - 1, np.uint8)
        return np.concatenate([self.semantic[steps], hud], axis=1)

    def on_items(self, values: Array, steps: Array) -> Array:
        """Values on the cells of the items that the player holds: [n,cells] to [n,I].

        Crafter gives every item a cell of the HUD, in the order of the inventory, row by row, whatever else
        the player holds; it shows the item and its number there, and nothing where there is none.
        """
        first = self.view.local
        held: Array = values[:, first : first + len(self.items)] * (self.amounts[steps] > 0)
        return held

    def join_hud(self, values: Array) -> Array:
        """Sums the HUD's cells: [n,cells] to [n,local + 1]."""
        hud = values[:, self.view.local :].sum(axis=1, keepdims=True, dtype=values.dtype)
        return np.concatenate([values[:, : self.view.local], hud], axis=1)

    def by_label(self, values: Array, steps: Array) -> Array:
        """Sums over the cells of each label.

        Args:
            values: [n,cells], of n maps.
            steps: int [n], in whose observations.

        Returns:
            float64 [n,L].
        """
        n, labels = len(values), len(self.names)
        index = np.arange(n)[:, None] * labels + self.with_hud(steps)
        total = np.bincount(index.ravel(), weights=self.join_hud(values).ravel(), minlength=n * labels)
        return total.reshape(n, labels)


def read_truth(rollouts: Store) -> Truth:
    """The ground truth of recorded play. Raises ArtifactError where labels or items are not all named."""
    semantic, amounts = rollouts.read("semantic"), rollouts.read("inventory")
    names = (*rollouts.attrs["label_names"], ASLEEP, HUD)
    items = tuple(rollouts.attrs["item_names"])
    if semantic.max() >= names.index(ASLEEP) or amounts.shape[1] != len(items):
        raise ArtifactError(f"{rollouts.path}: labels or items without a name; run the rollout stage again")
    semantic = semantic.reshape(len(semantic), -1)
    semantic[rollouts.read("asleep")] = names.index(ASLEEP)
    return Truth(read_view(rollouts), names, semantic, items, amounts)
