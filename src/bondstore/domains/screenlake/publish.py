"""Giving images their names, so that a kill at any instant loses none: the record first says where each will be."""

from __future__ import annotations

import dataclasses
import os
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from bondstore.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bondstore.domains.screenlake.finish import FinishShard
    from bondstore.domains.screenlake.names import ImageNames, Named
    from bondstore.ledger import Ledger, Output

PAGE = 500
T = TypeVar("T")


def publish(shard: FinishShard, ledger: Ledger, names: ImageNames) -> None:
    """Bring a panelist's images under their names, and remove those that have none any more; outdated ones wait on.

    An image that must go elsewhere is first put back to where it waited, unless a newer one waits there; then the
    record is changed; then everything that waits goes to its name. Whatever of this was not done when a run was killed
    is seen by `recovery`, or done by the next run.

    Parameters
    ----------
    shard : FinishShard
        Which panelist.
    ledger : Ledger
        The destination's ledger.
    names : ImageNames
        The images and their names.

    Raises
    ------
    IntegrityError
        An image is nowhere: somebody removed it while the run was going on.
    """
    images = f"{shard.folder}images/"
    for some in _pages(names.misplaced(images)):
        _put_back(shard, ledger, some)
    for page in _pages(names.walk()):
        _name(shard, ledger, page, images)
    _clear(shard, ledger)


def take_stock(shard: FinishShard, ledger: Ledger, names: ImageNames) -> None:
    """Tell which of a panelist's images lie where, under their names and waiting, and which are gone."""
    root = str(shard.place.destination.root)
    for folder in (f"{shard.folder}images/", shard.staged):
        for output in ledger.outputs.under(shard.place.job, folder):
            token = output.made_by
            there = any(os.path.exists(f"{root}/{path}") for path in (output.path, shard.staged + token))  # noqa: PTH110
            names.stands(output.path, token, output.sha256.hex(), there=there)


def _put_back(shard: FinishShard, ledger: Ledger, some: list[tuple[str, str, bool]]) -> None:
    """Take images away from where they stand: to where they wait, if they are kept and no newer one waits there."""
    root, job = shard.place.destination.root, shard.place.job
    rows = ledger.outputs.known(job, [path for path, _, _ in some])
    newer = ledger.outputs.known(job, [shard.staged + token for _, token, _ in some])
    back = []
    for path, token, keep in some:
        staged = shard.staged + token
        if staged in newer:
            (root / path).unlink(missing_ok=True)
        elif keep or shard.made.waits(rows[path]):
            _move_back(root, path, staged)
            back.append(dataclasses.replace(rows[path], path=staged))
        else:
            (root / path).unlink(missing_ok=True)
            (root / staged).unlink(missing_ok=True)  # a run was killed before it had moved it
    with ledger.transaction():
        ledger.outputs.forget(job, [path for path, _, _ in some])
        ledger.outputs.put(job, shard.place.run, back)


def _move_back(root: Path, path: str, staged: str) -> None:
    if (root / staged).exists():  # what stands under the name is older: a run was killed before it had replaced it
        (root / path).unlink(missing_ok=True)
    elif (root / path).exists():
        (root / staged).parent.mkdir(parents=True, exist_ok=True)
        (root / path).replace(root / staged)


def _name(shard: FinishShard, ledger: Ledger, page: list[Named], images: str) -> None:
    root, job = shard.place.destination.root, shard.place.job
    targets = {one.token: images + one.name for one in page}
    waiting = ledger.outputs.known(job, [shard.staged + token for token in targets])
    known = ledger.outputs.known(job, list(targets.values()))
    changed: list[Output] = []
    for one in page:
        old = waiting.get(shard.staged + one.token) or known.get(targets[one.token])
        # The zip that brings it back, should it be lost: another one may have had it when it was written.
        new = old and dataclasses.replace(
            old, path=targets[one.token], made_by=one.token, source=f"{shard.parts}{one.part}"
        )
        if new is not None and new != known.get(new.path):
            changed.append(new)
    with ledger.transaction():
        ledger.outputs.forget(job, list(waiting))
        ledger.outputs.put(job, shard.place.run, changed)
    (root / images).mkdir(parents=True, exist_ok=True)
    there = {*known, *(one.path for one in changed)}
    for token, target in targets.items():
        _move(root, shard.staged + token, target, target in there)


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


def _pages(some: Iterator[T]) -> Iterator[list[T]]:
    while page := list(islice(some, PAGE)):
        yield page
