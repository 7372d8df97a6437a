"""``bondstore screenlake``."""
