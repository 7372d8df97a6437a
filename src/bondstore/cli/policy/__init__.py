"""``bondstore policy``."""
