"""Crops: the regions under the maps, and random boxes to compare them with (docs/protocol.md, step 5)."""
