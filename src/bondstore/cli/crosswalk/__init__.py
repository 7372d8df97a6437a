"""``bondstore crosswalk``."""
