"""Bondstore: read, export, check and prove sensitive research data kept in object storage."""

__version__ = "0.1.0"
