"""EDF and BDF looked at part by part: fields of the header by their names, and annotations put together over records.

The reading is this module's own, short and strict where the scrubber's is lenient: what it cannot follow counts as not
looked at. Source: Kemp and Olivan 2003, sections 2.1 and 2.2.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from bondstore.domains.neuro.audit.texts import TextSearch

_MAIN = (("version", 8), ("patient", 80), ("recording", 80), ("start date", 8), ("start time", 8), ("length", 8),
         ("reserved", 44), ("records", 8), ("duration", 8), ("signals", 4))  # fmt: skip
_SIGNAL = (("label", 16), ("transducer", 80), ("dimension", 8), ("physical minimum", 8), ("physical maximum", 8),
           ("digital minimum", 8), ("digital maximum", 8), ("prefilter", 80), ("samples", 8),
           ("signal reserved", 32))  # fmt: skip
_LARGEST = 64 << 20
_LONGEST_TEXT = 64 << 10
_OWN_TIME = re.compile(rb"[+-]\d+(?:\.\d*)?\x14\x14\0?", re.ASCII)
_BARE = re.compile(rb"(?:[+-]\d+(?:\.\d*)?\x14\x14)?\0*", re.ASCII)
_MARKS = re.compile(rb"(?:[+-]\d+(?:\.\d*)?(?:\x15\d+(?:\.\d*)?)?)?[\x14\0]+", re.ASCII)
_START = re.compile(r"Startdate (?:\d{2}-[A-Z]{3}-\d{4}|X)((?: \S+)*)", re.ASCII)
ENCODINGS = ("utf-8", "latin-1", "cp850")

IDENTIFICATION = "identification"
CANNOT = "cannot-look"


def is_recording(start: bytes) -> bool:
    """Whether bytes are the beginning of an EDF or BDF file."""
    return start[:8] in (b"0       ", b"\xffBIOSEMI")


class RecordingLook:
    """One recording on its way; what is found is counted by place and kind."""

    def __init__(self, search: TextSearch, found: Counter[tuple[str, str]]) -> None:
        self._search, self._found = search, found
        self._held = bytearray()
        self._record, self._columns = 0, list[slice]()
        self._open: dict[int, bytes] = {}
        """Text of each annotation signal that had no end yet."""
        self.header_size = 0
        self._lost = False

    @property
    def record_size(self) -> int:
        """Bytes of a record; 0 while it is not known."""
        return self._record

    def region(self, at: int) -> str:
        """Tell in which part of the file a byte is."""
        if at < self.header_size:
            return "header"
        if not self._record:
            return "file"
        column = (at - self.header_size) % self._record
        return "annotation" if any(one.start <= column < one.stop for one in self._columns) else "samples"

    def feed(self, chunk: memoryview) -> None:
        """Take more of the file."""
        if self._lost:
            return
        if not self.header_size:
            self._held += chunk
            if not self._read_header():
                return
            chunk = memoryview(bytes(self._held))
            self._held.clear()
        if self._held:
            missing = self._record - len(self._held)
            self._held += chunk[:missing]
            chunk = chunk[missing:]
            if len(self._held) == self._record:
                self._read_records(memoryview(bytes(self._held)))
                self._held.clear()
        whole = len(chunk) // self._record * self._record
        self._read_records(chunk[:whole])
        self._held += chunk[whole:]
        if len(self._held) > _LARGEST:
            self._give_up()

    def end(self) -> None:
        """Look at what is left: a record that ends early, a text without an end."""
        if self._lost:
            return
        if not self.header_size:
            self._give_up()
            return
        if self._held:
            rest = bytes(self._held).ljust(self._record, b"\0")
            self._read_records(memoryview(rest))
        for text in self._open.values():
            self._look_at("annotation", text)

    def _give_up(self) -> None:
        self._lost = True
        self._held.clear()
        self._found["recording", CANNOT] += 1

    def _read_header(self) -> bool:
        """Read the header once all of it is there."""
        if len(self._held) < 256:
            return False
        count = _integer(bytes(self._held[252:256]))
        size = 256 * (count + 1)
        if not 0 < count < 10_000:
            self._give_up()
            return False
        if len(self._held) < size:
            return False
        fields = list(_fields(bytes(self._held[:size]), count))
        width = 3 if self._held[:1] == b"\xff" else 2
        sizes = [_integer(content) * width for name, content in fields if name == "samples"]
        self.header_size, self._record = size, sum(sizes)
        if self._record <= 0 or min(sizes) < 0:
            self._look_at_header(fields)
            self._give_up()
            return False
        labels = [content for name, content in fields if name == "label"]
        ends = [sum(sizes[: n + 1]) for n in range(count)]
        self._columns = [
            slice(end - one, end)
            for label, one, end in zip(labels, sizes, ends, strict=True)
            if one and label.strip(b" \0").lower() in (b"edf annotations", b"bdf annotations")
        ]
        self._look_at_header(fields)
        del self._held[:size]
        return True

    def _look_at_header(self, fields: list[tuple[str, bytes]]) -> None:
        for name, content in fields:
            self._look_at(name, content.strip(b" \0"))
        patient = fields[1][1].decode("latin-1").split()
        if set(patient[1:]) - {"X"}:
            self._found["patient", IDENTIFICATION] += 1
        recording = fields[2][1].decode("latin-1").strip(" \0")
        stated = _START.fullmatch(recording)
        if recording and (stated is None or set(stated[1].split()) - {"X"}):
            self._found["recording", IDENTIFICATION] += 1
        more = [name for name, content in fields if name == "reserved" and len(content.split()) > 1]
        self._found["reserved", IDENTIFICATION] += len(more)

    def _read_records(self, content: memoryview) -> None:
        """Look at the annotations of whole records; most have only the time of their record."""
        for signal, column in enumerate(self._columns):
            parts = np.frombuffer(content, np.uint8).reshape(-1, self._record)[:, column].tobytes()
            size = column.stop - column.start
            for at in range(0, len(parts), size):
                if signal in self._open or not _BARE.fullmatch(parts, at, at + size):
                    self._read_signal(signal, parts[at : at + size])

    def _read_signal(self, signal: int, part: bytes) -> None:
        text = part.rstrip(b"\0")
        before = self._open.pop(signal, None)
        if before is not None:
            own = _OWN_TIME.match(text)
            text = before + (text[own.end() :] if own else text)
        if text and text[-1:] != b"\x14" and len(text) < _LONGEST_TEXT:
            self._open[signal] = text
            return
        for one in _MARKS.split(text):
            self._look_at("annotation", one)

    def _look_at(self, place: str, content: bytes) -> None:
        if content:
            for kind in kinds_in(content, self._search):
                self._found[place, kind] += 1


def kinds_in(content: bytes, search: TextSearch) -> frozenset[str]:
    """Return what a text holds, in whatever encoding it is."""
    if content.isascii():
        return search.find(content.decode("ascii"))
    return frozenset().union(*(search.find(content.decode(one, "replace")) for one in ENCODINGS))


def _fields(header: bytes, count: int) -> Iterator[tuple[str, bytes]]:
    at = 0
    for name, size in _MAIN:
        yield name, header[at : at + size]
        at += size
    for name, size in _SIGNAL:
        for _ in range(count):
            yield name, header[at : at + size]
            at += size


def _integer(content: bytes) -> int:
    """Return a number of the header; -1 for what is none."""
    text = content.strip(b" \0")
    return int(text) if text.isdigit() else -1
