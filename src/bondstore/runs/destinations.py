"""The destination at an address."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.config.profiles import StoreSpec
from bondstore.runs.destination import Destination
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.store_destination import StoreDestination
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    pass


def open_destination(spec: StoreSpec) -> Destination:
    """Return the destination at an address."""
    address = parse_address(spec.url)
    return FolderDestination(Path(address.place)) if address.kind == "file" else StoreDestination(spec)
