"""Identity taken out of EDF and BDF files in one pass: bytes in, bytes out, of the same length, in constant memory.

The identification fields of the header are written anew. Its other texts and the annotations are searched, and what
identifies is blanked where it is, so that no offset moves. Samples are never touched: their checksum is taken on the
way in and on the way out, and a difference is an error. Records in which nothing is blanked leave as the very memory
that came, and are hashed once for both.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, groupby
from typing import NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

from bondstore.codecs.segments import regrouped
from bondstore.deid.edf.annotations import clean_annotations, with_texts
from bondstore.deid.edf.cleanheader import clean_header
from bondstore.deid.edf.findings import EDF, unfit
from bondstore.deid.edf.header import MAIN, Header, read_header
from bondstore.deid.edf.rules import Rules
from bondstore.errors import IntegrityError
from bondstore.findings import Finding
from bondstore.threads import ordered

BLOCK = 1 << 20
"""Bytes that are searched together, about."""
MOST_ANNOTATIONS = 16 << 20
"""Bytes that an annotation signal may have in a record: it is held in memory as a whole."""
_ALL = slice(None)


class Readable(Protocol):
    """A file that is open for reading."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, none at the end."""
        ...


@dataclass(frozen=True)
class Scrubbed:
    """What a pass over a recording did."""

    before: Header
    after: Header
    records: int
    """Whole records that are there; the header may say otherwise."""
    rest: int
    """Bytes of a last record that ends early."""
    samples_in: str
    samples_out: str
    """SHA-256 of all samples, in the order of the file, as they came and as they left."""
    removed: Mapping[tuple[str, str], int]
    """How often something was removed, by place (``patient``, ``label``, ``annotation`` …) and kind."""
    oddities: Mapping[str, int]
    """What was not as it should be, by the words of findings, and how often."""

    def findings(self, key: str) -> list[Finding]:
        """Return the findings about a recording under this key: places and kinds, never texts."""
        odd = [EDF[word].about(key, count=count) for word, count in self.oddities.items()]
        return odd + [
            EDF["identity-removed"].about(key, where=place, count=count, message=f"Removed: {kind}.")
            for (place, kind), count in self.removed.items()
        ]


class _Part(NamedTuple):
    """Whole records, or a part of one; columns are bytes of a record."""

    content: NDArray[np.uint8]
    samples: list[slice]
    annotations: list[slice]
    before: NDArray[np.uint8] | None = None
    """The content as it came, where something was blanked."""
    number: int = 0
    """Which of the file's annotation signals its first one is."""


