"""Who may read and change a hospital's folder, besides its owner. It is only told, and never changed."""

from __future__ import annotations

import grp
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Permissions:
    """How many files and folders others may use."""

    looked: int
    """Files and folders; links are not followed."""
    changed_by_all: int
    """Those that anybody on this machine may change."""
    read_by_all: int
    """Those that anybody may read, and not change."""
    closed_to_group: int
    """Those that their group may not read."""
    groups: tuple[str, ...]
    """The groups that they belong to."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What a person is told."""
        found = f"Of {self.looked:,} files and folders, anybody on this machine may change {self.changed_by_all:,}"
        also = f"read {self.read_by_all:,} more; their group ({', '.join(self.groups)}) may not read"
        told = (f"{found} and {also} {self.closed_to_group:,}.",)
        return (*told, "To close them to others: chmod -R o-rwx SRC") if self.changed_by_all else told


def permissions_of(folder: Path) -> Permissions:
    """Look at a folder and all below it. What cannot be looked at is not counted."""
    modes, groups = [], set()
    for status in _statuses(folder):
        modes.append(status.st_mode)
        groups.add(status.st_gid)
    others = [mode & stat.S_IRWXO for mode in modes]
    changed = sum(bool(one & stat.S_IWOTH) for one in others)
    read = sum(bool(one & stat.S_IROTH) and not one & stat.S_IWOTH for one in others)
    closed = sum(not mode & stat.S_IRGRP for mode in modes)
    return Permissions(len(modes), changed, read, closed, tuple(sorted(map(_name, groups))))


def _statuses(folder: Path) -> Iterator[os.stat_result]:
    yield folder.stat()
    for base, folders, files in os.walk(folder):
        for name in (*folders, *files):
            try:
                status = Path(base, name).lstat()
            except OSError:  # it has just gone
                continue
            if not stat.S_ISLNK(status.st_mode):
                yield status


def _name(group: int) -> str:
    try:
        return grp.getgrgid(group).gr_name
    except KeyError:
        return str(group)
