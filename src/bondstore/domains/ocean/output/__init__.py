"""Tested profiles into files that others can read."""
