"""Files for whose names a destination has no room: they are told of, and the others go on."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from bondstore.runs.folder_destination import FolderDestination
from bondstore.vault.findings import NAME_NOT_KEPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.ledger import Item, Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.work import Work

TAKEN = "A folder cannot have a file and a folder of one name; it was not written."


def above(path: str) -> list[str]:
    """Return the folders that a path is in."""
    parts = path.split("/")
    return ["/".join(parts[:number]) for number in range(1, len(parts))]


def without_room(ledger: Ledger | None, context: RunContext, items: Sequence[Item]) -> list[Item]:
    """Mark items in whose folder's place another one will be: a store has ``a`` and ``a/b``, a folder has not."""
    if not isinstance(context.dest, FolderDestination):
        return list(items)
    outputs = {item.output for item in items}
    folders = {one for item in items for one in above(item.output)} - outputs
    files = outputs | (ledger.items.keys_of(context.job, list(folders)).keys() if ledger is not None else set())
    return [
        item if files.isdisjoint(above(item.output)) else replace(item, reason=NAME_NOT_KEPT.word) for item in items
    ]


def with_room(items: Sequence[Item], work: Work) -> list[Item]:
    """Return items that have a place; tell of the others."""
    taken = {item.key for item in items if item.reason == NAME_NOT_KEPT.word}
    if isinstance(work.dest, FolderDestination):
        files = set(filter(work.dest.exists, {one for item in items for one in above(item.output)}))
        folders = (item for item in items if os.path.isdir(f"{work.dest.root}/{item.output}"))  # noqa: PTH112 - fast
        taken |= {item.key for item in folders}
        taken |= {item.key for item in items if not files.isdisjoint(above(item.output))}
    for item in items:
        if item.key in taken:
            work.receipt.failed(item, NAME_NOT_KEPT.about(item.key, message=TAKEN))
    return [item for item in items if item.key not in taken]
