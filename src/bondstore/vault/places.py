"""Where this account keeps what it knows of a vault, when the vault itself is not written to."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bondstore.ledger.personal import personal_path
from bondstore.runs.folder_destination import FolderDestination
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from pathlib import Path

    from bondstore.config.profiles import StoreSpec
    from bondstore.runs.destination import Destination


def known_at(spec: StoreSpec, what: str) -> Path:
    """Return the file or folder for a store in a folder called `what`; the same address elsewhere has its own."""
    address, profile = parse_address(spec.url), spec.profile
    identity = " ".join(filter(None, (address.url, profile.endpoint, profile.account)))
    name = f"{address.kind}-{address.place}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    return personal_path().parent / what / name.replace("/", "_")[-200:]


def record_of(spec: StoreSpec, what: str) -> Destination:
    """Return what keeps the record of runs that only read a store, or must not need to write to it."""
    return FolderDestination(known_at(spec, what))
