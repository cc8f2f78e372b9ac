"""Environments behind the gymnasium interface, with what their simulator knows."""
