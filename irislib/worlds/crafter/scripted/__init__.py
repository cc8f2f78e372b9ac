"""A scripted player for Crafter."""
