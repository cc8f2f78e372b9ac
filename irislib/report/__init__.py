"""Figures, claims and the page, from the metrics."""
