"""``bondstore aws``: try handlers, package them, describe what they stand on."""
