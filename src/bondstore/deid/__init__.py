"""Identities out: subject codes, dates, faces, text."""
