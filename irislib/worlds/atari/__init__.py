"""Atari 2600 games as worlds, by the Arcade Learning Environment; see the README of this folder."""
