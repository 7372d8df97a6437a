"""What is made of a tar's members: files below one folder, and nothing that leads out of it."""

from __future__ import annotations

import csv
import hashlib
import io
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.errors import DamagedError
from bondstore.modes import CORNER
from bondstore.runs.paths import safe_relpath
from bondstore.text import bytes_text, counted, printable, time_text
from bondstore.vault.legacy.findings import LEGACY, NO_ROOM

if TYPE_CHECKING:
    from bondstore.findings import Finding
    from bondstore.vault.legacy.tars import Member

COLUMNS = ("path", "kind", "bytes", "modified", "sha256", "name", "note")
_SHOWN = 5  # refused members that a finding names
_RAW_BYTE = re.compile(r"%ED%B([23])%([89AB][0-9A-F])")

_SMALL = 1 << 20  # content that is held in memory: in a store many such are put side by side
Write = Callable[[str, Iterable[bytes], int], None]
"""Takes a path, its content, and its time of modification in ns."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list of what an archive held."""

    path: str
    """Where it was written to; empty where it was not."""
    kind: str
    size: int = 0
    mtime_ns: int = 0
    sha256: str = ""
    name: str = ""
    """As the tar has it."""
    note: str = ""


class Unpacking:
    """Writes the members of a tar below a folder, and keeps the list of them."""

    def __init__(self, folder: str, write: Write, free: Callable[[], int | None]) -> None:
        self._folder, self._write, self._free = folder, write, free
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._numbers: Counter[str] = Counter()
        self._refused: list[str] = []
        self._counts: Counter[str] = Counter()
        self.rows: list[Row] = []

    def take(self, member: Member) -> None:
        """Write one member, or note why not.

        Raises
        ------
        DamagedError
            The tar ends within it, or it says that it is larger than there is room.
        """
        try:
            self._place(member, _path_of(member.name))
        except _RefusedError as refusal:
            name = printable(member.name)
            self._refused.append(f"{name} ({refusal})")
            self.rows.append(Row("", "refused", member.size, member.mtime_ns, name=name, note=str(refusal)))

    def _place(self, member: Member, path: str) -> None:
        name = printable(member.name)
        if member.kind == "link":
            _path_of(posixpath.normpath(member.target), "what it leads to")
            self._counts["link-left-out"] += 1
            self.rows.append(Row("", "link", name=name, note=f"link to {printable(member.target)}"))
        elif member.kind == "folder":
            self._folders.update(_with_parents(path))
            self.rows.append(Row(path, "folder", mtime_ns=member.mtime_ns, name=name))
        elif member.kind == "file":
            self._file(member, self._named(path))
        else:
            raise _RefusedError("it is a device, a pipe or of an unknown kind")

    def _file(self, member: Member, path: str) -> None:
        free = self._free()
        if free is not None and member.size > free:
            raise DamagedError(
                f"A member of the tar says that it has {bytes_text(member.size)}, and {bytes_text(free)} are free: "
                f"{printable(member.name)}.",
                kind=NO_ROOM,
            )
        digest = hashlib.sha256()

        def passing() -> Iterator[bytes]:
            for piece in member.pieces:
                digest.update(piece)
                yield piece

        content = list(passing()) if member.size <= _SMALL else passing()
        self._write(f"{self._folder}/{path}", content, member.mtime_ns)
        self._files.add(path)
        self._folders.update(_with_parents(posixpath.dirname(path)))
        name = printable(member.name)
        self.rows.append(Row(path, "file", member.size, member.mtime_ns, digest.hexdigest(), name))

    def _named(self, path: str) -> str:
        """Return a path that no other member has; two of one name are both kept."""
        if path in self._folders or not self._files.isdisjoint(_with_parents(posixpath.dirname(path))):
            raise _RefusedError("a file and a folder have one name")
        found = path
        while found in self._files or found in self._folders:
            self._numbers[path] += 1  # kept, as thousands may have one name
            found = f"{path}~{self._numbers[path] + 1}"
        self._counts["name-repeated"] += found != path
        return found

    def findings(self, key: str) -> list[Finding]:
        """Return what is to be told of the members."""
        found = [LEGACY[word].about(key, count=number) for word, number in self._counts.items() if number]
        if self._refused:
            more = f" and {len(self._refused) - _SHOWN} more" if len(self._refused) > _SHOWN else ""
            told = f"Not unpacked: {', '.join(self._refused[:_SHOWN])}{more}."
            found.append(LEGACY["member-refused"].about(key, count=len(self._refused), message=told))
        return found

    def told(self) -> str:
        """Say how much was written."""
        return counted(len(self._files), "file")


def listed(rows: Sequence[Row]) -> bytes:
    """Return the list of what an archive held, as a CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in rows:
        modified = time_text(one.mtime_ns // 1_000_000) if one.mtime_ns else ""
        writer.writerow((one.path, one.kind, one.size, modified, one.sha256, one.name, one.note))
    return out.getvalue().encode("utf-8", "backslashreplace")


class _RefusedError(Exception):
    """Why a member is not unpacked."""


def _path_of(name: str, what: str = "its path") -> str:
    """Return where a name of a tar leads to, below its folder; refuse one that leads out."""
    if name.startswith("/"):
        raise _RefusedError(f"{what} is absolute")
    parts = [one for one in name.split("/") if one not in ("", ".")]
    if ".." in parts:
        raise _RefusedError(f"{what} leads out of the folder")
    if not parts and what == "its path" and name not in (".", "./"):
        raise _RefusedError("it has no name")
    return "/".join(map(_segment, parts))


def _segment(part: str) -> str:
    """Make a part of a path one that every disk can have. Hidden files stay so; bytes that are no text show as %E9."""
    hidden = part.startswith(".") and part.lower() != CORNER
    safe = "." + safe_relpath(part[1:]) if hidden else safe_relpath(part)
    return _RAW_BYTE.sub(lambda found: f"%{int(found[2], 16) + 64 * (int(found[1]) - 2):02X}", safe)


def _with_parents(path: str) -> Iterator[str]:
    """Yield a folder and those above it."""
    while path:
        yield path
        path = posixpath.dirname(path)
