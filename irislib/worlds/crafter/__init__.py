"""Crafter, its staged scenes, its score, and a scripted player."""

from irislib.runtime import find_numba_cache

find_numba_cache("opensimplex")  # of Crafter's, before numba is imported
