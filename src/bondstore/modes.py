"""Who may read what we write to a disk of this machine: its owner alone, or a group too. It is decided here alone."""

from __future__ import annotations

import os
import stat
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bondstore.errors import ConfigurationError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Modes:
    """The modes of the folders and files that we make. What was there before keeps its own."""

    group: str = ""
    gid: int = -1
    """-1: files keep the group that the system gives them."""
    folder: int = 0o700
    file: int = 0o600

    def fit_folder(self, folder: str) -> None:
        """Give a folder that was just made its group, where it has one: made with fewer bits, it never had too many."""
        if self.gid >= 0:
            with self._explained(folder):
                os.chown(folder, -1, self.gid)  # first: a change of the group takes the setgid bit away
                os.chmod(folder, self.folder)  # noqa: PTH101 - many of them

    def fit_file(self, descriptor: int, shown: str) -> None:
        """Give a file that was just made its group, where it has one."""
        if self.gid >= 0:
            with self._explained(shown):
                os.fchown(descriptor, -1, self.gid)
                os.fchmod(descriptor, self.file)

    def fit_foreign(self, descriptor: int, shown: str) -> None:
        """Give a file that another writer made, such as a library, the mode that it would have from us."""
        if self.gid < 0 and os.fstat(descriptor).st_mode & ~self.file & 0o777:
            # FAT and the like keep no modes and refuse this: there all files are as the disk was mounted.
            with suppress(PermissionError):
                os.fchmod(descriptor, self.file)
        self.fit_file(descriptor, shown)

    @contextmanager
    def _explained(self, shown: str) -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            raise ConfigurationError(
                f"{shown} cannot be given to the group {self.group} ({error.strerror}).",
                hint="Name a folder on a disk that keeps groups and modes, or leave --group out.",
            ) from error

    def note_closed(self, folder: Path) -> str:
        """Return why the group cannot get to a folder; empty where it can, or where no group is to."""
        if self.gid < 0:
            return ""
        for one in (folder, *folder.parents):
            status = one.stat()
            passes = stat.S_IXOTH if status.st_gid != self.gid else stat.S_IXGRP
            if not status.st_mode & passes:
                return (
                    f"Members of the group {self.group} cannot get into {one}, which was there before and stays as it "
                    f"is. To let them in, run: chgrp {self.group} '{one}' && chmod g+rxs '{one}'"
                )
        return ""


CORNER = ".bondstore"
"""The private folder of a destination: nothing in it is for a group, and no link in it is followed."""
PRIVATE = Modes()
"""For the owner's eyes alone."""
PUBLIC = Modes(folder=0o777, file=0o666)
"""As the account's umask has it: for what is public by purpose."""


def shared_with(group: str | None) -> Modes:
    """Return the modes by which a group of this machine reads what is made; without a name nobody does.

    Raises
    ------
    ConfigurationError
        There is no such group, or this account is not in it.
    """
    if not group:
        return PRIVATE
    import grp

    own = {os.getegid(), *os.getgroups()}
    try:
        gid = grp.getgrnam(group).gr_gid
    except KeyError:
        raise ConfigurationError(f"There is no group {group!r} on this machine.", hint=_groups_of(own)) from None
    if gid not in own and os.geteuid() != 0:
        raise ConfigurationError(
            f"You are not in the group {group}.",
            hint=f"Ask an administrator to add you, then log in again. {_groups_of(own)}",
        )
    return Modes(group, gid, 0o2750, 0o640)


def _groups_of(own: set[int]) -> str:
    import grp

    names = sorted(one.gr_name for one in grp.getgrall() if one.gr_gid in own)
    return f"You are in: {', '.join(names)}."


def make_folder(folder: str | Path, modes: Modes = PRIVATE) -> None:
    """Make a folder and those above it, or say that it cannot be made. Those that are there stay as they are."""
    try:
        make_path(str(folder), modes)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {folder} could not be made ({error.strerror}).", hint="Name a folder you may write to."
        ) from error


def make_path(folder: str, modes: Modes = PRIVATE) -> None:
    """Make a folder and those above it, as `make_folder` does; raises OSError."""
    # Not os.makedirs: that gives the folders above the last one the mode of the umask.
    try:
        _make_one(folder, modes)
    except FileNotFoundError:
        above = os.path.dirname(folder)  # noqa: PTH120
        if above == folder:
            raise
        if not os.path.isdir(above):  # noqa: PTH112 - else another thread made it just now, or we are in /proc
            make_path(above, modes)
        _make_one(folder, modes)


def _make_one(folder: str, modes: Modes) -> None:
    try:
        os.mkdir(folder, modes.folder & 0o777)  # noqa: PTH102 - many of them
    except FileExistsError:
        if not os.path.isdir(folder):  # noqa: PTH112
            raise
    else:
        modes.fit_folder(folder)


