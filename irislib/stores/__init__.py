"""Schemas of the Zarr artifacts: which arrays there are and what they mean."""
