"""Tokenizers: frames to a grid of codes and back."""
