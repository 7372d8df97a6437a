"""Reading: objects fetched, opened and parsed into typed tables."""
