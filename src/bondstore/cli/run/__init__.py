"""``bondstore run``: what was done, what is left, go on."""
