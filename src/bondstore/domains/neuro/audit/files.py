"""One file looked into as a whole: its bytes, and what its kind has besides."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from typing_extensions import Buffer

from bondstore.domains.neuro.audit.bytescan import BLOCK, ByteScan, ByteSearch, Hit
from bondstore.domains.neuro.audit.recordings import CANNOT, RecordingLook, is_recording, kinds_in
from bondstore.domains.neuro.audit.sought import NAME, Sought
from bondstore.domains.neuro.audit.texts import DOUBT, TextSearch
from bondstore.domains.neuro.audit.videos import VideoLook, is_video

PICTURE = "picture"
_TEXTS = ("txt", "csv", "tsv", "json", "jsonl", "html", "htm", "xml", "md", "toml", "yaml", "yml", "log", "sha256")
_WITHOUT_TEXT = ("sqlite-shm", "lock", "sig")
"""Endings of what runs and vaults leave that is no text: all there is to look at are its bytes."""
_SQLITE = b"SQLite format 3\0"
START = 256
"""Bytes that tell what a file is."""
_HIDDEN = "(hidden)"
_WAL = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")


@dataclass(slots=True)
class FileLook:
    """What a look into one file found."""

    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often, by place and kind."""
    size: int = 0


class Searches:
    """What is looked for, ready for all files."""

    def __init__(self, sought: Sought) -> None:
        self.texts, self.bytes = TextSearch(sought), ByteSearch(sought.patterns)

    def path(self, key: str) -> tuple[str, Counter[tuple[str, str]]]:
        """Look at a file's path; return it without the names in it, and what was found in which part."""
        found = Counter[tuple[str, str]]()
        shown = []
        parts = key.split("/")
        for number, part in enumerate(parts, 1):
            kinds = self.texts.find(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", part)) | self.texts.find(part)
            place = "file name" if number == len(parts) else "folder name"
            found.update((place, kind) for kind in kinds)
            shown.append(_HIDDEN if kinds else part)
        return "/".join(shown), found


class Look:
    """A look into all bytes of a file, once and in constant memory, as they come."""

    def __init__(self, key: str, searches: Searches) -> None:
        self._key, self._searches = key, searches
        self._look = FileLook()
        self._scan = ByteScan(searches.bytes)
        self._special: _Look | None = None
        self._start = bytearray()
        """What is held of a file until it tells what it is."""
        self._raw = Counter[tuple[str, str]]()

    def feed(self, chunk: Buffer) -> None:
        """Take more of the file."""
        view = memoryview(chunk).cast("B")
        if self._special is None and len(self._start) + len(view) < START:
            self._start += view
            return
        if self._start:
            start, self._start = self._start, bytearray()
            self._take(memoryview(start + view[:START]))
            view = view[START:]
        for at in range(0, len(view), BLOCK):  # pieces that stay in the processor's cache while several look at them
            self._take(view[at : at + BLOCK])

    def _take(self, piece: memoryview) -> None:
        if self._special is None:
            self._special = _Look(self._key, bytes(piece[:START]), self._searches.texts, self._look.found)
        self._special.feed(piece)
        self._look.size += len(piece)
        self._count(self._scan.feed(piece))

    def _count(self, hits: Iterable[Hit]) -> None:
        self._raw.update((self._special.region(hit.at) if self._special else "file", hit.kind) for hit in hits)

    def end(self) -> FileLook:
        """Return what was found, once all of the file was taken."""
        if self._start:
            self._take(memoryview(self._start))
        self._count(self._scan.end())
        if self._special is not None:
            self._special.end()
            _merge(self._look.found, self._raw, self._special.regions)
        return self._look


def look_into(key: str, chunks: Iterable[Buffer], searches: Searches) -> FileLook:
    """Look into a file."""
    look = Look(key, searches)
    for chunk in chunks:
        look.feed(chunk)
    return look.end()


def _merge(found: Counter[tuple[str, str]], raw: Counter[tuple[str, str]], regions: frozenset[str]) -> None:
    """Add what was found in bytes, where nothing was found in the same part as a text."""
    for (region, kind), count in raw.items():
        told = {place for (place, other), number in found.items() if other == kind and number}
        fields = told - {"annotation", "samples", "file"}
        if (region in regions and region in told) or (region == "header" and fields):
            continue
        found[region, kind] += count


class _Look:
    """What is looked at besides the bytes of a file, by what its first bytes are."""

    def __init__(self, key: str, start: bytes, search: TextSearch, found: Counter[tuple[str, str]]) -> None:
        self._found, self._search = found, search
        self._recording = RecordingLook(search, found) if is_recording(start) else None
        self._video = VideoLook(found) if is_video(start) else None
        ending = key.rpartition(".")[2].lower()
        self._text = _TextLook(search, found) if ending in _TEXTS else None
        known = self._recording or self._video or self._text or start[:16] == _SQLITE or start[:4] in _WAL
        if not known and ending not in _WITHOUT_TEXT:
            found["file", CANNOT] += 1
        if self._video:
            found["picture and sound", PICTURE] += 1
        self.regions = frozenset(("annotation", "text") if self._recording or self._text else ())

    def region(self, at: int) -> str:
        if self._recording:
            return self._recording.region(at)
        return "text" if self._text else "file"

    def feed(self, view: memoryview) -> None:
        for one in (self._recording, self._video, self._text):
            if one is not None:
                one.feed(view)

    def end(self) -> None:
        for one in (self._recording, self._text):
            if one is not None:
                one.end()


class _TextLook:
    """A text on its way, line by line."""

    def __init__(self, search: TextSearch, found: Counter[tuple[str, str]]) -> None:
        self._search, self._found = search, found
        self._held, self._started = bytearray(), False
        self._encoding = ""

    def feed(self, view: memoryview) -> None:
        self._held += view
        if not self._started and len(self._held) > 1:
            marks = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
            self._encoding, self._started = marks.get(bytes(self._held[:2]), ""), True
        self._lines(whole=False)

    def end(self) -> None:
        self._lines(whole=True)

    def _lines(self, *, whole: bool) -> None:
        """Look at all lines but the last, which may go on."""
        at = len(self._held) if whole or len(self._held) > 1 << 20 else _behind(self._held, self._encoding)
        if self._encoding and not whole:
            at -= at % 2  # of a letter of two bytes one may not have come yet
        content = bytes(self._held[:at])
        del self._held[:at]
        if self._encoding:
            lines = content.decode(self._encoding, "replace").split("\n")
            kinds = (kind for line in lines for kind in self._search.find(line))
        else:
            kinds = (kind for line in content.split(b"\n") if line for kind in kinds_in(line, self._search))
        self._found.update(("text", kind) for kind in kinds)


def _behind(held: bytearray, encoding: str) -> int:
    """Return where the last line that is whole ends; 0 where none is."""
    if not encoding:
        return held.rfind(b"\n") + 1
    mark, end = "\n".encode(encoding), len(held)
    while (at := held.rfind(mark, 0, end)) % 2:  # halves of two letters, or -1
        if at < 0:
            return 0
        end = at + 1
    return at + 2


def is_left(kind: str) -> bool:
    """Whether a kind is something that should not be there."""
    return kind not in (DOUBT, PICTURE, CANNOT)


__all__ = ["DOUBT", "NAME", "PICTURE", "FileLook", "Searches", "is_left", "look_into"]
