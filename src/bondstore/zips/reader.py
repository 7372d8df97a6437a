"""Opening a zip from an untrusted place: its directory is looked over, then its members are read one by one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bondstore.errors import DamagedError, UsageError
from bondstore.findings import Finding
from bondstore.zips.chunks import Chunks
from bondstore.zips.directory import DirectoryEntry, find_end, read_entries
from bondstore.zips.findings import ZipPlace, member_place
from bondstore.zips.headers import DESCRIPTOR, END, LOCAL, Local, find_local
from bondstore.zips.limits import LIMITS, Limits
from bondstore.zips.names import base_name
from bondstore.zips.salvage import Salvage, Salvaged
from bondstore.zips.source import ByteSource, Positioned
from bondstore.zips.unpack import DEFLATED64, unpack

_ZIP_STARTS = (LOCAL, END, DESCRIPTOR)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a zip."""

    number: int  # its place in its zip, from 0; unique in it, which the name need not be
    name: str  # printable and of bounded length; never a path to write to
    size: int | None  # unpacked bytes as the zip claims; None where only its lost directory knew
    where: str  # how findings name it: ``member 1`` is the first, ``member 3, member 1`` the first of a zip in the zip

    @property
    def base(self) -> str:
        """The last part of the name, harmless on every file system."""
        return base_name(self.name, self.number)


@dataclass(frozen=True, slots=True)
class Content:
    """A member and what it holds.

    Only once its chunks end without an error is the member whole: its checksum comes last. Where it is broken,
    `DamagedError` is raised, again at every later try, and told in the zip's findings, once.
    """

    member: Member
    chunks: Chunks

    def read(self, limit: int) -> bytes:
        """Return all that is still to come."""
        return self.chunks.take(limit)


class OpenedZip:
    """A zip whose members can be read."""

    def __init__(
        self,
        source: Positioned,
        place: ZipPlace,
        limits: Limits,
        entries: list[DirectoryEntry] | None,
        first: Local | None = None,
    ) -> None:
        self.key = place.key
        self.findings: list[Finding] = []  # complete once `contents` has ended
        self.partial = entries is None  # the directory is lost: there may have been members that nobody knows of
        self._source = source
        self._limits = limits
        self._place = place
        self._slow_left = limits.slow_bytes
        self._members_left = limits.members - len(entries or ())
        sizes = (one.size for one in entries or () if one.size <= limits.member_bytes)
        self._bytes_left = limits.total_bytes - sum(sizes)
        self._names: set[str] = set()
        self._begun = False
        self._open = [entry for entry in entries or () if self._may_open(entry, link=entry.link)]
        self._salvage = Salvage(source, place, first, limits, self.findings) if first else None

    def contents(self) -> Iterator[Content]:
        """Yield the members by where they begin; folders and what may not be opened (see `findings`) are left out.

        Each is read, or not, before the next is asked for: after that it refuses to be read.
        """
        if self._begun:
            raise UsageError("A zip's members are read once; open it again to read them again.")
        self._begun = True
        return self._salvaged(self._salvage) if self._salvage else self._listed()

    def _listed(self) -> Iterator[Content]:
        for entry in self._open:
            place = member_place(self._place, entry.number)
            limits = self._limits
            if entry.method == DEFLATED64:
                limits = replace(limits, slow_bytes=self._slow_left)
                self._slow_left -= entry.size if entry.size <= self._slow_left else 0
            chunks = Chunks(unpack(self._source, entry, place, limits), place, self.findings)
            yield from self._handed(Member(entry.number, entry.name, entry.size, place.where), chunks, place)
            chunks.close()

    def _salvaged(self, salvage: Salvage) -> Iterator[Content]:
        for found in salvage.members():
            place = member_place(self._place, found.number)
            self._members_left -= 1
            if self._may_open(found, link=False):
                before = salvage.unpacked
                yield from self._handed(Member(found.number, found.name, found.size, place.where), found.chunks, place)
                self._bytes_left -= salvage.unpacked - before

    def _may_open(self, member: DirectoryEntry | Salvaged, *, link: bool) -> bool:
        """Tell what is odd about a member, and whether it is one to be read."""
        if member.folder:
            return False
        place = member_place(self._place, member.number)
        if member.odd:
            self.findings.append(
                place.finding("member-name", f"The member's name {member.odd}; only its base is used.")
            )
        if member.name in self._names:
            self.findings.append(place.finding("member-repeated"))
        self._names.add(member.name)
        words = {"member-encrypted": member.encrypted, "member-link": link}
        word = next((word for word, holds in words.items() if holds), None)
        if word:
            self.findings.append(place.finding(word))
        return word is None

    def _handed(self, member: Member, chunks: Chunks, place: ZipPlace) -> Iterator[Content]:
        """Yield a member, or those of the zip that it is."""
        if chunks.peek() not in _ZIP_STARTS and not member.name.lower().endswith(".zip"):
            yield Content(member, chunks)
        elif self._place.where:
            self.findings.append(place.finding("member-nested", "The member is a zip in a zip in a zip."))
        else:
            yield from self._nested(chunks, place)

    def _nested(self, chunks: Chunks, place: ZipPlace) -> Iterator[Content]:
        """Yield the members of a zip in the zip; all that is wrong with it is in the findings."""
        try:
            content = chunks.take(self._limits.nested_bytes)
        except DamagedError:
            return  # told already
        left = replace(self._limits, members=max(self._members_left, 0), total_bytes=max(self._bytes_left, 0))
        left = replace(left, slow_bytes=self._slow_left)
        try:
            inner = _opened(Positioned(io.BytesIO(content)), place, left)
        except DamagedError as error:
            word = "member-nested" if error.kind == "not-a-zip" else error.kind
            self.findings.append(place.finding(word))
            return
        yield from inner.contents()
        self.findings += inner.findings
        self._members_left, self._bytes_left = inner._members_left, inner._bytes_left
        self._slow_left = inner._slow_left


def open_zip(source: ByteSource, key: str, limits: Limits = LIMITS) -> OpenedZip:
    """Open a zip: look its directory over, or begin to salvage it where that is damaged."""
    return _opened(Positioned(source), ZipPlace(key), limits)


def _opened(positioned: Positioned, place: ZipPlace, limits: Limits) -> OpenedZip:
    end, seen = find_end(positioned)
    entries = read_entries(positioned, end, place, limits) if end else None
    if entries is not None:
        return OpenedZip(positioned, place, limits, entries)
    word = "zip-no-directory" if seen else "zip-truncated"
    first = find_local(positioned, 0)
    if first is None:
        if positioned.size and LOCAL.startswith(positioned.at(0, 4)):
            raise place.damaged(word, "The zip is damaged, and no member of it could be found.")
        raise place.damaged("not-a-zip", "" if positioned.size else "The object has no bytes at all.")
    opened = OpenedZip(positioned, place, limits, None, first)
    opened.findings.append(place.finding(word))
    return opened
