"""The protocol: maps of the codes, the regions under them, and what these have in common."""
