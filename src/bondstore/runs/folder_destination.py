"""A local folder as a destination."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import stat
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from bondstore.errors import ConfigurationError, NotFoundError
from bondstore.ledger import personal_path
from bondstore.modes import PRIVATE as FOR_OWNER
from bondstore.modes import Folders, Modes, in_corner, linked, make_folder, shared_with
from bondstore.runs.destination import PRIVATE, QUARANTINE, SOON, Destination, whole_lines
from bondstore.runs.durable import OutputGroup, explaining
from bondstore.runs.writers import FolderWriter
from bondstore.text import number_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bondstore.ledger import Output


_log = logging.getLogger(__name__)
_NO_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""No file is there, or a link that leads to none."""


@dataclass(frozen=True, slots=True)
class FolderDestination(Destination):
    """A local folder, by its absolute path."""

    root: Path
    modes: Modes = FOR_OWNER
    """Who may read what is written."""
    follow_links: bool = False
    """Whether results may go to where it leads, or a folder in it does, that is a symbolic link."""

    @property
    def corner(self) -> Path:
        """The private folder inside."""
        return self.root / PRIVATE

    @property
    def shown(self) -> str:
        """Its path."""
        return str(self.root)

    @property
    def identity(self) -> str:
        """Its path, without links."""
        return os.path.realpath(self.root)

    def has_outputs(self) -> bool:
        """Whether any file lies in it, or in its quarantine: not those that belong to the record itself."""
        for base, folders, names in os.walk(self.root):
            if base == str(self.root) and PRIVATE in folders:
                folders.remove(PRIVATE)
            if names:
                return True
        return any(True for folder in (QUARANTINE, f"{PRIVATE}/parts") for _ in self.walk(folder))

    def _is_known(self) -> bool:
        return self.has_record()

    def _outer(self) -> str | None:
        above = Path(self.identity).parents
        return next((str(one) for one in above if os.path.lexists(one / PRIVATE / "ledger.sqlite")), None)

    def _inner(self) -> str | None:
        here, copies = self.identity, str(personal_path().parent.resolve())  # of records of stores: no destinations
        for base, folders, _ in islice(os.walk(here), SOON):
            ledger = os.path.join(base, PRIVATE, "ledger.sqlite")  # noqa: PTH118
            if base != here and PRIVATE in folders and os.path.lexists(ledger):
                return base
            folders[:] = [one for one in folders if f"{base}/{one}" != copies]
        return None

    def prepare(self) -> None:
        """Make the folder and its private corner."""
        self.refuse_link()
        make_folder(self.root, self.modes)
        if closed := self.modes.note_closed(self.root):
            _log.warning("%s", closed)
        Destination.prepare(self)

    def refuse_link(self) -> None:
        """Refuse a folder that is a link, unless links may be followed; those above it are the machine's own affair."""
        if not self.follow_links and os.path.islink(self.root):  # noqa: PTH114 - a name too long is none, and told later
            raise linked(str(self.root))

    def refuse_misplaced(self) -> None:
        """Refuse a folder in whose place, or in that of its private parts, something else lies."""
        for place, check, kind in (
            (self.root, stat.S_ISDIR, "folder"),
            (self.corner, stat.S_ISDIR, "folder"),
            (self.corner / "lock", stat.S_ISREG, "file"),
            (self.ledger_path, stat.S_ISREG, "file"),
        ):
            try:
                found = place.stat().st_mode
            except NotADirectoryError:
                raise ConfigurationError(
                    f"There can be no {kind} {place}: what it would lie in is no folder.", hint="Name another folder."
                ) from None
            except OSError:  # not there, or not ours to look at: that is told by who opens it
                continue
            if not check(found):
                hint = "Name a folder." if place == self.root else "Move it elsewhere, then run the same command again."
                raise ConfigurationError(f"{place} is no {kind}.", hint=hint)

    @property
    def params(self) -> dict[str, Any]:
        """What a run that goes on must know: who reads, and whether links are followed."""
        group = {"group": self.modes.group} if self.modes.group else {}
        return {**group, "follow_links": True} if self.follow_links else group

    def recorded(self, params: Mapping[str, Any]) -> FolderDestination:
        """Return this folder as a run opened it, by what that recorded."""
        shared = shared_with(params.get("group"))
        return replace(self, modes=shared, follow_links=params.get("follow_links", False))

    @property
    def _folders(self) -> Folders:
        return Folders(str(self.root), self.modes, follow_links=self.follow_links)

    def group(self) -> OutputGroup:
        """Return a new group of files that become visible together."""
        return OutputGroup(self.root, self.scratch / os.urandom(8).hex(), self._folders)

    def writer(self, *, in_memory: bool = False) -> FolderWriter:  # noqa: ARG002 - jobs refuse folders then
        """Return what takes a shard's files: durable under temporary names when sealed."""
        return FolderWriter(self.group())

    def show(self, staged: Sequence[tuple[str, str]]) -> None:
        """Rename files."""
        folders = self._folders
        with explaining(str(self.root)):
            for temporary, path in staged:
                target = f"{self.root}/{path}"
                folders.need(target.rpartition("/")[0])
                os.replace(temporary, target)  # noqa: PTH105
        for folder in {temporary.rpartition("/")[0] for temporary, _ in staged}:
            with suppress(OSError):  # another file of it may still be waiting
                os.rmdir(folder)  # noqa: PTH106

    def holder(self, *, few: bool = False) -> FolderDestination:  # noqa: ARG002
        """Return itself: a look at a file costs nothing."""
        return self

    def holds(self, output: Output) -> bool:
        """Whether the file still is what was recorded.

        Size and modification time unchanged are taken for the content unchanged; where only the time differs, the
        content is hashed again.
        """
        return not output.sha256 or self.stands(output, output.path)

    def stands(self, output: Output, path: str) -> bool:
        """Whether the file at a path is the one that was recorded, there or elsewhere."""
        file = f"{self.root}/{path}"
        try:
            found = os.stat(file)  # noqa: PTH116 - millions of them: path objects cost more than the question does
            if found.st_size != output.size or not stat.S_ISREG(found.st_mode):
                return False
            if found.st_mtime_ns == output.mtime_ns:
                return True
            with open(file, "rb") as content:  # noqa: PTH123
                return hashlib.file_digest(content, "sha256").digest() == output.sha256
        except PermissionError:  # nobody can say: it is made anew, and this one is kept
            return False
        except OSError as error:
            if error.errno not in _NO_FILE:
                raise
            return False

    def open(self, path: str) -> BinaryIO:
        """Open a file. Whoever opens a pipe in its place waits for ever, so that counts as gone."""
        file = self.root / path
        try:
            if stat.S_ISREG(file.stat().st_mode):
                return file.open("rb")
        except OSError as error:
            if error.errno not in _NO_FILE:
                raise
        raise NotFoundError(f"The file {path} is gone.", hint="Run the same command again.")

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files; through a link in the place of a folder none is."""
        folders = self._folders
        for path in paths:
            file = self.root / path
            folders.check(str(file.parent))
            file.unlink(missing_ok=True)

    def move(self, pairs: Sequence[tuple[str, str]]) -> list[str]:
        """Rename files."""
        gone, folders = [], self._folders
        for source, target in pairs:
            folders.check(f"{self.root}/{source}".rpartition("/")[0])
            folders.need(f"{self.root}/{target}".rpartition("/")[0])
            try:
                if self.modes.gid >= 0 and in_corner(source) and not in_corner(target):
                    self._fit(source, folders.modes_of(target))  # nothing in the private folder is for a group
                os.replace(f"{self.root}/{source}", f"{self.root}/{target}")  # noqa: PTH105
            except FileNotFoundError:
                gone.append(target)
        return gone

    def _fit(self, path: str, modes: Modes) -> None:
        descriptor = os.open(f"{self.root}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            modes.fit_file(descriptor, path)
        finally:
            os.close(descriptor)

    def exists(self, path: str) -> bool:
        """Whether there is a file."""
        return (self.root / path).is_file()

    def folders(self, folder: str = "") -> list[str]:
        """List a folder."""
        try:
            return sorted(one.name for one in (self.root / folder).iterdir() if one.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a file, in a group beside it: the group of a run is cleared when that ends."""
        target = self.root / path
        folders = self._folders
        group = OutputGroup(self.root, target.parent / f".{target.stem}-{os.urandom(4).hex()}", folders)
        try:
            with group.explaining():
                folders.need(str(target.parent))
            group.write(path, chunks)
            group.commit()
        finally:
            group.discard()

    def append(self, path: str, data: bytes) -> None:
        """Add lines to the end of a file; they are made durable."""
        folders, file = self._folders, str(self.root / path)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        if not self.follow_links or in_corner(path):
            flags |= os.O_NOFOLLOW
        with explaining(str(self.root)):
            folders.need(file.rpartition("/")[0])
            made = not os.path.lexists(file)
            with os.fdopen(os.open(file, flags, 0o600), "ab+") as out:
                fcntl.flock(out, fcntl.LOCK_EX)
                if made:
                    folders.modes_of(path).fit_file(out.fileno(), file)
                out.seek(0)
                there = out.read()
                kept = whole_lines(there)
                out.truncate(min(len(there), len(kept)))
                out.write(kept[len(there) :] + data)
                out.flush()
                os.fsync(out.fileno())

    def set_aside(self, paths: Sequence[str]) -> None:
        """Move files that nobody knows from the quarantine to a folder beside it."""
        if paths:
            aside = self._aside("unknown")
            with explaining(str(self.root)):
                self.move([(path, path.replace(QUARANTINE, aside, 1)) for path in paths])
            _log.warning(
                "The record does not know %s in quarantine. They were moved to %s.",
                _files(len(paths)),
                self.root / aside,
            )

    def in_the_way(self, paths: Sequence[str]) -> list[str]:
        """Return those of some paths at which a file or a link lies. A folder in their place is told by who writes."""
        found = []
        for path in paths:
            with suppress(FileNotFoundError, NotADirectoryError):
                if not stat.S_ISDIR(os.lstat(f"{self.root}/{path}").st_mode):
                    found.append(path)
        return found

    def keep_aside(self, paths: Sequence[str]) -> None:
        """Move files that somebody changed to a folder in the corner."""
        if paths:
            aside = self._aside("changed")
            with explaining(str(self.root)):
                self.move([(path, f"{aside}/{path}") for path in paths])
            what = (
                f"The file {paths[0]} was changed since a run wrote it, or no run wrote it. It is"
                if len(paths) == 1
                else f"{_files(len(paths))}, {paths[0]} among them, were changed since a run wrote them, or no run"
                " wrote them. They are"
            )
            _log.warning("%s kept in %s.", what, self.root / aside)

    def _aside(self, why: str) -> str:
        """Return a folder in the corner that is not there yet."""
        name = f"{PRIVATE}/{why}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        others = (f"{name}-{number}" for number in count(2))
        return next(one for one in chain([name], others) if not os.path.lexists(self.root / one))

    def walk(self, folder: str) -> Iterator[str]:
        """Yield the files below a folder; links are not followed."""
        if (self.root / folder).is_symlink():
            return
        for base, _, names in os.walk(self.root / folder):
            for name in names:
                yield os.path.relpath(os.path.join(base, name), self.root)  # noqa: PTH118


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number_text(number)} files"
