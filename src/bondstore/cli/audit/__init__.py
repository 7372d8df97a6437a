"""``bondstore audit``: the record of everything read."""
