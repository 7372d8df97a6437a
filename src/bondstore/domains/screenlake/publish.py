"""Giving images their names, so that a kill at any instant loses none: the record first says where each will be."""

from __future__ import annotations

import dataclasses
import os
from itertools import islice
from typing import TYPE_CHECKING

from bondstore.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bondstore.domains.screenlake.finish import FinishShard
    from bondstore.domains.screenlake.names import Named, Names
    from bondstore.ledger import Ledger, Output

PAGE = 500


def publish(shard: FinishShard, ledger: Ledger, names: Names) -> None:
    """Bring a panelist's images under their names, and remove those that have none any more; outdated ones wait on.

    An image that must go elsewhere is first put back to where it waited; then the record is changed; then everything
    that waits goes to its name. Whatever of this was not done when a run was killed is seen by `recovery`, or done by
    the next run.

    Parameters
    ----------
    shard : FinishShard
        Which panelist.
    ledger : Ledger
        The destination's ledger.
    names : Names
        The images and their names.

    Raises
    ------
    IntegrityError
        An image is nowhere: somebody removed it while the run was going on.
    """
    root, job, images = shard.place.destination.root, shard.place.job, f"{shard.folder}images/"
    for output in ledger.outputs.under(job, images):
        names.stands(output.path, output.digest.partition(" ")[0])
    for path, token, named in list(names.misplaced(images)):
        row = ledger.outputs.known(job, [path])[path]
        keep = named or shard.made.waits(row)
        _put_back(root, path, shard.staged + token, keep=keep)
        with ledger.transaction():
            ledger.outputs.forget(job, [path])
            if keep:
                ledger.outputs.put(job, shard.place.run, [dataclasses.replace(row, path=shard.staged + token)])
    for page in _pages(names.walk()):
        _name(shard, ledger, page, images)
    _clear(shard, ledger)


def _put_back(root: Path, path: str, staged: str, *, keep: bool) -> None:
    if not keep:
        (root / path).unlink(missing_ok=True)
    elif not (root / staged).exists() and (root / path).exists():
        (root / staged).parent.mkdir(parents=True, exist_ok=True)
        (root / path).replace(root / staged)


def _name(shard: FinishShard, ledger: Ledger, page: list[Named], images: str) -> None:
    root, job = shard.place.destination.root, shard.place.job
    targets = {one.token: images + one.name for one in page}
    waiting = ledger.outputs.known(job, [shard.staged + token for token in targets])
    moves: list[tuple[str, Output]] = []
    for path, output in waiting.items():
        moves.append((path, dataclasses.replace(output, path=targets[path.removeprefix(shard.staged)])))
    with ledger.transaction():
        ledger.outputs.forget(job, [path for path, _ in moves])
        ledger.outputs.put(job, shard.place.run, [output for _, output in moves])
    (root / images).mkdir(parents=True, exist_ok=True)
    known = ledger.outputs.known(job, list(targets.values()))
    for token, target in targets.items():
        _move(root, shard.staged + token, target, target in known)


def _move(root: Path, staged: str, target: str, known: bool) -> None:
    """Move what waits to its name; what was moved before a kill stands there already."""
    try:
        os.replace(root / staged, root / target)  # noqa: PTH105 - millions of them
    except FileNotFoundError:
        if not known or not (root / target).exists():
            raise IntegrityError(
                f"The image {target} is gone, though it was written by this run or an earlier one.",
                hint="Run the same command again: its zip is done anew.",
            ) from None


def _clear(shard: FinishShard, ledger: Ledger) -> None:
    """Remove what waits and has no name: images that an earlier handling let out and this one withholds."""
    waiting = ledger.outputs.under(shard.place.job, shard.staged)
    left = [one.path for one in waiting if not shard.made.waits(one)]
    for path in left:
        (shard.place.destination.root / path).unlink(missing_ok=True)
    with ledger.transaction():
        ledger.outputs.forget(shard.place.job, left)


def _pages(names: Iterator[Named]) -> Iterator[list[Named]]:
    while page := list(islice(names, PAGE)):
        yield page
