"""``bondstore keys``."""
