"""Environments behind the gymnasium interface, with what their simulator knows."""

from irislib.runtime import find_numba_cache

find_numba_cache("opensimplex")  # of Crafter's, before numba is imported
