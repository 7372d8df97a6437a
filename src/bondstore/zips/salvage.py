"""Members of a zip whose directory is lost, found from the front and unpacked by `stream-unzip`."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bondstore.errors import MissingExtraError
from bondstore.findings import Finding
from bondstore.zips.chunks import CHUNK, Chunks
from bondstore.zips.findings import ZipPlace, member_place
from bondstore.zips.headers import CENTRAL, DESCRIPTOR, END, LOCAL, Local, find_local, read_local
from bondstore.zips.limits import Limits
from bondstore.zips.names import read_name
from bondstore.zips.source import FIRST, PIECE, Positioned
from bondstore.zips.unpack import DEFLATED64, too_slow

METHODS = frozenset((0, 8, 9, 12))
"""Compression methods that are read without a directory."""
_NEXT = (LOCAL, CENTRAL, END, b"PK\x06\x06")
_PADDING = CENTRAL + bytes(24)
"""A whole member at the very end is seen to be whole only by what follows it, which was cut off."""


@dataclass(frozen=True, slots=True)
class Salvaged:
    """A member that was found."""

    number: int
    name: str
    odd: str
    size: int | None  # where it says so in front of its data
    encrypted: bool
    folder: bool
    chunks: Chunks


@dataclass(slots=True)
class Unpacked:
    """What is known of a member while it is unpacked."""

    crc: int = 0
    size: int = 0
    fed: int = 0  # how far its zip was read for it
    whole: bool = False  # whether it ended, and all its numbers agree


def require_stream_unzip() -> Any:
    """Return the `stream_unzip` module."""
    try:
        import stream_unzip
    except ImportError:
        raise MissingExtraError(
            "Damaged zips are salvaged with stream-unzip, which is not installed.",
            hint="Install it with `pip install 'bondstore[screenlake]'`.",
        ) from None
    return stream_unzip


class Salvage:
    """Walks through a damaged zip, forward only.

    The work is bounded: so many members, so many bytes unpacked, and so many bytes fed to the unpacker. Beyond that it
    stops, and says so.
    """

    def __init__(
        self, source: Positioned, place: ZipPlace, first: Local, limits: Limits, findings: list[Finding]
    ) -> None:
        self._module = require_stream_unzip()
        self._first = first
        self._source = source
        self._zip = place
        self._limits = limits
        self._findings = findings
        self.unpacked = 0  # bytes so far
        self._feed_left = 8 * source.size + FIRST * limits.members  # honest damage makes little be read twice
        self._slow_left = limits.slow_bytes
        self._stopped = False

    def members(self) -> Iterator[Salvaged]:
        """Yield members as they lie, broken ones too; each is drained, if need be, to find the next."""
        local: Local | None = self._first
        number = 0
        while local and not self._stopped:
            if number == self._limits.members:
                self._findings.append(self._zip.finding("zip-too-many"))
                return
            name, odd = read_name(local.raw)
            place = member_place(self._zip, number)
            unpacked = Unpacked()
            chunks = Chunks(self._content(local, place, unpacked), place, self._findings)
            size = None if local.trailed else local.size
            yield Salvaged(number, name, odd, size, local.encrypted, name.endswith("/") and size == 0, chunks)
            local = self._following(local, chunks, unpacked, place)
            number += 1

    def _content(self, local: Local, place: ZipPlace, unpacked: Unpacked) -> Iterator[bytes]:
        """Yield what a member holds; `stream-unzip` has checked sizes and checksum once it ends without an error."""
        if not local.trailed and local.size > self._limits.member_bytes:
            raise place.damaged("member-too-large")
        if local.method == DEFLATED64 and not local.trailed and local.size > self._slow_left:
            raise too_slow(place)
        if local.method not in METHODS:
            raise place.damaged("member-method")
        feed = self._feed(local, place, unpacked)
        try:
            _, _, chunks = next(self._module.stream_unzip(feed, chunk_size=CHUNK))
            for chunk in chunks:
                self._count(len(chunk), unpacked, place)
                self._slow_left -= len(chunk) if local.method == DEFLATED64 else 0
                if self._slow_left < 0:
                    raise too_slow(place)
                unpacked.crc = zlib.crc32(chunk, unpacked.crc)
                if chunk:
                    yield chunk
        except self._module.TruncatedDataError:
            raise place.damaged("member-damaged", "The member is cut.") from None
        except self._module.NotStreamUnzippable:
            detail = "The member's length stands in the zip's directory only, which is lost."
            raise place.damaged("member-damaged", detail) from None
        except self._module.UnexpectedSignatureError:
            # No record follows its own, but it may be whole: then checksum and sizes stand behind its data.
            if not local.trailed or descriptor_end(self._source, local, unpacked) is None:
                raise place.damaged("member-damaged") from None
        except self._module.UnzipError:
            raise place.damaged("member-damaged") from None
        unpacked.whole = True

    def _feed(self, local: Local, place: ZipPlace, unpacked: Unpacked) -> Iterator[bytes]:
        end = self._source.size if local.trailed else local.data_start + local.packed
        unpacked.fed = local.start
        for piece in self._source.span(local.start, end):
            self._feed_left -= len(piece)
            if self._feed_left < 0:
                self._stopped = True
                raise place.damaged("zip-bomb", "The zip's members lie in each other; the salvage was stopped here.")
            unpacked.fed += len(piece)
            yield piece
        if local.trailed:
            yield _PADDING

    def _count(self, length: int, unpacked: Unpacked, place: ZipPlace) -> None:
        unpacked.size += length
        self.unpacked += length
        if unpacked.size > self._limits.member_bytes:
            raise place.damaged("member-too-large")
        if self.unpacked > self._limits.total_bytes:
            self._stopped = True
            raise place.damaged("zip-bomb")

    def _following(self, local: Local, chunks: Chunks, unpacked: Unpacked, place: ZipPlace) -> Local | None:
        """Return the next member's header, or None where there is none or none can be told from what is in a member."""
        nested = not local.encrypted and chunks.peek() in _NEXT
        end = self._end(local, chunks, unpacked)
        chunks.close()
        if end is None:
            if nested:  # the members of the zip in it are not this zip's
                lost = "The member is a broken zip: where it ends is not known, so nothing behind it was looked for."
                self._findings.append(place.finding("member-damaged", lost))
                return None
            return find_local(self._source, local.start + len(LOCAL))  # its lengths may be what is broken
        mark = self._source.at(end, len(LOCAL))
        if mark == LOCAL or not is_record(self._source, end):
            after = read_local(self._source, end)
            if after and after.possible:
                return after
            outer = f"{self._zip.where}, " if self._zip.where else ""
            hole = ZipPlace(self._zip.key, f"{outer}byte {end}")
            words = "Behind a member there is something that cannot be read."
            self._findings.append(hole.finding("member-damaged", words))
        return find_local(self._source, end)  # behind a directory too: zips may have been put behind each other

    def _end(self, local: Local, chunks: Chunks, unpacked: Unpacked) -> int | None:
        """Return where a member ends, if that can be trusted."""
        if not local.trailed:
            end = local.data_start + local.packed
            return end if is_record(self._source, end) else None
        if local.encrypted or local.method not in METHODS:
            return None
        chunks.drain()
        return descriptor_end(self._source, local, unpacked) if unpacked.whole else None


