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
ARCHIVE_WAITING = FindingKind(
    "archive-waiting",
    Severity.INFO,
    "The archive was asked for, and is not there yet.",
    "Run the same command again later; it does not ask twice.",
)
ARCHIVE_LATER = FindingKind(
    "archive-later",
    Severity.INFO,
    "The archive was not asked for yet: only so many are asked for at a time as --at-once says.",
    "Run the same command again once those that were asked for are here.",
)
ARCHIVE_EXPIRED = FindingKind(
    "archive-expired",
    Severity.WARNING,
    "The archive was ready, and expired before it was fetched: it is kept for a day. It was asked for again.",
    "Run the same command again within a day after it is ready, or use a smaller --at-once.",
)
ARCHIVE_EXPIRED_TWICE = FindingKind(
    "archive-expired-twice",
    Severity.ERROR,
    "The archive was ready twice, and expired each time before it was fetched. It was not asked for again.",
    "The next run asks for it: run it within a day after it is ready, or use a smaller --at-once.",
)
GHOST = FindingKind(
    "ghost",
    Severity.ERROR,
    "The inventory lists the archive, and the vault does not have it any more: it was deleted since.",
    "Nothing can bring it back. `bondstore vault inventory VAULT --refresh` makes a list without it.",
)
BUSY = FindingKind(
    "vault-busy",
    Severity.WARNING,
    "The service takes no more requests at the moment.",
    "Run the same command again later.",
)
NO_CAPACITY = FindingKind(
    "vault-no-capacity",
    Severity.ERROR,
    "The service has no capacity for expedited requests at the moment.",
    "Run the same command again later, or with --tier standard.",
)
REFUSED = FindingKind(
    "vault-refused",
    Severity.ERROR,
    "The data retrieval policy of the account refuses to bring back more at the moment.",
    "Wait, use --tier bulk, or ask the owner of the account to change the policy.",
)
ARCHIVE_FAILED = FindingKind(
    "archive-failed",
    Severity.ERROR,
    "The service could not bring the archive back, or it could not be fetched.",
    "Run the same command again.",
)
WRONG_TREE_HASH = FindingKind(
    "wrong-tree-hash",
    Severity.ERROR,
    "What came from the old vault does not have the tree hash that the service keeps of it; it was not written.",
    "Run `bondstore run retry`. If the finding stays, the archive is damaged in the old vault.",
)
GLACIER = registry(
    INVENTORY_WAITING,
    INVENTORY_EXPIRED,
    INVENTORY_FAILED,
    INVENTORY_DAMAGED,
    ARCHIVE_WAITING,
    ARCHIVE_LATER,
    ARCHIVE_EXPIRED,
    ARCHIVE_EXPIRED_TWICE,
    GHOST,
    BUSY,
    NO_CAPACITY,
    REFUSED,
    ARCHIVE_FAILED,
    WRONG_TREE_HASH,
)
GLACIER_INTEGRITY = frozenset({WRONG_TREE_HASH.word})
"""What a command ends with exit code 7 for."""
