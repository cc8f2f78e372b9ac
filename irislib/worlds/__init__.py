"""Worlds: environments behind the gymnasium interface, with what their simulators know."""
