"""Do the discrete codes of a world model mean anything? Train IRIS, map its codes, measure them."""
