"""Checks of this machine: room for outputs, and a RAM disk for what must not touch a disk."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bondstore.doctor.check import Check, fail, ok, skipped, warn
from bondstore.runs.ram_disk import IN_MEMORY, MOUNTS, candidates, kind_of, mounted

if TYPE_CHECKING:
    from bondstore.doctor.case import Case

SCARCE, TIGHT = 200_000_000, 5_000_000_000
RAM_WANTED = 256_000_000


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
        if kind_of(path, kinds) in IN_MEMORY and os.access(path, os.W_OK | os.X_OK):
            free = shutil.disk_usage(path).free
            if free >= RAM_WANTED:
                yield ok("ram-disk", f"{path} lives in memory, {free / 1e6:,.0f} MB free.")
                return
    yield report(
        "ram-disk",
        f"None with {RAM_WANTED / 1e6:.0f} MB free.",
        "sudo mount -o remount,size=1G /dev/shm",
    )
