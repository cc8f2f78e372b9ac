"""Crops: the regions under the heatmaps, and random boxes to compare them with (protocol step 5)."""
