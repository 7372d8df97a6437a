"""Pages and messages from templates: whatever comes from outside stays text, and nothing is loaded or run."""

from bondstore.pages.render import render, stream
from bondstore.pages.signs import minute, one_line, visible

__all__ = ["minute", "one_line", "render", "stream", "visible"]
