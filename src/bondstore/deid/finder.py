"""What finds identity in a text, as seen by those who take it out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class Found(NamedTuple):
    """What identifies somebody, in a text."""

    start: int
    stop: int
    """Its first character, and the one behind its last."""
    kind: str
    """What it is, such as ``name`` or ``phone``; never the text."""


class Finder(Protocol):
    """Finds what identifies somebody. It is asked for each text by itself, in any order."""

    def find(self, text: str) -> Iterable[Found]:
        """Return what is to be blanked in a text; parts may overlap."""
        ...
