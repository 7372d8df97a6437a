"""Where the audit chain of a destination stood when runs ended, noted where whoever changes the chain may not reach.

Each run's end is noted in the account's own record and, for a store, in an object beside the entries. A ledger that was
lost, or put back in an older state, then cannot pass for the record of what lies there.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from bondstore.errors import BondstoreError, IntegrityError, NotFoundError, UsageError
from bondstore.ledger import personal_ledger, personal_path
from bondstore.runs.process import whoami
from bondstore.text import time_text

if TYPE_CHECKING:
    from pathlib import Path

    from bondstore.ledger import AuditEntry, Ledger
    from bondstore.runs.destination import Destination

_log = logging.getLogger(__name__)


def refuse_lost(destination: Destination) -> None:
    """Refuse a place where files of runs are, and no record of them. Nothing is changed.

    Raises
    ------
    IntegrityError
        The ledger is gone, damaged or without any entry, as one is that was copied without the journal beside it.
    """
    path = destination.ledger_path
    there = destination.has_record()
    if destination.busy():
        return  # a first run may be making its ledger right now
    if not there:
        if destination.has_outputs() and (destination.was_written_to() or _is_noted(destination)):
            raise _lost(destination, f"The ledger {path} is gone")
        return
    try:
        with destination.ledger(create=False) as ledger:
            # With runs and no entries the chain was cut off: that is told by who walks it.
            empty = not ledger.audit.head()[0] and not ledger.runs.newest_first()
    except NotFoundError:
        empty = True
    # A store's copy may be empty for want of any run: what tells is what was noted elsewhere.
    if empty and destination.has_outputs() and (not destination.at_once or _is_noted(destination)):
        raise _lost(destination, f"The ledger {path} has no entry")


def hold(destination: Destination, ledger: Ledger, *, last: bool = False) -> None:
    """Hold the chain against all that was noted of it, or against the `last` alone, which is bound to all before it.

    Raises
    ------
    IntegrityError
        The chain is not, or does not go on from, one of them.
    """
    for anchor in _noted(destination):
        if ledger.audit.hash_at(anchor.size) != bytes.fromhex(anchor.version):
            raise _replaced(destination, ledger, f"ended on {time_text(anchor.at_ms)}", anchor.run)
        if last:
            break
    head = destination.noted_head()
    if head is not None and ledger.audit.hash_at(head.seq) != head.hash:
        raise _replaced(destination, ledger, "ended last in this store", head.run)


def begin(destination: Destination, ledger: Ledger) -> None:
    """Hold the chain as a run begins, or note that a new one does, where nothing lies any more of what there was."""
    if ledger.audit.head()[0]:
        hold(destination, ledger, last=True)
    elif _is_noted(destination):
        if destination.has_outputs():
            raise _lost(destination, f"The ledger {ledger.path} has no entry")
        _log.warning("The record in %s is gone, with all files beside it. A new one begins.", destination.shown)
        _note_new(destination, ledger)


def leave(destination: Destination, ledger: Ledger, run: str) -> None:
    """Note where the chain stands now that a run has ended. The run is recorded by then: a failure is only told."""
    try:
        ledger.make_durable()  # else a power cut could leave the note of an end that the ledger does not have
        _note(destination, ledger, "anchor", run)
        destination.note_head(*ledger.audit.head(), run)
    except (BondstoreError, OSError, sqlite3.Error) as error:
        _log.warning("The end of this run could not be noted outside of %s: %s", destination.shown, error)


def accept(destination: Destination) -> None:
    """Take what is there as a new record, from now on. A ledger that cannot be read, or whose chain is broken, is kept.

    Raises
    ------
    NotFoundError
        No run ever wrote there.
    UsageError
        The record is whole.
    PolicyError
        A run is going on.
    """
    if not destination.has_record() and not destination.has_outputs():
        raise NotFoundError(
            f"No run is recorded in {destination.shown}.", hint="Name the folder or the store that a run wrote to."
        )
    if _is_whole(destination, anchored=True):
        raise UsageError(f"The record of {destination.shown} is whole.", hint="There is nothing to accept.")
    with destination.locked():
        if destination.has_record() and not _is_whole(destination):
            _set_aside(destination.ledger_path)
        with destination.ledger() as ledger:
            if not destination.at_once:  # the chain of a store is the same on all machines: it grows by entries alone
                with ledger.transaction():
                    ledger.audit.event(whoami(), "", "record.accepted", destination.shown)
            _note_new(destination, ledger)


def _is_whole(destination: Destination, *, anchored: bool = False) -> bool:
    try:
        refuse_lost(destination)
        with destination.ledger(create=False) as ledger:
            if anchored:
                hold(destination, ledger)
            return ledger.audit.verify().broken_at is None and next(ledger.disagreements(), None) is None
    except (IntegrityError, NotFoundError):
        return False


def _set_aside(path: Path) -> None:
    number = int(time.time())
    while (aside := path.with_name(f"ledger-before-{number}.sqlite")).exists():
        number += 1
    for end in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    _log.warning("The ledger that was there is kept as %s.", aside)


def _is_noted(destination: Destination) -> bool:
    return bool(_noted(destination)) or destination.noted_head() is not None


def _note_new(destination: Destination, ledger: Ledger) -> None:
    """Note that from here on a new chain counts, and where it stands."""
    _note(destination, ledger, "anchor.new", "")
    if ledger.audit.head()[0]:
        _note(destination, ledger, "anchor", "")
    destination.note_head(*ledger.audit.head(), "")


def _noted(destination: Destination) -> list[AuditEntry]:
    if not personal_path().exists():
        return []
    try:
        with personal_ledger(create=False) as own:
            return list(own.audit.anchors(destination.identity))
    except NotFoundError:
        return []


def _note(destination: Destination, ledger: Ledger, action: str, run: str) -> None:
    seq, head = ledger.audit.head()
    with personal_ledger() as own, own.transaction():
        own.audit.event(whoami(), run, action, destination.identity, seq, version=head.hex())


def _lost(destination: Destination, what: str) -> IntegrityError:
    return IntegrityError(
        f"{what}, but files are in {destination.shown}: what runs recorded about them is lost.", hint=_hint(destination)
    )


def _replaced(destination: Destination, ledger: Ledger, when: str, run: str) -> IntegrityError:
    named = f" {run}" if run else ""
    return IntegrityError(
        f"The record {ledger.path} is not what it was: it lacks the end of the run{named}, which {when}. It was "
        f"replaced, or an older state of it was put back.",
        hint=_hint(destination),
    )


def _hint(destination: Destination) -> str:
    from bondstore.runs.destinations import dest_options

    return (
        "Bring it back from a backup. If it is lost for good, take what is there as a new record: "
        f"bondstore audit verify {dest_options(destination)} --accept-new-chain"
    )
