"""Worlds: environments behind the gymnasium interface, with what their simulators know."""

from irislib.runtime import find_numba_cache

find_numba_cache("opensimplex")  # of Crafter's, before numba is imported
