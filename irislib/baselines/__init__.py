"""Baselines: tokenizers that know nothing of the world, and codes that say nothing about the observation."""
