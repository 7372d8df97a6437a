"""The record of what an account reads outside any run: on the terminal, in a notebook."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.ledger.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bondstore.ledger.audit import Read


def personal_path() -> Path:
    """Return where the record is kept: ``$XDG_STATE_HOME/bondstore``, normally ``~/.local/state/bondstore``."""
    state = os.environ.get("XDG_STATE_HOME", "")
    root = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return root / "bondstore" / "ledger.sqlite"


def personal_ledger(*, create: bool = True) -> Ledger:
    """Open the record.

    Parameters
    ----------
    create : bool
        Make it when it is missing.

    Raises
    ------
    NotFoundError
        Nothing was read yet and `create` is false.
    """
    return Ledger(personal_path(), create=create)


def note_personal(who: str, reads: Iterable[Read]) -> None:
    """Put reads into the record, before what was read is handed out.

    Parameters
    ----------
    who : str
        The account.
    reads : iterable of Read
        What was fetched.
    """
    path = personal_path()
    with _guard:
        ledger = _open.get(path)
        if ledger is None:
            ledger = _open[path] = Ledger(path)
        with ledger.transaction():
            ledger.audit.reads(who, "", reads)


_guard = threading.Lock()
_open: dict[Path, Ledger] = {}
