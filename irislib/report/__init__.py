"""Figures, the table of claims, and the page."""
