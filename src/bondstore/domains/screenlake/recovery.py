"""After a kill, or somebody's hand: which images are not where the record says, and which zips bring them back."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from bondstore.runs.destination import PRIVATE

if TYPE_CHECKING:
    from bondstore.ledger import Ledger, Output
    from bondstore.runs.work import Place


def lost_parts(ledger: Ledger, place: Place, query: str) -> frozenset[str]:
    """Return the parts whose zips must be done again, as images of theirs are gone or were altered.

    An image that was about to be given its name when the run was killed still lies where it waited, and is not lost.

    Parameters
    ----------
    ledger : Ledger
        The destination's ledger.
    place : Place
        The run.
    query : str
        The query's id.
    """
    root = str(place.destination.root)
    lost = set()
    for output in ledger.outputs.under(place.job, f"{query}/combined/panelists/"):
        token, _, part = output.digest.partition(" ")
        if part and not _stands(root, output, output.path) and not _stands(root, output, _waiting(output, token)):
            lost.add(part)
    for output in ledger.outputs.under(place.job, f"{PRIVATE}/staged/{query}/"):
        if not _stands(root, output, output.path):
            lost.add(output.digest.partition(" ")[2])
    return frozenset(lost)


def _waiting(output: Output, token: str) -> str:
    query, _, _, panelist, *_ = output.path.split("/")
    return f"{PRIVATE}/staged/{query}/{panelist}/{token}"


def _stands(root: str, output: Output, path: str) -> bool:
    """Whether a file is the one that was recorded; as `Destination.holds`, for millions of files."""
    file = f"{root}/{path}"
    try:
        stat = os.stat(file)  # noqa: PTH116 - path objects cost more than the question does
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.st_size != output.size:
        return False
    if stat.st_mtime_ns == output.mtime_ns:
        return True
    with open(file, "rb") as content:  # noqa: PTH123
        return hashlib.file_digest(content, "sha256").digest() == output.sha256
