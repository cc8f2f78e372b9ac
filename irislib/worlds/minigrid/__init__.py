"""MiniGrid's and BabyAI's levels, their staged scenes, and scripted players."""
