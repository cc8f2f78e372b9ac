"""The verdict at the top of the page: the answer, its limits, and what would change it."""
