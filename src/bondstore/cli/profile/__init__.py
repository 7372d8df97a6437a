"""``bondstore profile``: named settings to open stores."""
