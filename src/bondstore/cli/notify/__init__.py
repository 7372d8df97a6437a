"""``bondstore notify``."""
