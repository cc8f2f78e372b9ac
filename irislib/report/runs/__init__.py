"""Two runs side by side, and a run while it trains."""
