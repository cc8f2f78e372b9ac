"""The recorded observations: their strata, and what stands in for each of them (protocol step 10)."""
