"""The objects of a vault as a run takes them, one by one, and what is refused before it begins."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, ClassVar

from bondstore.errors import (
    ArchivedError,
    BondstoreError,
    DamagedError,
    NothingThereError,
    UsageError,
    WrongKeyError,
)
from bondstore.findings import Finding
from bondstore.ledger import Item, Read
from bondstore.runs.pipeline import PAGE, EachObject, Page
from bondstore.runs.work import UnfetchedError, at_the_source, from_source
from bondstore.vault.findings import ARCHIVED, FINDINGS, MISSING, NOT_PROVED, WRONG_RECIPIENT
from bondstore.vault.manifest import ENDING, PAYLOAD
from bondstore.vault.names import name_in_folder, name_in_store
from bondstore.vault.proofs import Proofs, Reader, is_below, proofs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from typing_extensions import Buffer

    from bondstore.config.profiles import StoreSpec
    from bondstore.runs.context import RunContext
    from bondstore.runs.plan import Plan
    from bondstore.runs.work import Work

LARGE = 8 << 20
"""Bytes from which on an object is read in ranges, not whole."""
LOST = "missing"
"""In the place of the etag of an object that a manifest names, and the vault does not have."""


@dataclass(frozen=True, slots=True)
class VaultObjects(EachObject):
    """The objects of a vault, or those below a path of it, each with its bytes; what is done with them is left open."""

    reader: Reader | None
    """Who decrypts; None: objects are taken as they are."""
    below: str = ""
    fresh: ClassVar[bool] = True
    """Whether the manifests are read again for the plan."""

    def pages(self, context: RunContext) -> Iterator[Page]:
        """List the payload; then take what the manifests name and the listing lacks, to be told as missing."""
        proofs = proofs_of(context.source, fresh=self.fresh)
        wanted = dict(proofs.entries)
        for listing in context.store.pages(PAYLOAD):
            for one in listing.objects():
                wanted.pop(one.key, None)
            there = (Item(one.key, one.etag, one.size, "") for one in listing.objects())
            yield from _paged(item for one in there for item in self.items_of(one, proofs, context))
        lost = (Item(name, LOST, entry.size, "") for name, (entry, _) in wanted.items())
        yield from _paged(item for one in lost for item in self.items_of(one, proofs, context))

    def items_of(self, found: Item, proofs: Proofs, context: RunContext) -> Iterator[Item]:
        """Yield what is to be done for an object that was found: its item, where it is below the path."""
        entry, manifest = proofs.entries.get(found.key, (None, None))
        path = _path_of(found.key) if entry is None else entry.path
        paths = [path]
        if self.below and self.reader is not None and entry is not None and manifest is not None and entry.files:
            try:
                paths += [one.path for one in proofs.files(entry, manifest, self.reader)]
            except (DamagedError, WrongKeyError):  # it may have the path; it is told when it is taken
                paths.append(self.below)
        if any(map(self.is_below, paths)):
            as_it_is = self.reader is None and (entry is None or bool(entry.list))
            yield replace(found, output=self.output_of(f"{path}{ENDING}" if as_it_is else path, context))

    def is_below(self, path: str) -> bool:
        """Whether a file is asked for."""
        return not self.below or is_below(path, self.below)

    def output_of(self, path: str, context: RunContext) -> str:
        """Return the file that an object becomes."""
        return name_in_store(path) if context.dest.at_once else name_in_folder(path)

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Read each object, and hand it over."""
        proofs = proofs_of(work.context.source)
        for item in items:
            if item.version == LOST:
                work.receipt.failed(item, MISSING.about(item.key))
        there = [item for item in items if item.version != LOST]
        small = [item for item in there if item.size <= LARGE]
        for item, answer in zip(small, work.store.get_each([item.key for item in small]), strict=True):
            if isinstance(answer, BondstoreError):
                self._unread(item, answer, work)
            else:
                work.receipt.reads.append(Read(item.key, answer.info.etag, len(answer.data)))
                self.take(item, [answer.data], answer.info.etag, proofs, work)
        for item in there:
            if item.size > LARGE:
                try:
                    self.stream(item, proofs, work)
                except UnfetchedError as failure:
                    self._unread(item, failure.error, work)
                except BondstoreError as error:
                    work.not_written(item, error)

    def stream(self, item: Item, proofs: Proofs, work: Work) -> None:
        """Read a large object in ranges, and hand it over."""
        with at_the_source():
            info = work.store.head(item.key)
        chunks = from_source(work.store.open_ranges(info))
        first = next(chunks, b"")  # an archived object is refused here
        work.receipt.reads.append(Read(item.key, info.etag, info.size))
        self.take(item, chain([first], chunks), info.etag, proofs, work)

    def _unread(self, item: Item, error: BondstoreError, work: Work) -> None:
        if isinstance(error, ArchivedError):
            self.archived(item, work)
        else:
            work.not_fetched(item, error, sealed=True)

    def archived(self, item: Item, work: Work) -> None:
        """Note an object that must be restored before it can be read."""
        work.receipt.failed(item, ARCHIVED.about(item.key))
        work.receipt.waiting += 1

    @abstractmethod
    def take(self, item: Item, chunks: Iterable[Buffer], etag: str, proofs: Proofs, work: Work) -> None:
        """Do what is to be done with an object, given its bytes as they are in the store."""


