"""``bondstore participants``."""
