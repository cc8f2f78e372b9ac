"""Against the official implementation: the same numbers, and how much faster.

Run from the repository's root, with a checkout of github.com/eloialonso/iris; nothing of it is kept here.
"""
