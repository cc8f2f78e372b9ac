"""Sensitivity: how the share of empty maps depends on each choice, and on the attribution method (step 4)."""
