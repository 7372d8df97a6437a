"""Proving that a destination still is what its runs left: the audit chain, and the files."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.errors import IntegrityError, NotFoundError, UsageError
from bondstore.findings import Finding, FindingKind, Severity, registry
from bondstore.ledger.audit import GENESIS
from bondstore.runs.destination import PRIVATE
from bondstore.runs.progress import Quiet
from bondstore.runs.tally import Count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.ledger import Ledger
    from bondstore.runs.destination import Destination
    from bondstore.runs.progress import Progress

FILES = registry(
    FindingKind("file-missing", Severity.ERROR, "The file is gone.", "Run the same export again: it writes it anew."),
    FindingKind(
        "file-changed",
        Severity.ERROR,
        "The content is not what the run wrote.",
        "Find out who changed it. Move it away and run the same export again: it writes it anew.",
    ),
    FindingKind(
        "file-unreadable", Severity.ERROR, "The file could not be read.", "Check the folder's permissions and the disk."
    ),
    FindingKind(
        "file-unknown",
        Severity.WARNING,
        "No run wrote this file.",
        "Find out where it comes from, if it is not one of your own. It is left as it is.",
    ),
)
"""Every kind of finding about a file that is not what a run wrote, by its word."""


_NAMED = 3
"""So many changed rows are named; that there are more is said."""


@dataclass(frozen=True, slots=True)
class ChainProof:
    """An audit chain that holds.

    Parameters
    ----------
    entries : int
        Entries in the chain.
    head : bytes
        The last hash.
    expected_at : int or None
        Position of the hash that was expected to be in the chain, where one was.
    """

    entries: int
    head: bytes
    expected_at: int | None = None


def prove_chain(ledger: Ledger, expected: bytes | None = None) -> ChainProof:
    """Walk the whole audit chain.

    Parameters
    ----------
    ledger : Ledger
        The ledger.
    expected : bytes, optional
        A head hash that was written down earlier: it must be in the chain.

    Raises
    ------
    UsageError
        `expected` is the head of an empty chain, which every chain begins with, and this one has entries.
    IntegrityError
        An entry is missing, was changed or cannot be read, entries were cut off, or `expected` is not in the chain.
        Or the chain holds, and what the ledger says of a file, an object, a finding or a run is not what it says.
    """
    report = ledger.audit.verify()
    if report.broken_at is not None:
        held = f"{report.entries:,} entries before it hold." if report.entries else "No entry before it holds."
        raise IntegrityError(
            f"The record {ledger.path} is broken at entry {report.broken_at:,}: {report.problem} {held}",
            hint="Keep this file as it is, and compare it with a backup.",
        )
    _refuse_changed_rows(ledger)
    if expected is None:
        return ChainProof(report.entries, report.head)
    if expected == GENESIS and report.entries:
        raise UsageError(
            "A hash of zeros alone is the head of an empty record: it proves nothing of one with entries.",
            hint="Give a head that audit verify showed after a run.",
        )
    position = ledger.audit.position(expected)
    if position is None:
        raise IntegrityError(
            f"The hash that was expected is not in the record {ledger.path}: it was cut off or written anew since.",
            hint="Check that the hash was copied in full, and compare the file with a backup.",
        )
    return ChainProof(report.entries, report.head, position)


def _refuse_changed_rows(ledger: Ledger) -> None:
    changed = list(itertools.islice(ledger.disagreements(), _NAMED + 1))
    if changed:
        things = {"outputs": "file", "items": "object", "findings": "findings about", "runs": "tally of the run"}
        named = "; ".join(f"{things[one.table]} {one.name}" for one in changed[:_NAMED])
        more = " and more" if len(changed) > _NAMED else ""
        raise IntegrityError(
            f"The record {ledger.path} was changed: the chain of entries holds, but these rows do not match it: "
            f"{named}{more}.",
            hint="Keep this file as it is, and compare it with a backup.",
        )


def unknown_files(ledger: Ledger, destination: Destination) -> Iterator[Finding]:
    """Yield ``file-unknown`` for every file below a destination that no run wrote."""
    for some in _in_pages(destination.walk(""), 1000):
        public = [path for path in some if not path.startswith(f"{PRIVATE}/")]
        for path in sorted(set(public) - ledger.outputs.written(public)):
            yield FILES["file-unknown"].about(path)


def _in_pages(paths: Iterator[str], size: int) -> Iterator[list[str]]:
    while some := list(itertools.islice(paths, size)):
        yield some


def changed_files(ledger: Ledger, destination: Destination, progress: Progress | None = None) -> Iterator[Finding]:
    """Hash every recorded file again; yield those that are not what a run wrote.

    Parameters
    ----------
    ledger : Ledger
        The destination's ledger.
    destination : Destination
        The folder.
    progress : Progress, optional
        Who watches.

    Yields
    ------
    Finding
        ``file-missing``, ``file-changed`` or ``file-unreadable``, with the path in place of the key.
    """
    watch = progress or Quiet()
    watch.begin(Count(*ledger.outputs.total()))
    try:
        for path, outputs in itertools.groupby(ledger.outputs.walk(), key=lambda output: output.path):
            recorded = list(outputs)  # jobs may share a file, as media of both kinds of export
            found = changed_file(destination, path, {output.sha256 for output in recorded})
            watch.advance(Count(len(recorded), sum(output.size for output in recorded)))
            if found is not None:
                yield found
    finally:
        watch.end()


def changed_file(destination: Destination, path: str, hashes: set[bytes]) -> Finding | None:
    """Hash a file again; return what is to be told, where it has none of the hashes."""
    try:
        if destination.sha256(path) in hashes:
            return None
    except NotFoundError:
        return FILES["file-missing"].about(path)
    except OSError as error:
        return FILES["file-unreadable"].about(path, message=f"The file could not be read ({error.strerror}).")
    return FILES["file-changed"].about(path)
