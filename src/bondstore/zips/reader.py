"""Opening a zip from an untrusted place: its directory is looked over, then its members are read one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bondstore.errors import UsageError
from bondstore.findings import Finding
from bondstore.zips.chunks import Chunks
from bondstore.zips.directory import DirectoryEntry, find_end, read_entries
from bondstore.zips.findings import ZipPlace, member_place
from bondstore.zips.headers import DESCRIPTOR, END, LOCAL, Local, find_local
from bondstore.zips.limits import LIMITS, Limits
from bondstore.zips.names import base_name
from bondstore.zips.salvage import Salvage, Salvaged
from bondstore.zips.source import ByteSource, Positioned
from bondstore.zips.unpack import unpack

_ZIP_STARTS = (LOCAL, END, DESCRIPTOR)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a zip."""

    number: int  # its place in the zip, from 0; unique in it, which the name need not be
    name: str  # printable and of bounded length; never a path to write to
    size: int | None  # unpacked bytes as the zip claims; None where only its lost directory knew

    @property
    def base(self) -> str:
        """The last part of the name, harmless on every file system."""
        return base_name(self.name, self.number)

    @property
    def where(self) -> str:
        """How findings name it: ``member 1`` is the first."""
        return member_place("", self.number).where


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
        key: str,
        limits: Limits,
        entries: list[DirectoryEntry] | None,
        first: Local | None = None,
    ) -> None:
        self.key = key
        self.findings: list[Finding] = []  # complete once `contents` has ended
        self.partial = entries is None  # the directory is lost: there may have been members that nobody knows of
        self._source = source
        self._limits = limits
        self._names: set[str] = set()
        self._begun = False
        self._open = [entry for entry in entries or () if self._may_open(entry, link=entry.link)]
        self._salvage = Salvage(source, key, first, limits, self.findings) if first else None

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
            place = member_place(self.key, entry.number)
            chunks = Chunks(unpack(self._source, entry, place, self._limits), place, self.findings)
            if not self._is_zip(chunks, place):
                yield Content(Member(entry.number, entry.name, entry.size), chunks)
            chunks.close()

    def _salvaged(self, salvage: Salvage) -> Iterator[Content]:
        for found in salvage.members():
            place = member_place(self.key, found.number)
            if self._may_open(found, link=False) and not self._is_zip(found.chunks, place):
                yield Content(Member(found.number, found.name, found.size), found.chunks)

    def _may_open(self, member: DirectoryEntry | Salvaged, *, link: bool) -> bool:
        """Tell what is odd about a member, and whether it is one to be read."""
        if member.folder:
            return False
        place = member_place(self.key, member.number)
        if member.odd:
            self.findings.append(
                place.finding("member-name", f"The member's name {member.odd}; only its base is used.")
            )
        if member.name in self._names:
            self.findings.append(place.finding("member-repeated"))
        self._names.add(member.name)
        nested = member.name.lower().endswith(".zip")
        words = {"member-encrypted": member.encrypted, "member-link": link, "member-nested": nested}
        word = next((word for word, holds in words.items() if holds), None)
        if word:
            self.findings.append(place.finding(word))
        return word is None

    def _is_zip(self, chunks: Chunks, place: ZipPlace) -> bool:
        if chunks.peek() not in _ZIP_STARTS:
            return False
        self.findings.append(place.finding("member-nested"))
        return True


def open_zip(source: ByteSource, key: str, limits: Limits = LIMITS) -> OpenedZip:
    """Open a zip: look its directory over, or begin to salvage it where that is damaged."""
    positioned, place = Positioned(source), ZipPlace(key)
    end, seen = find_end(positioned)
    entries = read_entries(positioned, end, place, limits) if end else None
    if entries is not None:
        return OpenedZip(positioned, key, limits, entries)
    word = "zip-no-directory" if seen else "zip-truncated"
    first = find_local(positioned, 0)
    if first is None:
        if positioned.size and LOCAL.startswith(positioned.at(0, 4)):
            raise place.damaged(word, "The zip is damaged, and no member of it could be found.")
        raise place.damaged("not-a-zip", "" if positioned.size else "The object has no bytes at all.")
    opened = OpenedZip(positioned, key, limits, None, first)
    opened.findings.append(place.finding(word))
    return opened
