"""A view for each code, and the token inspector: what the page's scripts read."""
