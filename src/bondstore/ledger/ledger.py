"""One destination's ledger, opened by one thread."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bondstore.ledger.agreement import Disagreement, disagreements
from bondstore.ledger.audit import Audit
from bondstore.ledger.findings import Findings
from bondstore.ledger.items import Items
from bondstore.ledger.outputs import Outputs
from bondstore.ledger.received import Received
from bondstore.ledger.runs import Runs
from bondstore.ledger.schema import connect, damaged, shows_damage, translate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType


class Ledger:
    """Runs, items, outputs, findings and the audit chain of one destination.

    A ledger object is used by one thread at a time. Any number of threads and processes may each hold one on the same
    file.

    Parameters
    ----------
    path : Path
        The SQLite file.
    create : bool
        Make it when it is missing.

    Attributes
    ----------
    runs : Runs
    items : Items
    outputs : Outputs
    findings : Findings
    audit : Audit
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self._connection = connect(path, create=create)
        self.runs = Runs(self._connection)
        self.items = Items(self._connection)
        self.outputs = Outputs(self._connection)
        self.findings = Findings(self._connection)
        self.audit = Audit(self._connection)
        self.received = Received(self._connection)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is recorded together, or not at all."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if shows_damage(error):
                raise damaged(self.path) from error
            raise translate(error, self.path) from error

    def make_durable(self) -> None:
        """Bring all that is recorded to the disk: transactions alone may still wait in the journal."""
        try:
            self._connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        except sqlite3.OperationalError as error:
            raise translate(error, self.path) from error

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield rows that are not what the audit chain, once that is proved, says of them."""
        return disagreements(self._connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if shows_damage(error):
            raise damaged(self.path) from error
