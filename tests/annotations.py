"""How the tests check annotations: jaxtyping hands every function of irislib to `check`."""

import numpy as np
from beartype import BeartypeConf, FrozenDict, beartype

# numpy's numbers pass for Python's, as they do for mypy.
check = beartype(
    conf=BeartypeConf(
        hint_overrides=FrozenDict({int: int | np.integer, float: float | int | np.number}),
    )
)
