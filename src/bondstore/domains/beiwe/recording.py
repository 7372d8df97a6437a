"""What is said of Beiwe objects that did not come, came under another name, or came damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.domains.beiwe.arrival import ARRIVAL
from bondstore.domains.beiwe.damage import DAMAGE, damage_finding
from bondstore.errors import NotFoundError
from bondstore.findings import Finding, Severity

if TYPE_CHECKING:
    from bondstore.errors import BondstoreError, DamagedError


def failed_finding(error: BondstoreError, key: str) -> Finding:
    """Return the finding about an object that could not be fetched."""
    return ARRIVAL["vanished" if isinstance(error, NotFoundError) else "fetch-failed"].about(key, message=error.message)


def finding_of(error: DamagedError, key: str) -> Finding:
    """Turn an error about damage into the finding it is recorded as."""
    return (
        damage_finding(error.kind, key)
        if error.kind in DAMAGE
        else Finding(error.kind, Severity.ERROR, key, error.message)
    )


def moved_finding(key: str) -> Finding:
    """Return the finding about an object that was found under its twin's name."""
    return ARRIVAL["moved-to-twin"].about(key)
