"""Exporting a study: files as they are, and tables."""
