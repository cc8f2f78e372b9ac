"""The table of all codes."""
