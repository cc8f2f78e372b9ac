"""The pipeline's stages: one thin click command each, run from the repository's root."""
