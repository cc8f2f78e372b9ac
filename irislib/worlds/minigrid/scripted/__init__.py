"""Scripted players for MiniGrid."""
