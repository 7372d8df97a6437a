"""Verify: a vault held against its manifests. Nothing is written but the record of what was read."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bondstore.config.resolve import recorded_store, resolve_source, store_params
from bondstore.config.secrets import SecretRef
from bondstore.errors import BondstoreError, DamagedError, WrongKeyError
from bondstore.ledger import Item, Read
from bondstore.runs.pipeline import Job, Page, Step
from bondstore.runs.process import shared_store
from bondstore.vault.arrived import BEGUN, arrived_in, unfinished_in
from bondstore.vault.findings import ARRIVED, NOT_IN_MANIFEST, NOT_PROVED, UNFINISHED
from bondstore.vault.keys import own_key, passphrase_of, unlocked
from bondstore.vault.manifest import ENDING, PAYLOAD
from bondstore.vault.objects import LOST, VaultObjects, finding_of, refuse_nothing, refuse_unseen
from bondstore.vault.places import record_of
from bondstore.vault.proofs import Reader, held, proofs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from typing_extensions import Buffer

    from bondstore.config.profiles import StoreSpec
    from bondstore.findings import FindingKind
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Destination
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work
    from bondstore.vault.manifest import Content
    from bondstore.vault.proofs import Proofs

JOB = "vault.verify"


@dataclass(frozen=True, slots=True)
class VerifyJob(Job):
    """A vault, or what is below a path of it, against its manifests."""

    store: StoreSpec
    below: str = ""
    share: float = 0.0
    """Which part of the objects is read, chosen at random; of the others size and presence are compared."""
    reader: Reader | None = None
    """Whose key decrypts what is read, to prove its content too."""

    @property
    def name(self) -> str:
        """One job for each address."""
        return f"{JOB}:{self.store.url}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        own = {} if self.reader is None else {"key": self.reader.key, "passphrase": str(self.reader.passphrase)}
        return {"job": JOB, **store_params(self.store), **own, "below": self.below, "share": self.share}

    def check(self) -> None:
        """Refuse a place that is not there, and a key that does not unlock."""
        shared_store(self.store).check()
        if self.reader is not None:
            unlocked(self.reader.key, self.reader.passphrase)  # last: it may have to be asked for

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """Prove the manifests and list; refuse what names nothing."""
        plan = Job.plan(self, ledger, context, progress)
        refuse_unseen(self.store, self.below, self.reader)
        refuse_nothing(plan, self.store, self.below)
        return plan

    @property
    def steps(self) -> Sequence[Step]:
        """One step."""
        return (Compare(self.reader, self.below, self.share),)


def verify_job(
    url: str,
    *,
    deep: bool = False,
    sample: float | None = None,
    unseal: bool = False,
    key: str | None = None,
    passphrase: SecretRef | None = None,
    profile: str | None = None,
) -> VerifyJob:
    """Build the job that verifies a vault, or with ``URL#path`` what is below a path.

    Parameters
    ----------
    url : str
        The vault.
    deep : bool
        Read every object, and compare its checksum; otherwise only sizes and presence are compared.
    sample : float, optional
        Read this percentage of the objects, chosen at random.
    unseal, key, passphrase
        Decrypt what is read and compare the checksum of its content too, by this key; see `get_job`.
    profile : str, optional
        Settings to open the vault with.
    """
    place, _, below = url.partition("#")
    name = own_key(key) if unseal else ""
    reader = Reader(name, passphrase_of(name, passphrase)) if unseal else None
    share = 1.0 if deep or (unseal and sample is None) else (sample or 0.0) / 100
    return VerifyJob(resolve_source(place, profile), below.strip("/"), share, reader)


def job_of(params: Mapping[str, Any], profile: str | None = None) -> VerifyJob:
    """Build the job that a run recorded as its `params`; `profile` opens the vault in place of the one used then."""
    reader = Reader(params["key"], SecretRef.parse(params["passphrase"])) if "key" in params else None
    return VerifyJob(recorded_store(params, profile), params["below"], params["share"], reader)


def destination_of(job: VerifyJob) -> Destination:
    """Return what keeps the record of a job: a folder of this account, as who verifies may not write to the vault."""
    return record_of(job.store, "verified")


@dataclass(frozen=True, slots=True)
class Compare(VaultObjects):
    """Compares each object with the manifest, and reads some of them, or all."""

    share: float = 0.0

    def output_of(self, path: str, context: RunContext) -> str:  # noqa: ARG002
        """Return none: nothing is written."""
        return ""

    def pages(self, context: RunContext) -> Iterator[Page]:
        """List the vault; then take what uploads have begun and the listing lacks."""
        begun = {
            key
            for key in unfinished_in(context.store)
            if self.is_below(key.removeprefix(f"{PAYLOAD}/").removesuffix(ENDING))
        }
        for page in VaultObjects.pages(self, context):
            begun.difference_update(item.key for item in page.items)
            yield page
        yield Page([Item(key, BEGUN, 0, "") for key in sorted(begun)])

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Compare sizes; read those that were chosen."""
        proofs = proofs_of(work.context.source)
        chance = random.SystemRandom()
        read = []
        for item in items:
            entry, _ = proofs.entries.get(item.key, (None, None))
            if item.version == BEGUN:
                _wait_for(item, UNFINISHED, work)
            elif item.version == LOST or (item.size in proofs.sizes_of(item.key) and self._is_read(chance)):
                read.append(item)
            elif entry is None:
                self._take_unnamed(item, work, is_read=self._is_read(chance))
            elif item.size not in proofs.sizes_of(item.key):
                message = f"The object has {item.size:,} bytes, and its manifest says {entry.size:,}."
                work.receipt.failed(item, NOT_PROVED.about(item.key, message=message))
            elif lost := proofs.lost_list(item.key):
                work.receipt.failed(
                    item, NOT_PROVED.about(item.key, message=f"The list {lost} of the vault is missing.")
                )
            else:
                work.receipt.done(item, item.version)
        VaultObjects.handle(self, read, work)

    def _take_unnamed(self, item: Item, work: Work, *, is_read: bool) -> None:
        """Compare an object that no manifest names with the record of its upload."""
        arrived = arrived_in(work.context.source, work.context.run)
        content = arrived.recorded.get(item.key)
        if content is None and not arrived.is_going_on:
            work.receipt.failed(item, NOT_IN_MANIFEST.about(item.key))
        elif content is not None and content.size != item.size:
            message = f"The object has {item.size:,} bytes, and the record of its upload says {content.size:,}."
            work.receipt.failed(item, NOT_PROVED.about(item.key, message=message))
        elif content is not None and is_read:
            self._read_unnamed(item, content, work)
        else:
            _wait_for(item, ARRIVED, work)

    def _read_unnamed(self, item: Item, content: Content, work: Work) -> None:
        try:
            info = work.store.head(item.key)
            work.receipt.reads.append(Read(item.key, info.etag, info.size))
            for _ in held(work.store.open_ranges(info), content, item.key):
                pass
        except DamagedError:
            message = "The object is not what the record of its upload says of it."
            work.receipt.failed(item, NOT_PROVED.about(item.key, message=message))
        except BondstoreError as error:
            self._unread(item, error, work)
        else:
            _wait_for(item, ARRIVED, work)

    def _is_read(self, chance: random.SystemRandom) -> bool:
        return self.share >= 1 or chance.random() < self.share

    def take(self, item: Item, chunks: Iterable[Buffer], etag: str, proofs: Proofs, work: Work) -> None:
        """Read one object to its end, and the list of what is in it."""
        try:
            proofs.prove_list(item.key)
            for _ in proofs.content_of(item.key, chunks, self.reader):
                pass
        except (WrongKeyError, DamagedError) as error:
            work.receipt.failed(replace(item, version=etag), finding_of(item, error))
        else:
            work.receipt.done(item, etag)


def _wait_for(item: Item, kind: FindingKind, work: Work) -> None:
    work.receipt.failed(item, kind.about(item.key))
    work.receipt.waiting += 1
