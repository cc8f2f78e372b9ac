"""Training: experience, imagination and the loop that fits an agent."""
