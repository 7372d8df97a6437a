"""Texts in EDF files: read in whatever encoding they have, and blanked where they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bondstore.deid.finder import Finder, Found

_BLANK = bytes(letter if letter < 32 else 88 for letter in range(256))
"""Every byte becomes an X, except the marks that part texts from each other."""
_STRAY = re.compile("[\udc80-\udcff]")
FIRST_WORD, LAST_WORD = re.compile(rb"\A\S+"), re.compile(rb"\S+\Z")
_SINGLE = ("latin-1", "cp850")
"""Encodings of one byte a letter, in which hospitals' machines write: those of Windows and of DOS."""


def decoded(content: bytes) -> str:
    """Return a text: ASCII as it should be, else UTF-8, else Latin-1. Nothing is lost."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def blank(content: memoryview, finder: Finder) -> list[str]:
    """Blank what identifies somebody, byte for byte; return the kinds of what was found."""
    found = dict.fromkeys(_found(bytes(content), finder))
    for start, stop, _ in found:
        content[start:stop] = bytes(content[start:stop]).translate(_BLANK)
    return [kind for _, _, kind in found]


def blank_word(content: memoryview, word: re.Pattern[bytes]) -> bool:
    """Blank the word that a pattern finds; say whether there is one."""
    found = word.search(bytes(content))
    if found is not None:
        content[slice(*found.span())] = found[0].translate(_BLANK)
    return found is not None


def _found(content: bytes, finder: Finder) -> Iterator[Found]:
    """Yield what is found, by bytes. Bytes that are not UTF-8 as a whole can be so in part, so all readings count."""
    text = content.decode("utf-8", "surrogateescape")
    shown = _STRAY.sub("\ufffd", text)
    for start, stop, kind in finder.find(shown):
        first = start if text.isascii() else _size(text[:start])
        yield Found(first, first + _size(text[start:stop]), kind)
    if shown != text:
        for encoding in _SINGLE:
            yield from finder.find(content.decode(encoding))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