def open_private(path: Path) -> BinaryIO:
    """Open a file to write it anew, for its owner alone; a link in its place is not followed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, PRIVATE.file), "wb")


def write_private(path: Path, content: bytes, *, new: bool = False) -> None:
    """Write a file in one step, for its owner alone (mode 0600).

    A `new` one is never put in the place of another: raises FileExistsError.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:  # mkstemp made it 0600
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if new:
            os.link(temporary, path)
            Path(temporary).unlink()
        else:
            Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def make_database(path: Path) -> None:
    """Make an empty file for SQLite, for its owner alone, where there is none; one that is there is not opened.

    Whoever closes a file loses all locks that this process has on it, those of SQLite's connections too: another
    process then takes the journal for its own and removes it (https://sqlite.org/howtocorrupt.html, 2.2). A file is
    made by one thread at a time, so that none has a connection to it before it is closed.
    """
    with _making, suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE.file))


_making = threading.Lock()


def in_corner(path: str) -> bool:
    """Whether a path below the root of a destination is that of its private folder, or leads into it."""
    return path == CORNER or path.startswith(f"{CORNER}/")


class Folders:
    """Makes the folders of outputs below a root, each once, and follows no link out of it unless that is allowed."""

    def __init__(self, root: str, modes: Modes = PRIVATE, *, follow_links: bool = False) -> None:
        self.root, self._modes, self._follow = root, modes, follow_links
        self._inside = f"{root.rstrip('/')}/"
        self._known: set[str] = set()

    def modes_of(self, path: str) -> Modes:
        """Return the modes for a file, by its path below the root."""
        return PRIVATE if in_corner(path) else self._modes

    def need(self, folder: str) -> None:
        """Make a folder of the root, and those between. Raises `PolicyError` where one of them is a link."""
        if folder in self._known:
            return
        if not self._is_inside(folder):
            if folder == self.root and not self._follow and os.path.islink(folder):  # noqa: PTH114
                raise linked(folder)
            make_path(folder, self._modes)
        else:
            self.need(os.path.dirname(folder))  # noqa: PTH120 - see `make_path`
            modes = self.modes_of(folder.removeprefix(self._inside))
            try:
                os.mkdir(folder, modes.folder & 0o777)  # noqa: PTH102
            except FileExistsError:
                self._check(folder)
            else:
                modes.fit_folder(folder)
        self._known.add(folder)

    def check(self, folder: str) -> None:
        """Raise `PolicyError` where a folder of the root, or one between, is a link; none is made."""
        if folder in self._known or not self._is_inside(folder):
            return
        self.check(os.path.dirname(folder))  # noqa: PTH120
        if os.path.lexists(folder):
            self._check(folder)
            self._known.add(folder)

    def forget(self) -> None:
        """Look at every folder anew."""
        self._known.clear()

    def _is_inside(self, folder: str) -> bool:
        return folder.startswith(self._inside) and folder != self.root

    def _check(self, folder: str) -> None:
        if (not self._follow or in_corner(folder.removeprefix(self._inside))) and os.path.islink(folder):  # noqa: PTH114
            raise linked(folder)
        if not os.path.isdir(folder):  # noqa: PTH112
            raise NotADirectoryError(20, os.strerror(20), folder)


def linked(folder: str) -> PolicyError:
    """Return the error for an output folder that is a link."""
    return PolicyError(
        f"The output folder {folder} is a symbolic link to {os.path.realpath(folder)}.",
        hint="Name the folder that it leads to, or add --follow-links (follow_links=True) to write there.",
    )


def refuse_led_away(*places: Path) -> None:
    """Refuse private folders and files that are links, to be written or to be read."""
    for one in places:
        if one.is_symlink():
            raise PolicyError(
                f"{one} is a symbolic link. What is private is never written to where a link leads.",
                hint=f"Move what it leads to into its place: {one}",
            )


def refuse_writable(folder: Path) -> None:
    """Refuse a private folder that others can write to: they could exchange what is in it.

    Raises
    ------
    PolicyError
        It is so.
    """
    if others_may_write(status := folder.stat()):
        raise PolicyError(
            f"Others can write to {folder} (mode {stat.S_IMODE(status.st_mode):04o}), and so exchange what we rely on.",
            hint=f"Check what is in it, then run: chmod go-w '{folder}'",
        )


def others_may_write(status: os.stat_result) -> bool:
    """Whether anybody but the owner may write; the group that many systems give each account for itself is nobody."""
    mode = status.st_mode
    return bool(mode & stat.S_IWOTH) or (bool(mode & stat.S_IWGRP) and not _is_own_group(status.st_gid))


@cache
def _is_own_group(gid: int) -> bool:
    import grp
    import pwd

    try:
        group, account = grp.getgrgid(gid), pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return account.pw_gid == gid and group.gr_name == account.pw_name and set(group.gr_mem) <= {account.pw_name}
