"""Bytes of any kind searched for many names at once, at the speed of memory where they are samples.

Names are letters, samples are not. Three letters of each pattern, its anchor, have one at an odd place of the file, or,
in UTF-16, two at even places with a zero between them: a filter lets eight bytes pass where there is such a one. Of
these, each pair of bytes that may both be letters is looked at closer: any three letters in a row have such a pair,
wherever they begin, so that nothing is passed over. They are looked up in a table of all anchors; what is left is
compared byte by byte.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

from bondstore.domains.neuro.audit.sought import NAME, Pattern

BLOCK = 1 << 20
_TAIL = 256
"""Bytes that are looked at again with the next block: no pattern is longer."""
ROOM = _TAIL + BLOCK
_THREE = {step: np.arange(3)[:, None] * step for step in (1, 2)}
"""Where the letters of an anchor are."""
_FIRST_DIGIT = 0x30
_PRINTABLE = frozenset(range(32, 127)) | frozenset(range(0xC0, 0x100)) | {9, 10, 13}
_BESIDE = 18
"""Bytes on each side of a name that say whether it counts; at a block's end they are in the next one."""
_ROOM = 6
"""A name of four letters counts within a text: beside it are so many bytes that are written."""


class Hit(NamedTuple):
    """Something that was found."""

    at: int
    size: int
    kind: str


_Key = tuple[int, int, int]


class _Place(NamedTuple):
    """Where a pattern lies around its anchor: days of birth are many, and lie in few ways around a year."""

    before: int
    """Bytes of the pattern in front of its anchor."""
    size: int


class _Lens(NamedTuple):
    """How letters or digits are looked for: in so many bytes, under a mask."""

    dtype: str
    mask: int
    value: int
    first: int
    """Which byte of a letter holds it."""
    step: int
    """Bytes of a letter."""


_EVEN = _Lens("<u4", 0x00C0FFC0, 0x00400040, 0, 2)
_LENSES = (
    _Lens("<u2", 0xC0C0, 0x4040, 0, 1),
    _Lens("<u2", 0xF0F0, 0x3030, 0, 1),
    _EVEN,
    _Lens("<u4", 0xC0FFC000, 0x40004000, 1, 2),
)