class Scrub:
    """A pass over one recording: iterate over it once for the bytes without identity, then ask for its result.

    Parameters
    ----------
    source : iterable of buffers, or a file that is open for reading
        The recording. Buffers must stay as they are while the pass runs.
    rules : Rules
        What is taken out, and what is written instead.
    threads : int
        0, or 1 to take the checksums in a thread of their own.

    Raises
    ------
    DamagedError
        While iterating: it is neither EDF nor BDF, or its header is damaged.
    IntegrityError
        At the end: samples left that differ from those that came. What was written must be thrown away.
    """

    def __init__(self, source: Iterable[Buffer] | Readable, rules: Rules, *, threads: int = 0) -> None:
        self._source, self._rules, self._threads = source, rules, min(threads, 1)
        self._removed, self._odd = Counter[tuple[str, str]](), Counter[str]()
        self._in, self._out = hashlib.sha256(), hashlib.sha256()
        self._cut = defaultdict[int, bool](bool)
        self._size, self._step = 0, MAIN
        self._room = np.empty(0, np.uint8)
        self._result: Scrubbed | None = None

    @property
    def result(self) -> Scrubbed:
        """What the pass did, once its last byte was taken."""
        if self._result is None:
            raise RuntimeError("The pass has not reached the end of the file.")
        return self._result

    def __iter__(self) -> Iterator[Buffer]:
        header, rest = read_header(self._chunks())
        if any(one.stop - one.start > MOST_ANNOTATIONS for one in header.annotations):
            raise unfit("edf-annotations-too-large")
        self._step = BLOCK // header.record * header.record or BLOCK
        content, self._removed, words = clean_header(header, self._rules)
        yield content
        # what goes to another thread goes a block at a time: to wake one costs as much as to hash some records
        for parts in ordered(self._hashed, map(self._cleaned, self._parts(header, rest)), self._threads):
            yield from (part.content.data.cast("B") for part in parts)
        self._end(header, Header(content), words)

    def _chunks(self) -> Iterator[Buffer]:
        read = getattr(self._source, "read", None)  # a file is iterable, too: by lines
        return iter(cast("Iterable[Buffer]", self._source)) if read is None else iter(lambda: read(self._step), b"")

    def _end(self, header: Header, after: Header, words: list[str]) -> None:
        records, rest = divmod(self._size, header.record)
        odd = Counter([*header.oddities(), *words]) + header.missing(records, rest)
        checksums = self._in.hexdigest(), self._out.hexdigest()
        if checksums[0] != checksums[1]:
            raise IntegrityError("The samples of the recording changed on their way.", hint="Report this as a defect.")
        self._result = Scrubbed(header, after, records, rest, *checksums, +self._removed, +(odd + self._odd))

    def _parts(self, header: Header, chunks: Iterable[Buffer]) -> Iterator[_Part]:
        """Cut a file into blocks of whole records. What does not fill a record, or a block, comes signal by signal."""
        record, annotations = header.record, list(header.annotations)
        edges = [0, *(edge for one in annotations for edge in (one.start, one.stop)), record]
        samples = [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]
        regions = sorted([*samples, *annotations], key=lambda one: one.start)
        if record > BLOCK:
            yield from self._pieces(chunks, regions, annotations)
            return
        for block in regrouped(chunks, BLOCK // record * record):
            content = np.frombuffer(memoryview(block), np.uint8)
            whole = content.size // record * record
            if whole:
                self._size += whole
                yield _Part(content[:whole].reshape(-1, record), samples, annotations)
            if whole < content.size:
                yield from self._pieces([content[whole:].data], regions, annotations)

    def _pieces(self, chunks: Iterable[Buffer], regions: list[slice], annotations: list[slice]) -> Iterator[_Part]:
        """Cut records into pieces of one signal: of samples as they come, of annotations whole."""
        source = _Pieces(chunks)
        for region in cycle(regions):
            left = region.stop - region.start
            searched = region in annotations
            taken: Iterable[memoryview] = source.take(left)
            if searched:
                taken = filter(None, [memoryview(b"".join(taken))])
            for piece in taken:
                left -= len(piece)
                self._size += len(piece)
                content = np.frombuffer(piece, np.uint8)[None]
                if searched:
                    yield _Part(content, [], [_ALL], number=annotations.index(region))
                else:
                    yield _Part(content, [_ALL], [])
            if left:
                return

    def _cleaned(self, block: _Part) -> list[_Part]:
        """Part records that something may be blanked in from the others, and search them."""
        named = sorted(set[int]().union(*(with_texts(block.content[:, where]) for where in block.annotations)))
        parts, done = [], 0
        for _, run in groupby(enumerate(named), lambda one: one[1] - one[0]):
            records = [record for _, record in run]
            first, stop = records[0], records[-1] + 1
            if done < first:
                parts.append(block._replace(content=block.content[done:first]))
            parts.append(self._searched(block._replace(content=block.content[first:stop])))
            done = stop
        if done < len(block.content):
            parts.append(block._replace(content=block.content[done:]))
        return parts

    def _searched(self, part: _Part) -> _Part:
        after = part.content.copy()
        for record in after:
            for number, where in enumerate(part.annotations, part.number):
                self._cut[number] = clean_annotations(
                    record[where].data, self._rules, self._removed, self._odd, continues=self._cut[number]
                )
        return part._replace(content=after, before=part.content)

    def _hashed(self, parts: list[_Part]) -> list[_Part]:
        for part in parts:
            same = part.before is None and self._in.digest() == self._out.digest()
            self._in.update(self._samples(part.content if part.before is None else part.before, part.samples))
            if same:
                self._out = self._in.copy()
            else:
                self._out.update(self._samples(part.content, part.samples))
        return parts

    def _samples(self, content: NDArray[np.uint8], columns: list[slice]) -> Buffer:
        """Return the samples of records in one piece, in memory that is used again: fresh pages cost much."""
        parts = [content[:, one] for one in columns]
        size = sum(one.size for one in parts)
        if content.size == size:
            return content.data
        if self._room.size < size:
            self._room = np.empty(size, np.uint8)
        joined = self._room[:size].reshape(len(content), -1)
        if parts:
            np.concatenate(parts, axis=1, out=joined)
        return joined.data


class _Pieces:
    """Bytes of a file, so many at a time, without copies."""

    def __init__(self, chunks: Iterable[Buffer]) -> None:
        self._chunks, self._held = iter(chunks), memoryview(b"")

    def take(self, size: int) -> Iterator[memoryview]:
        """Yield the next bytes, fewer where the file ends."""
        while size:
            while not self._held:
                following = next(self._chunks, None)
                if following is None:
                    return
                self._held = memoryview(following).cast("B")
            piece, self._held = self._held[:size], self._held[size:]
            size -= len(piece)
            yield piece
