"""A folder that lives in memory, for what must be a file for a moment and may not touch a disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bondstore.errors import PolicyError

IN_MEMORY = {"tmpfs", "ramfs"}
MOUNTS = Path("/proc/mounts")


def ram_place() -> Path:
    """Return a place that lives in memory.

    Raises
    ------
    PolicyError
        There is none that can be written to.
    """
    try:
        kinds = mounted(MOUNTS.read_text(encoding="utf-8", errors="replace"))
    except OSError:  # no Linux
        kinds = {}
    for path in candidates():
        if kind_of(path, kinds) in IN_MEMORY and os.access(path, os.W_OK | os.X_OK):
            return path
    raise PolicyError(
        "The profile forbids decrypted data on a disk, and this machine has no folder that lives in memory.",
        hint="`bondstore doctor` says how to make one; or use another profile.",
    )


def ram_folder(name: str) -> Path:
    """Return a folder of this account in memory; it is made where it is missing. Raises as `ram_place`."""
    folder = ram_place() / f"{name}-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    # Anybody may write there: a link, or another's folder, would lead what is secret to somewhere else.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PolicyError(f"{folder} belongs to somebody else.", hint="Ask them, or an administrator, to remove it.")
    return folder


def candidates() -> list[Path]:
    """Return the usual places of RAM disks that exist."""
    named = os.environ.get("XDG_RUNTIME_DIR")
    paths = [Path("/dev/shm"), Path(named or f"/run/user/{os.getuid()}")]  # noqa: S108 - memory, not a shared disk
    return [path for path in paths if path.is_dir()]


def mounted(table: str) -> dict[str, str]:
    """Read a table of mounts: the kind of file system at each place."""
    rows = (line.split() for line in table.splitlines())
    # the last mount on a place is the one that is seen; \040 is how the kernel writes a blank
    return {row[1].replace("\\040", " "): row[2] for row in rows if len(row) > 2}


def kind_of(path: Path, kinds: dict[str, str]) -> str:
    """Return the kind of file system that a path lies on."""
    real = path.resolve()
    return next((kinds[str(p)] for p in (real, *real.parents) if str(p) in kinds), "")
