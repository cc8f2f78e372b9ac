"""Embedding: crops to feature vectors (protocol step 6)."""
