"""What somebody put in the place of an output: it is kept, where a run writes or removes that output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.ledger import Ledger
    from bondstore.runs.destination import Destination


def keep_changed(ledger: Ledger, dest: Destination, paths: Sequence[str]) -> None:
    """Move aside what lies at these paths and was not written there by any run of this record.

    A file that is not the one recorded is still ours if the chain says that a run once wrote it: after a kill between
    recording a file and renaming it, the one before it stands there.
    """
    there = dest.in_the_way(paths)
    if not there:
        return
    holder = dest.holder(few=True)
    stand = {one.path for one in ledger.outputs.anywhere(there) if holder.stands(one, one.path)}
    odd = {path: _sha256(dest, path) for path in there if path not in stand}
    if odd:
        ours = ledger.audit.written(list(odd))
        dest.keep_aside([path for path, digest in odd.items() if (path, digest) not in ours])


def _sha256(dest: Destination, path: str) -> str:
    try:
        return dest.sha256(path).hex()
    except (NotFoundError, PermissionError):  # no file, such as a link to a folder or a pipe; or not ours to read
        return ""
