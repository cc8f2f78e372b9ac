"""Which findings hold again: selected on one half of the episodes, confirmed on the other (protocol step 10)."""
