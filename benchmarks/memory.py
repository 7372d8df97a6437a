"""The memory of a benchmark's own process; it stands alone, as what a module imports is memory, too."""

from __future__ import annotations

from pathlib import Path


def peak_memory() -> float:
    """Return this process's peak resident memory in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("no VmHWM")
