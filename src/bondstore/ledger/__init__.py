"""The local record of a destination: runs, items, outputs with their hashes, findings, and the audit chain."""

from bondstore.ledger.audit import Audit, AuditEntry, ChainReport, Read
from bondstore.ledger.items import Item, Items, State
from bondstore.ledger.ledger import Ledger
from bondstore.ledger.outputs import Output, Outputs
from bondstore.ledger.personal import note_personal, personal_ledger, personal_path
from bondstore.ledger.runs import RunRecord, Runs

__all__ = [
    "Audit",
    "AuditEntry",
    "ChainReport",
    "Item",
    "Items",
    "Ledger",
    "Output",
    "Outputs",
    "Read",
    "RunRecord",
    "Runs",
    "State",
    "note_personal",
    "personal_ledger",
    "personal_path",
]
