"""Labels: what the simulator says is under the heatmaps (protocol step 9)."""
