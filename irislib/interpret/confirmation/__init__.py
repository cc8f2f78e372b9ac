"""Which findings hold again: selected on one half of episodes, confirmed on the other (protocol step 10)."""
