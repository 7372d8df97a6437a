"""Pages and messages from templates: whatever comes from outside stays text, and nothing is loaded or run."""

from bondstore.pages.render import render, stream

__all__ = ["render", "stream"]
