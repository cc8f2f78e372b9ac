"""Figures about the agent and its tokenizer."""
