"""Profiles, the project's ``bondstore.toml``, and secrets by reference. Nothing is loaded before it is asked for."""
