"""Checks of this machine: room for outputs, and a RAM disk for what must not touch a disk."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.doctor.check import Check, fail, ok, skipped, warn

if TYPE_CHECKING:
    from bondstore.doctor.case import Case

SCARCE, TIGHT = 200_000_000, 5_000_000_000
RAM_WANTED = 256_000_000
_IN_MEMORY = {"tmpfs", "ramfs"}
MOUNTS = Path("/proc/mounts")


def look_at_space(case: Case) -> Iterator[Check]:
    """See whether the folder can be written to, and how much fits."""
    folder = case.folder.expanduser().absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        yield fail("space", f"{existing} is no folder.", "Name another destination.")
        return
    if not os.access(existing, os.W_OK | os.X_OK):
        yield fail("space", f"{existing} cannot be written to.", "Name another destination.")
        return
    free = shutil.disk_usage(existing).free
    message = f"{free / 1e9:,.1f} GB are free at {existing}."
    if free < SCARCE:
        yield fail("space", message, "Name a destination with more room.")
    elif free < TIGHT:
        yield warn("space", message, "Name a destination with more room.")
    else:
        yield ok("space", message)


def look_for_ram_disk(case: Case) -> Iterator[Check]:
    """Find a folder that lives in memory; a profile that forbids plaintext on disk needs one."""
    report = fail if case.profile.plaintext == "forbidden" else warn
    if not sys.platform.startswith("linux"):
        yield report("ram-disk", "This system has none at hand.", "Create one and set TMPDIR to it.")
        return
    try:
        kinds = mounted(MOUNTS.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        yield skipped("ram-disk", f"{MOUNTS} cannot be read, so nothing is known of RAM disks.")
        return
    for path in candidates():
        if kind_of(path, kinds) in _IN_MEMORY and os.access(path, os.W_OK | os.X_OK):
            free = shutil.disk_usage(path).free
            if free >= RAM_WANTED:
                yield ok("ram-disk", f"{path} lives in memory, {free / 1e6:,.0f} MB free.")
                return
    yield report(
        "ram-disk",
        f"None with {RAM_WANTED / 1e6:.0f} MB free.",
        "sudo mount -o remount,size=1G /dev/shm",
    )


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