class ByteSearch:
    """What is looked for in bytes; made once for all files."""

    def __init__(self, patterns: tuple[Pattern, ...]) -> None:
        self._tables = {step: np.zeros((32, 32, 32), bool) for step in (1, 2)}
        self._anchors: defaultdict[tuple[int, _Key], defaultdict[_Place, defaultdict[bytes, list[Pattern]]]]
        self._anchors = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
        self.without_anchor = 0
        digits = False
        for one in patterns:
            step, place = one.step, _anchor_of(one)
            if place is None:
                self.without_anchor += 1
                continue
            key = _key(one.content[place : place + 3 * step : step])
            digits = digits or (chr(one.content[place]).isdigit() and step == 1)
            self._tables[step][key] = True
            self._anchors[step, key][_Place(place, len(one.content))][one.content].append(one)
        self._lenses = [one for one in _LENSES if one.value != 0x3030 or digits]
        self._masked = np.empty(ROOM // 4, _EVEN.dtype)
        self._same = np.empty(ROOM // 2, bool)

    def find(self, room: NDArray[np.uint8], size: int, seen: int, upto: int) -> Iterator[Hit]:
        """Yield what ends in a block behind the first `seen` bytes, and not behind the first `upto`.

        The block is the first `size` bytes of a room, with zeros behind them up to a multiple of eight.
        """
        view = room[:size].data.cast("B")
        padded = room[: -(-size // 8) * 8]
        odd, even = self._odd(padded), self._even(padded)
        for lens in self._lenses:
            for at in self._places(padded, lens, even if lens is _EVEN else odd):
                key = _key(bytes(view[at : at + 3 * lens.step : lens.step]))
                for (before, length), patterns in self._anchors[lens.step, key].items():
                    start, stop = at - before, at - before + length
                    if start >= 0 and seen < stop <= upto:
                        for one in patterns.get(bytes(view[start:stop]).lower(), ()):
                            if _counts(view, start, stop, one):
                                yield Hit(start, length, one.kind)

    def _odd(self, content: NDArray[np.uint8]) -> NDArray[np.intp]:
        """Return which eights of bytes have a letter or a digit at an odd place: as numbers, such pairs are large."""
        pairs = content.view("<i2")
        large = np.greater_equal(pairs, _FIRST_DIGIT << 8, out=self._same[: pairs.size])
        return np.flatnonzero(large.view("<u4") != 0)

    def _even(self, content: NDArray[np.uint8]) -> NDArray[np.intp]:
        """Return which eights of bytes have letters at even places with a zero between them."""
        words = content.view(_EVEN.dtype)
        masked = np.bitwise_and(words, _EVEN.mask, out=self._masked[: words.size])
        same = np.equal(masked, _EVEN.value, out=self._same[: words.size])
        return np.flatnonzero(same.view("<u2") != 0)

    def _places(self, content: NDArray[np.uint8], lens: _Lens, eights: NDArray[np.intp]) -> list[int]:
        """Return where an anchor may begin that has a pair of letters, or of digits, in these eights of bytes."""
        words = content.view(lens.dtype)
        width = words.itemsize
        found = (eights[:, None] * (8 // width) + np.arange(8 // width)).ravel()
        found = found[words[found] & lens.mask == lens.value]
        if not found.size:
            return []
        places = found * width + lens.first
        places = np.concatenate((places, places - lens.step))
        places = places[(places >= 0) & (places + 2 * lens.step < content.size)]
        three = content[places + _THREE[lens.step]] & 31
        hits: list[int] = places[self._tables[lens.step][three[0], three[1], three[2]]].tolist()
        return hits


def _key(three: bytes) -> _Key:
    return three[0] & 31, three[1] & 31, three[2] & 31


def _anchor_of(pattern: Pattern) -> int | None:
    """Return where three letters, or three digits, are in a row."""
    content, step = pattern.content, pattern.step
    for at in range(pattern.first, len(content) - 2 * step, step):
        three = content[at : at + 3 * step : step]
        if step == 2 and any(content[at + 1 : at + 4 : 2]):
            continue
        if all(64 <= one < 128 for one in three) or (step == 1 and all(48 <= one < 64 for one in three)):
            return at
    return None


def _counts(view: memoryview, start: int, stop: int, pattern: Pattern) -> bool:
    """Whether a pattern counts: the fewer letters it has, the more must speak for it, as samples are like anything."""
    if pattern.step > 1 or (pattern.kind == NAME and pattern.letters > 5):
        return True
    before, after = bytes(view[max(0, start - _BESIDE) : start]), bytes(view[stop : stop + _BESIDE])
    if pattern.kind != NAME:
        return not (before.rstrip(b"0")[-1:].isdigit() or after[:1].isdigit())
    if before[-1:].isalpha() or after[:1].isalpha():
        return False
    if pattern.letters > 4:
        return True
    return _run(reversed(before)) + _run(iter(after)) >= _ROOM


def _run(content: Iterator[int]) -> int:
    for number, one in enumerate(content):
        if one not in _PRINTABLE:
            return number
    return _BESIDE


class ByteScan:
    """One file on its way through a search, in chunks of any size."""

    def __init__(self, search: ByteSearch) -> None:
        self._search = search
        self._room = np.empty(ROOM, np.uint8)
        self._held = 0
        """Bytes that were seen before, at the beginning of the room."""
        self._filled = 0
        self._at = 0
        """Where in the file the room begins."""

    def feed(self, chunk: Buffer) -> Iterator[Hit]:
        """Take more of the file, and yield what was found."""
        content = np.frombuffer(memoryview(chunk).cast("B"), np.uint8)
        while content.size:
            taken = content[: self._room.size - self._filled]
            self._room[self._filled : self._filled + taken.size] = taken
            self._filled += taken.size
            content = content[taken.size :]
            if self._filled == self._room.size:
                yield from self._searched()

    def end(self) -> Iterator[Hit]:
        """Yield what was found in the last of it."""
        yield from self._searched(is_last=True)

    def _searched(self, *, is_last: bool = False) -> Iterator[Hit]:
        upto = self._filled if is_last else self._filled - _BESIDE
        self._room[self._filled : self._filled + 7] = 0
        for hit in self._search.find(self._room, self._filled, max(0, self._held - _BESIDE), upto):
            yield hit._replace(at=self._at + hit.at)
        kept = min(_TAIL, self._filled)
        self._room[:kept] = self._room[self._filled - kept : self._filled].copy()
        self._at += self._filled - kept
        self._held = self._filled = kept
