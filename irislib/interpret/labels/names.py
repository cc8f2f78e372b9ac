"""Which codes can be named by a label (protocol step 9)?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float64, Int64

from irislib.interpret.confirmation.excess import NULLS, Sums
from irislib.interpret.confirmation.halves import Confirmed, confirm
from irislib.interpret.labels.label_mass import LabelMass


@dataclass(frozen=True)
class Names:
    """Hypotheses that maps of a code show more of a label than other episodes show at the same place and time.

    Attributes:
        code, label: of each of n hypotheses. The display's label is none: it is always where it is.
        sums: mass of the label under the code's maps, by episode.
        found: what was confirmed.
        null: how many are confirmed by chance, if exchanged labels are taken for the observed ones; mean over
            `NULLS` exchanges.
    """

    code: Int64[np.ndarray, " n"]
    label: Int64[np.ndarray, " n"]
    sums: Sums
    found: Confirmed
    null: float

    def columns(self, mass: LabelMass) -> pd.DataFrame:
        """K rows by code: name (missing where a code has none), name_share and name_expected (mean share of a
        map's mass on the label, and in other episodes at the same place and time), name_confirmed (share of
        the divisions).
        """
        held = np.flatnonzero(self.found.holds)
        code = self.code[held]
        size = np.bincount(mass.stretch_code, weights=mass.size, minlength=mass.codes)[code]
        table = pd.DataFrame(
            {
                "name": np.array(mass.names, dtype=object)[self.label[held]],
                "name_share": np.nansum(self.sums.observed[:, held], axis=0, dtype=np.float64) / size,
                "name_expected": self.sums.expected()[:, held].sum(axis=0) / size,
                "name_confirmed": self.found.share[held],
            },
            index=pd.Index(code, name="code"),
        )
        return table.reindex(pd.RangeIndex(mass.codes, name="code"))

    def by_label(self, mass: LabelMass) -> dict[str, int]:
        """Number of named codes for each label of the world."""
        counts = np.bincount(self.label[self.found.holds], minlength=len(mass.names))
        return {name: int(count) for name, count in zip(mass.names[:-1], counts, strict=False)}

    def shares(self, mass: LabelMass) -> tuple[Float64[np.ndarray, "code label"], ...]:
        """Share of the divisions that confirm a code's label, and the expected mass; NaN and 0 elsewhere."""
        confirmed, expected = np.full((mass.codes, len(mass.names)), np.nan), np.zeros((mass.codes, len(mass.names)))
        confirmed[self.code, self.label] = np.where(self.found.tested, self.found.share, np.nan)
        expected[self.code, self.label] = self.sums.expected().sum(axis=0)
        return confirmed, expected


def find_names(
    mass: LabelMass, halves: Bool[np.ndarray, "divisions episodes"], alpha: float, nulls: int = NULLS
) -> Names:
    """Tests each code and each label that its maps ever show; at most one label of a code is selected.

    Args:
        mass: what lies under the maps.
        halves: divisions of the episodes.
        alpha: false discovery rate.
        nulls: exchanges that are tested as if they had been observed.
    """
    code, label = np.nonzero(mass.by_code(mass.mass)[:, :-1] > 0)
    sums = mass.sums(code, label)
    found = confirm(sums.excess().p_values, halves, alpha, code)
    null = [confirm(sums.null(round_).p_values, halves, alpha, code) for round_ in range(nulls)]
    return Names(code, label, sums, found, float(np.mean([one.confirmed.mean() for one in null] or [0])))
