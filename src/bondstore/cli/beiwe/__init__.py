"""``bondstore beiwe``."""
