"""The manifest of an upload, written once its objects are there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from bondstore.codecs.segments import plain_size
from bondstore.errors import AlreadyExistsError, ChangedError
from bondstore.ledger import Output, State
from bondstore.runs.pipeline import Group, Product
from bondstore.runs.store_destination import StoreDestination
from bondstore.vault.chain import chain_at
from bondstore.vault.keys import fingerprint, unlocked
from bondstore.vault.manifest import (
    FOLDER,
    Entry,
    Manifest,
    digest,
    header_size,
    manifest_path,
    signature_path,
)
from bondstore.vault.recipients import Recipients
from bondstore.vault.records import LIST, OBJECT
from bondstore.version import TOOL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.work import Work
    from bondstore.stores import Store

MANIFEST = "manifest"
MOST = 50_000
"""Objects of one manifest: a larger upload has several."""


@dataclass(frozen=True, slots=True)
class Written(Group):
    """A manifest to be signed and written."""

    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Manifests(Product):
    """Writes a manifest of the objects that no manifest names as they are now."""

    recipients: Recipients
    kinds: ClassVar[tuple[str, ...]] = (MANIFEST,)

    def groups(self, ledger: Ledger, context: RunContext, holder: Holder) -> Iterator[Group]:
        """Yield the manifests there are, as they are, and those that are missing."""
        chain = chain_at(context.dest)
        for one in chain.manifests:
            path = manifest_path(one.number)
            yield Group(path, (path, signature_path(path)), "")
        there = {name: entry.sha256 for name, (entry, _) in chain.entries().items()}
        fresh = [one for one in ledger.outputs.of_kind(context.job, OBJECT) if there.get(one.path) != one.sha256.hex()]
        if not context.dest.at_once:  # a kill leaves files that are recorded, and were never shown
            fresh = [one for one in fresh if holder.holds(one)]
        fresh = [one for one in fresh if one.path not in there or holder.holds(one)]  # others may have replaced it
        if any(one.rows for one in fresh):
            fresh = _newest_last(ledger, context.job, fresh)
        lists = {one.made_by: one.sha256.hex() for one in ledger.outputs.of_kind(context.job, LIST)}
        number, before = chain.number, chain.newest
        for start in range(0, len(fresh), MOST):
            number += 1
            content = self._manifest(number, before, fresh[start : start + MOST], lists).to_bytes()
            before, path = digest(content), manifest_path(number)
            yield Written(path, (path, signature_path(path)), before, content=content)

    def make(self, group: Group, work: Work) -> None:
        """Sign a manifest and write it, its signature first: a manifest without one is never seen."""
        if not isinstance(group, Written):
            raise TypeError(group)
        path, signature = group.paths
        own = unlocked(self.recipients.key, self.recipients.passphrase)
        signed = own.sign(group.content)
        if isinstance(work.dest, StoreDestination):  # a folder is locked
            work.receipt.outputs += _put_as_new(work.dest.store, group, signed)
            work.written.update(group.paths)
            return
        work.write(signature, [signed], kind=MANIFEST, made_by=group.digest)
        work.write(path, [group.content], kind=MANIFEST, made_by=group.digest, last=True)

    def _manifest(self, number: int, before: str, objects: Sequence[Output], lists: Mapping[str, str]) -> Manifest:
        own = unlocked(self.recipients.key, self.recipients.passphrase)
        return Manifest(
            number,
            before,
            datetime.now(UTC).isoformat(timespec="seconds"),
            TOOL,
            fingerprint(own.signing),
            tuple(sorted(fingerprint(one) for one in self.recipients.raw)),
            {name: lists[name] for name in dict.fromkeys(one.made_by for one in objects) if name},
            {fingerprint(one): one.hex() for one in self.recipients.raw},
            tuple(self._entry(one) for one in objects),
        )

    def _entry(self, one: Output) -> Entry:
        size = one.size
        if one.made_by:
            size = plain_size(size - header_size(len(self.recipients.publics)))
        return Entry(one.source, one.path, one.size, one.sha256.hex(), size, one.made_by, one.rows or 0)


def _put_as_new(store: Store, group: Written, signed: bytes) -> Iterator[Output]:
    """Put a manifest and its signature where no other run has put one.

    That another run has taken over is noticed between two steps: one that was held up here, as by a machine that slept,
    must not write over what the other wrote meanwhile.
    """
    path, signature = group.paths
    try:
        try:
            etag = store.put_if_absent(signature, signed)
        except AlreadyExistsError:  # of a manifest that was not written, as the run was killed
            there = store.head(signature)
            if any(one.key == path for one in store.list(FOLDER)):
                raise
            etag = store.put_if_unchanged(signature, signed, there.etag)
        yield _output(signature, signed, group, etag)
        yield _output(path, group.content, group, store.put_if_absent(path, group.content))
    except (AlreadyExistsError, ChangedError):
        raise ChangedError(
            f"Another run wrote {path} meanwhile.",
            hint="Run the same command again: what this run uploaded gets a manifest of its own.",
        ) from None


def _output(path: str, content: bytes, group: Written, etag: str) -> Output:
    sha256 = hashlib.sha256(content).digest()
    return Output(path, sha256, len(content), 0, kind=MANIFEST, made_by=group.digest, etag=etag)


def _newest_last(ledger: Ledger, job: str, fresh: Sequence[Output]) -> list[Output]:
    """Order objects of one manifest so that of two that have a file, the one that has its newer version comes last."""
    alone = ledger.items.keys_of(job, [one.path for one in fresh if not one.rows])
    places = ledger.runs.places()
    known = ledger.outputs.by_run([one.path for one in fresh])
    written = {one.path: places.get(run, 0) for (of, run), some in known.items() if of == job for one in some}

    def age(one: Output) -> tuple[bool, int]:
        """Whether all its files are the newest, then when it was written: others may have the newest of some files."""
        if one.rows is None:
            is_newest = one.path in alone
        else:
            is_newest = ledger.items.of_output(job, one.path).get(State.DONE, (0, 0))[0] == one.rows
        return is_newest, written[one.path]

    return sorted(fresh, key=age)
