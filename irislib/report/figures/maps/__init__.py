"""Figures about the heatmaps: how many are empty, and why."""
