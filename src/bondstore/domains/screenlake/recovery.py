"""After a kill, or somebody's hand: what is not where the record says, which zips bring it back, what nobody knows."""

from __future__ import annotations

import hashlib
import os
from itertools import islice
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.paths import parts_folder
from bondstore.runs.destination import PRIVATE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bondstore.ledger import Ledger, Output
    from bondstore.runs.work import Place

_PAGE = 500


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
        token, part = output.made_by, output.source
        if part and not _stands(root, output, output.path) and not _stands(root, output, _waiting(output, token)):
            lost.add(part)
    for output in ledger.outputs.under(place.job, f"{PRIVATE}/staged/{query}/"):
        if not _stands(root, output, output.path):
            lost.add(output.source)
    return frozenset(lost)


def sweep(ledger: Ledger, place: Place, query: str) -> None:
    """Remove images and parts that a killed run left without a record of them: no other run would ever look at them.

    Parameters
    ----------
    ledger : Ledger
        The destination's ledger.
    place : Place
        The run; it holds the folder.
    query : str
        The query's id.
    """
    root = place.destination.root
    for folder in (f"{PRIVATE}/staged/{query}/", parts_folder(query)):
        for panelist in sorted(root.glob(f"{folder}*/")):
            left = set(_unrecorded(ledger, place, panelist))
            if left:
                left -= set(_half_named(ledger, place, f"{query}/combined/panelists/{panelist.name}/images/"))
            for path in sorted(left):
                (root / path).unlink(missing_ok=True)


def _unrecorded(ledger: Ledger, place: Place, folder: Path) -> Iterator[str]:
    """Yield files in a folder that the ledger does not know."""
    files = folder.iterdir()
    while some := [one.relative_to(place.destination.root).as_posix() for one in islice(files, _PAGE)]:
        known = ledger.outputs.known(place.job, some)
        yield from (path for path in some if path not in known)


def _half_named(ledger: Ledger, place: Place, images: str) -> Iterator[str]:
    """Yield waiting images that are recorded under their names: the run was killed before it had moved them there."""
    root = str(place.destination.root)
    for output in ledger.outputs.under(place.job, images):
        waiting = _waiting(output, output.made_by)
        if not _stands(root, output, output.path) and _stands(root, output, waiting):
            yield waiting


def _waiting(output: Output, token: str) -> str:
    query, _, _, panelist, *_ = output.path.split("/")
    return f"{PRIVATE}/staged/{query}/{panelist}/{token}"


def _stands(root: str, output: Output, path: str) -> bool:
    """Whether a file is the one that was recorded; as `FolderDestination.holds`, for millions of files."""
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
