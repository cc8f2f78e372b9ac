"""Figures about what codes mean: consistency, labels, codes that occur together."""
