"""What is in the documentation: pages, blocks of code, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from docs.transcripts import commands

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`(bondstore [^`]+)`(?!`)")


def blocks(page: str, *kinds: str) -> list[str]:
    """Return the content of a page's blocks of these kinds."""
    return [text for kind, text in BLOCK.findall(PAGES[page]) if kind in kinds]


def mentioned(page: str) -> Iterator[str]:
    """Yield every command inside a page's text."""
    yield from _INLINE.findall(BLOCK.sub("", PAGES[page]))


def lines(page: str) -> Iterator[str]:
    """Yield every line of shell that a page shows, or runs without showing it."""
    for block in blocks(page, "console"):
        yield from commands(block)
    for block in blocks(page, "sh"):
        yield from block.replace("\\\n", " ").splitlines()
    yield from re.findall(r"^<!-- first: (.*) -->$", PAGES[page], re.MULTILINE)
