"""From the images that wait to their names, and back; what is not where the record says; what nobody knows.

Images lie in the private corner, under their tokens, until all of their panelist are named. The record first says where
each will be, then it is moved: so a kill at any instant loses none. What a killed run left half-done is seen here.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from bondstore.domains.screenlake.paths import (
    images_folder,
    panelist_folder,
    parts_folder,
    results_folder,
    staged_folder,
    waiting_path,
)
from bondstore.errors import IntegrityError
from bondstore.runs.changed import keep_changed
from bondstore.runs.pipeline import Step
from bondstore.runs.record import rename

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bondstore.domains.screenlake.names import ImageNames
    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.pipeline import Shard

PAGE = 500
MARKER = "redactions.jsonl"
"""The file whose record tells what a panelist's files were made of."""
T = TypeVar("T")


def made_by(work: str, decided: Mapping[str, str], key: str) -> str:
    """Return what a zip's part is made by: the handling, and the decisions about its images."""
    return hashlib.sha256(f"{work} {decided.get(key, '')}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PartsMade:
    """The parts of a panelist, held against what is asked for."""

    parts: tuple[str, ...]
    outdated: Mapping[str, str]
    """Keys of zips, by the paths of their parts, that were made with another handling or other decisions, or altered
    since: they could not be made anew, as the zip is gone from the store or could not be fetched. What they hold is
    kept, and not shown under today's promise."""
    digest: str
    """Of both."""


def sort_out(
    ledger: Ledger,
    job: str,
    holder: Holder,
    outputs: Sequence[Output],
    *,
    work: str,
    decided: Mapping[str, str],
    salt: str,
) -> PartsMade:
    """Tell the parts of a panelist that are as asked for from the others, and from those that are gone or altered."""
    keys = ledger.items.keys_of(job, [one.path for one in outputs])
    said = hashlib.sha256(salt.encode())
    parts, outdated = [], {}
    for one in outputs:
        key = keys.get(one.path, one.path)
        if one.made_by == made_by(work, decided, key) and holder.holds(one):
            parts.append(one.path)
            said.update(f"\n{one.path} {one.sha256.hex()}".encode())
        else:
            outdated[one.path] = key
            said.update(f"\nwithout {one.path}".encode())
    return PartsMade(tuple(parts), outdated, said.hexdigest())


def lost_parts(ledger: Ledger, job: str, holder: Holder, query: str) -> frozenset[str]:
    """Return the parts whose zips must be done again, as images of theirs are gone or were altered.

    An image that was about to be given its name when the run was killed still lies where it waited, and is not lost.
    """
    lost = set()
    for output in ledger.outputs.under(job, results_folder(query)):
        if output.source and not (holder.stands(output, output.path) or holder.stands(output, waiting_path(output))):
            lost.add(output.source)
    for output in ledger.outputs.under(job, staged_folder(query)):
        if not holder.stands(output, output.path):
            lost.add(output.source)
    return frozenset(lost)


@dataclass(frozen=True, slots=True)
class Sweep(Step):
    """Removes what a killed run left without a record of it: no other run would ever look at it."""

    query: str

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Remove it; nothing is left for workers."""

        @cache
        def half_named(panelist: str) -> frozenset[str]:
            return frozenset(_half_named(ledger, context, images_folder(self.query, panelist)))

        for folder in (staged_folder(self.query), parts_folder(self.query)):
            for paths in pages(context.dest.walk(folder)):
                known = ledger.outputs.known(context.job, paths)
                left = [path for path in paths if path not in known]
                context.dest.remove([path for path in left if path not in half_named(path.split("/")[-2])])
        yield from ()


def _half_named(ledger: Ledger, context: RunContext, images: str) -> Iterator[str]:
    """Yield waiting images that are recorded under their names: the run was killed before it had moved them there."""
    holder = context.dest.holder(few=True)
    for output in ledger.outputs.under(context.job, images):
        waiting = waiting_path(output)
        if not holder.stands(output, output.path) and holder.stands(output, waiting):
            yield waiting


def take_stock(ledger: Ledger, job: str, holder: Holder, query: str, panelist: str) -> bytes:
    """Tell where each image of a panelist is recorded, and where it lies: one line each, as a shard may carry it."""
    lines = []
    for folder in (images_folder(query, panelist), staged_folder(query, panelist)):
        for one in ledger.outputs.under(job, folder):
            places = (one.path, staged_folder(query, panelist) + one.made_by)
            lies = next((place for place in places if holder.stands(one, place)), "")
            lines.append("\t".join((one.path, one.made_by, one.sha256.hex(), lies)))
    return "\n".join(lines).encode()


def tell_stock(stock: bytes, names: ImageNames) -> None:
    """Tell `names` what `take_stock` found."""
    for path, token, output, lies in _lines(stock):
        names.stands(path, token, output, there=bool(lies), lies=lies)


def _lines(packed: bytes) -> Iterator[list[str]]:
    # Paths are percent-encoded where they hold what cannot be printed, so neither sign is in them.
    return (line.split("\t") for line in packed.decode().split("\n") if line)


@dataclass(frozen=True, slots=True)
class Naming:
    """Brings a panelist's images under their names, and removes those that have none any more; outdated ones wait on.

    An image that must go elsewhere is first put back to where it waited, unless a newer one waits there; then the
    record is changed; then everything that waits goes to its name. Whatever of this was not done when a run was killed
    is seen by `lost_parts`, or done by the next run.
    """

    query: str
    panelist: str
    misplaced: tuple[tuple[str, str, bool], ...]
    """What must leave its path: path, token, whether the image is kept."""
    names: bytes
    """Lines: token, name, part it came with last, whether it is to be moved."""
    outdated: frozenset[str]
    """Parts whose images wait for a handling like the one they were made with."""

    @classmethod
    def of(cls, query: str, panelist: str, names: ImageNames, outdated: Iterable[str]) -> Naming:
        """Pack what is to be done."""
        images = images_folder(query, panelist)
        lines = (f"{one.token}\t{one.name}\t{one.part}\t{one.moves:d}" for one in names.walk(images))
        misplaced = tuple(names.misplaced(images))
        return cls(query, panelist, misplaced, "\n".join(lines).encode(), frozenset(outdated))

    def apply(self, ledger: Ledger, context: RunContext) -> None:
        """Do it.

        Raises
        ------
        IntegrityError
            An image is nowhere: somebody removed it while the run was going on.
        """
        # Killed from here on, this panelist is not finished.
        marker = ledger.outputs.known(context.job, [panelist_folder(self.query, self.panelist) + MARKER])
        rename(ledger, context, [dataclasses.replace(one, made_by="") for one in marker.values()], [])
        if self.misplaced:
            waiting = set(context.dest.walk(staged_folder(self.query, self.panelist)))
            for some in pages(iter(self.misplaced)):
                self._put_back(ledger, context, some, waiting)
        moved = False
        for page in pages(_lines(self.names)):
            moved |= self._name(ledger, context, page)
        self._clear(ledger, context)
        if moved:
            _tag(ledger, context, images_folder(self.query, self.panelist))

    def _waits(self, image: Output) -> bool:
        return image.source in self.outdated

    def _put_back(
        self, ledger: Ledger, context: RunContext, some: list[tuple[str, str, bool]], waiting: set[str]
    ) -> None:
        """Take images away from where they stand: to where they wait, if they are kept and no newer one waits there."""
        staged = staged_folder(self.query, self.panelist)
        rows = ledger.outputs.known(context.job, [path for path, _, _ in some])
        newer = ledger.outputs.known(context.job, [staged + token for _, token, _ in some])
        keep_changed(ledger, context.dest, list(rows))
        back, removed, moves = [], [], []
        for path, token, keep in some:
            place = staged + token
            if place in newer and place in waiting:
                removed.append(path)
            elif keep or self._waits(rows[path]):
                # What waits is newer than what stands under the name: a run was killed before it had replaced it.
                if place in waiting:
                    removed.append(path)
                else:
                    moves.append((path, place))
                back.append(dataclasses.replace(rows[path], path=place))
            else:
                removed += [path, place]  # the second, where a run was killed before it had moved it
        context.dest.move(moves)
        context.dest.remove(removed)
        rename(ledger, context, back, [path for path, _, _ in some])

    def _name(self, ledger: Ledger, context: RunContext, page: list[list[str]]) -> bool:
        images, staged = images_folder(self.query, self.panelist), staged_folder(self.query, self.panelist)
        parts = parts_folder(self.query, self.panelist)
        waiting = ledger.outputs.known(context.job, [staged + token for token, *_ in page])
        known = ledger.outputs.known(context.job, [images + name for _, name, *_ in page])
        changed: list[Output] = []
        for token, name, part, _ in page:
            old = waiting.get(staged + token) or known.get(images + name)
            # The zip that brings it back, should it be lost: another one may have had it when it was written.
            new = old and dataclasses.replace(old, path=images + name, made_by=token, source=parts + part)
            if new is not None and new != known.get(new.path):
                changed.append(new)
        keep_changed(ledger, context.dest, [images + name for _, name, _, moves in page if moves == "1"])
        rename(ledger, context, changed, list(waiting))
        moves = [(staged + token, images + name) for token, name, _, moves in page if moves == "1"]
        # What was moved before a kill stands there already.
        gone = [path for path in context.dest.move(moves) if not context.dest.exists(path)]
        if gone:
            raise IntegrityError(
                f"The image {gone[0]} is gone, though it was written by this run or an earlier one.",
                hint="Run the same command again: its zip is done anew.",
            )
        return bool(moves)

    def _clear(self, ledger: Ledger, context: RunContext) -> None:
        """Remove what waits and has no name: images that an earlier handling let out and this one withholds."""
        waiting = ledger.outputs.under(context.job, staged_folder(self.query, self.panelist))
        left = [one.path for one in waiting if not self._waits(one)]
        context.dest.remove(left)
        rename(ledger, context, [], left)


def _tag(ledger: Ledger, context: RunContext, images: str) -> None:
    """Write down the store's own tags where a copy has another one than what was put."""
    for page in pages(context.dest.tags(images)):
        tags = dict(page)
        known = ledger.outputs.known(context.job, list(tags))
        changed = [dataclasses.replace(one, etag=tags[path]) for path, one in known.items() if one.etag != tags[path]]
        rename(ledger, context, changed, [])


def pages(some: Iterator[T]) -> Iterator[list[T]]:
    """Yield a few at a time."""
    while page := list(islice(some, PAGE)):
        yield page
