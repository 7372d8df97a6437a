"""The version of this Bondstore, and how it names itself in records."""

VERSION = "0.1.0"
TOOL = f"bondstore {VERSION}"