def is_record(source: Positioned, at: int) -> bool:
    """Tell whether a zip's next record, what is left of one that was cut, or the end of the source is at a position."""
    mark = source.at(at, 4)
    return mark in _NEXT or (at + len(mark) == source.size and any(one.startswith(mark) for one in _NEXT))


def descriptor_end(source: Positioned, local: Local, unpacked: Unpacked) -> int | None:
    """Find the end of a member whose checksum and sizes follow its data."""
    # The unpacker is fed in pieces and says only that the end lay in one of the last: look for the checksum there, with
    # the sizes behind it that it must have, of 4 bytes or of 8 (zip64), after a signature that is often left out.
    base = max(local.data_start, unpacked.fed - 3 * PIECE)
    window = source.at(base, unpacked.fed - base + 64)
    wanted = unpacked.crc.to_bytes(4, "little")
    alone = None
    at = window.find(wanted)
    while at >= 0:
        signed = window[max(at - 4, 0) : at] == DESCRIPTOR
        for packed in {base + at - local.data_start, base + at - local.data_start - 4 * signed}:
            for width in (4, 8):
                sizes = packed.to_bytes(width, "little") + unpacked.size.to_bytes(width, "little")
                end = at + 4 + 2 * width
                if window[at + 4 : end] == sizes:
                    if is_record(source, base + end):
                        return base + end
                    alone = alone or base + end
        at = window.find(wanted, at + 1)
    return alone