def _paged(items: Iterator[Item]) -> Iterator[Page]:
    """Yield items by the page: one object can be many files."""
    while some := list(islice(items, PAGE)):
        yield Page(some)


def finding_of(item: Item, error: WrongKeyError | DamagedError) -> Finding:
    """Return what is to be said of an object that is not proved, or not for this key."""
    kind = WRONG_RECIPIENT if isinstance(error, WrongKeyError) else FINDINGS.get(error.kind, NOT_PROVED)
    return kind.about(item.key, message=error.message)


def refuse_unseen(spec: StoreSpec, below: str, reader: Reader | None) -> None:
    """Refuse a path of a vault with packs where there is no key: nobody could say whether a pack has it."""
    if below and reader is None and proofs_of(spec).has_packs:
        raise UsageError(
            f"{spec.url} has packs, and only a key tells which files are in them.",
            hint=f"Add --unseal, or leave #{below} out.",
        )


def refuse_nothing(plan: Plan, spec: StoreSpec, below: str) -> None:
    """Refuse a vault that has nothing, or nothing below a path."""
    if not (plan.todo.objects or plan.skipped.objects or plan.quarantined.objects):
        raise nothing_there(spec, below)


def refuse_absent(spec: StoreSpec, below: str, reader: Reader | None) -> None:
    """Refuse the same before anything is written at a destination."""
    proofs = proofs_of(spec, fresh=True)
    refuse_unseen(spec, below, reader)
    if not _is_named(proofs, below, reader):
        others = (one.key for one in proofs.store.list(PAYLOAD) if one.key not in proofs.entries)
        if not any(not below or is_below(_path_of(key), below) for key in others):
            raise nothing_there(spec, below)


def _is_named(proofs: Proofs, below: str, reader: Reader | None) -> bool:
    """Whether the manifests name anything below a path, or a pack has it, or nobody knows."""
    if any(not below or is_below(entry.path, below) for entry, _ in proofs.entries.values()):
        return True
    packs = [one for one in proofs.entries.values() if one[0].files]
    try:
        return reader is not None and any(
            is_below(one.path, below) for pack in packs for one in proofs.files(*pack, reader)
        )
    except (DamagedError, WrongKeyError):  # it is told when it is taken
        return True


def nothing_there(spec: StoreSpec, below: str) -> NothingThereError:
    """Return what is to be said of a vault that has nothing, or nothing below a path."""
    what = f"There is nothing below {below} in {spec.url}." if below else _no_vault(spec)
    return NothingThereError(what, hint="Name a vault that bondstore put made; #PATH names a part of it.")


def _no_vault(spec: StoreSpec) -> str:
    return f"{spec.url} is not a vault: it has no manifest and no objects below {PAYLOAD}/."


def _path_of(name: str) -> str:
    """Return what a file is probably called whose object no manifest names."""
    return name.removeprefix(f"{PAYLOAD}/").removesuffix(ENDING)
