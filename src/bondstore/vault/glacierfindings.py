"""What may be found in old vaults of Amazon Glacier."""

from __future__ import annotations

from bondstore.findings import FindingKind, Severity, registry

INVENTORY_WAITING = FindingKind(
    "inventory-waiting",
    Severity.INFO,
    "The vault's inventory was asked for, and is not there yet.",
    "Run the same command again later; it does not ask twice.",
)
INVENTORY_EXPIRED = FindingKind(
    "inventory-expired",
    Severity.WARNING,
    "The vault's inventory was ready, and expired before it was fetched: it is kept for a day. It was asked for again.",
    "Run the same command again within a day after it is ready.",
)
INVENTORY_FAILED = FindingKind(
    "inventory-failed",
    Severity.ERROR,
    "The service could not make the vault's inventory.",
    "Run the same command again: it asks once more.",
)
INVENTORY_DAMAGED = FindingKind(
    "inventory-damaged",
    Severity.ERROR,
    "The vault's inventory came damaged or cut; nothing of it was kept.",
    "Run the same command again: it is fetched once more.",
)
WRONG_TREE_HASH = FindingKind(
    "wrong-tree-hash",
    Severity.ERROR,
    "What came from the old vault does not have the tree hash that the service keeps of it; it was not written.",
    "Run `bondstore run retry`. If the finding stays, the archive is damaged in the old vault.",
)
GLACIER = registry(INVENTORY_WAITING, INVENTORY_EXPIRED, INVENTORY_FAILED, INVENTORY_DAMAGED, WRONG_TREE_HASH)
GLACIER_INTEGRITY = frozenset({WRONG_TREE_HASH.word})
