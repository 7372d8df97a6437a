"""How much one zip may hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one zip. A total cap and no ratio cap: honest files with empty regions reach ratios of 1000."""

    members: int = 10_000
    member_bytes: int = 1 << 30
    total_bytes: int = 4 << 30
    slow_bytes: int = 64 << 20  # of all members packed with Deflate64: its library unpacks about 1 MB a second
    nested_bytes: int = 64 << 20  # of a zip in the zip, which is held in memory; the other limits are for both together


LIMITS = Limits()
"""What holds where nothing else is said."""
