"""A synthetic study, and the demonstration that exports it from a real server."""
