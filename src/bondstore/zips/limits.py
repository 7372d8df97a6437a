"""How much one zip may hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one zip. A total cap and no ratio cap: honest files with empty regions reach ratios of 1000.

    Parameters
    ----------
    members : int
        Entries of its directory, folders included.
    member_bytes : int
        Unpacked bytes of one member.
    total_bytes : int
        Unpacked bytes of all members together.
    """

    members: int = 10_000
    member_bytes: int = 1 << 30
    total_bytes: int = 4 << 30


LIMITS = Limits()
"""What holds where nothing else is said."""
