"""A first look at one file of a recording: its beginning is read, and never more than a few megabytes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, BinaryIO, cast

from bondstore.deid.edf.annotations import read_annotations
from bondstore.deid.edf.header import Header, read_header
from bondstore.deid.people import Person
from bondstore.deid.video import can_be_read, made_at
from bondstore.domains.neuro.identity import patient_of, staff_of
from bondstore.domains.neuro.kinds import Kind, kind_of
from bondstore.domains.neuro.layout import Found
from bondstore.domains.neuro.starts import text_starts
from bondstore.stores.rangefile import RangeFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Buffer

    from bondstore.stores import ObjectInfo, Store

_FIRST = 64 << 10
"""Bytes that are read first: most headers and notes have fewer."""
_MOST = 32 << 20
"""Bytes that are read at most: an annotation signal of EDF may have 16 MiB in a record."""
HEADER, CONTAINER, FILE_TIME, TEXT = "header", "container", "file time", "text"


@dataclass(frozen=True, slots=True)
class Looked:
    """What a first look at a file tells."""

    found: Found
    by: str = ""
    """What says when it began: ``header``, ``container``, ``text``, or only the time of the file; empty for none."""
    patient: Person | None = None
    """Whom the header of a recording names. The header itself is not kept, as a place may have very many."""
    staff: tuple[Person, ...] = ()
    """Who else is named there."""


def look(store: Store, info: ObjectInfo) -> Looked:
    """Look at a file's beginning.

    Raises
    ------
    DamagedError
        It is named as a recording or a video and is none, or its beginning is damaged.
    StoreError, NotFoundError, CredentialsError
        It cannot be read.
    """
    kind = kind_of(info.key)
    if kind is Kind.RECORDING:
        header, chunks = read_header(_beginning(store, info))
        start = header.start
        if start is not None:
            start += _fraction(header, chunks)
        found = Found(info.key, kind, () if start is None else (start,))
        return Looked(found, HEADER if start else "", patient_of(header), staff_of(header))
    if kind is Kind.NOTES:
        starts = text_starts(_decoded(store.get_range(info.key, 0, _FIRST, info.etag)))
        return Looked(Found(info.key, kind, starts), TEXT if starts else "")
    if kind is Kind.VIDEO and can_be_read():
        moment = made_at(cast("BinaryIO", io.BufferedReader(RangeFile(store, info, _FIRST))))
        if moment is not None:
            return Looked(Found(info.key, kind, (moment,)), CONTAINER)
    written = datetime.fromtimestamp(info.modified_ms / 1000, UTC).replace(tzinfo=None)
    return Looked(Found(info.key, kind, (written,)), FILE_TIME)


def _beginning(store: Store, info: ObjectInfo) -> Iterator[bytes]:
    at, size = 0, _FIRST
    while at < min(info.size, _MOST):
        chunk = store.get_range(info.key, at, size, info.etag)
        if not chunk:
            return
        yield chunk
        at, size = at + len(chunk), _MOST // 8


def _fraction(header: Header, chunks: Iterable[Buffer]) -> timedelta:
    """Return the part of a second that the first annotation adds to the header's start; it is less than one."""
    if not header.annotations:
        return timedelta()
    wanted, held = header.annotations[0], bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) >= min(wanted.stop, _MOST):
            break
    first = next(read_annotations(bytes(held[wanted])), None)
    seconds = float(first.onset) if first is not None and first.onset else 0.0
    return timedelta(seconds=seconds) if 0 <= seconds < 1 else timedelta()


def _decoded(content: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")
