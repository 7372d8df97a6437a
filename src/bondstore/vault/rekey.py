"""Rekey: who can decrypt the objects of a vault changes, by new headers alone; their contents stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bondstore.config.resolve import recorded_store, resolve_source, store_params
from bondstore.config.secrets import SecretRef
from bondstore.errors import (
    ArchivedError,
    BondstoreError,
    DamagedError,
    NothingThereError,
    UsageError,
    WrongKeyError,
)
from bondstore.ledger import Item, Read
from bondstore.runs.pipeline import EachObject, Job, Page, Step
from bondstore.runs.plan import Plan
from bondstore.runs.policy import refuse_read_only
from bondstore.stores.address import parse_address
from bondstore.stores.background import side_by_side
from bondstore.vault.bag import BagFiles
from bondstore.vault.chain import read_chain
from bondstore.vault.findings import ARCHIVED, MISSING
from bondstore.vault.keys import find_recipient, own_key, passphrase_of, unlocked
from bondstore.vault.manifest import PAYLOAD
from bondstore.vault.objects import LOST, finding_of, nothing_there
from bondstore.vault.proofs import Reader, is_below, proofs_of
from bondstore.vault.readdress import Change, public_keys
from bondstore.vault.recipients import Recipients
from bondstore.vault.records import LIST, REKEYED
from bondstore.vault.rekeyed import RekeyManifests, Settled
from bondstore.vault.rekeying import SMALL, Rekeying, output_of
from bondstore.vault.rights import refuse_without_rights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work
    from bondstore.vault.chain import Chain
    from bondstore.vault.manifest import Entry, Manifest
    from bondstore.vault.rekeying import Ready

JOB = "vault.rekey"
FINGERPRINT = "SHA256:"


@dataclass(frozen=True, slots=True)
class RekeyPlan(Plan):
    """What will be rekeyed, and how many bytes of that are read and written here."""

    moved: int = 0


@dataclass(frozen=True, slots=True)
class RekeyJob(Job):
    """Other recipients for all objects of a vault, or for those below a path."""

    store: StoreSpec
    change: Change
    reader: Reader
    """Whose key decrypts headers, and signs."""
    below: str = ""

    @property
    def name(self) -> str:
        """One job for each vault and each change."""
        said = "+".join(sorted(self.change.keys)) + "".join(f"-{one}" for one in self.change.dropped)
        return f"{JOB}:{self.store.url}:{said}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        return {
            "job": JOB,
            **store_params(self.store),
            "for": [list(one) for one in self.change.added],
            "drop": list(self.change.dropped),
            "key": self.reader.key,
            "passphrase": str(self.reader.passphrase),
            "below": self.below,
        }

    def check(self) -> None:
        """Refuse what cannot succeed: no rights, somebody to be dropped or kept who is not known, a locked key."""
        refuse_read_only(self.store)
        refuse_without_rights(self.store)
        chain = read_chain(self.store)
        self._refuse_nothing(chain)
        known = {one for manifest in chain.manifests for one in manifest.recipients}
        if strangers := set(self.change.dropped) - known:
            raise UsageError(
                f"Nothing in {self.store.url} was ever encrypted for {sorted(strangers)[0]}.",
                hint="bondstore keys show lists fingerprints; the manifests of the vault name its recipients.",
            )
        public_keys(self.change, (manifest for _, manifest in chain.entries().values()))
        unlocked(self.reader.key, self.reader.passphrase)  # last: it may have to be asked for

    def _refuse_nothing(self, chain: Chain) -> None:
        """Refuse what names nothing that is encrypted, before anything is written at the vault."""
        below = [entry for entry, _ in chain.entries().values() if not self.below or is_below(entry.path, self.below)]
        if not below:
            raise nothing_there(self.store, self.below)
        if not any(entry.list for entry in below):
            where = f"below {self.below} in {self.store.url}" if self.below else f"in {self.store.url}"
            raise NothingThereError(
                f"Nothing {where} is encrypted, so there are no recipients to change.",
                hint="To encrypt the files, upload them to a new vault: bondstore put SRC URL --seal-for KEY",
            )

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> RekeyPlan:
        """Prove the manifests and list."""
        plan = Job.plan(self, ledger, context, progress)
        return RekeyPlan(plan.todo, plan.skipped, plan.quarantined, plan.left_out, moved=plan.room)

    @property
    def steps(self) -> Sequence[Step]:
        """Objects first, then the manifests of those that have their header; that is read back, and the bag follows."""
        objects = RekeyObjects(self.change, self.reader, self.below, self.copies)
        return (
            objects,
            RekeyManifests(Recipients((), (), self.reader.key, self.reader.passphrase)),
            Settled(),
            BagFiles(),
        )

    @property
    def copies(self) -> bool:
        """Whether the store copies what is behind a header by itself."""
        return parse_address(self.store.url).store_kind.copies_parts


def rekey_job(
    url: str,
    *,
    add: Sequence[str],
    drop: Sequence[str] = (),
    key: str | None = None,
    passphrase: SecretRef | None = None,
    profile: str | None = None,
) -> RekeyJob:
    """Build the job that rekeys a vault, or with ``URL#path`` what is below a path.

    Parameters
    ----------
    url : str
        The vault.
    add, drop : sequence of str
        Who is to be able to decrypt, and who not any more: names of keys, or paths of public files; of `drop`
        fingerprints too.
    key, passphrase
        As in `get_job`: your key decrypts headers, and signs.
    profile : str, optional
        Settings to open the vault with.
    """
    found = {one.public: one for one in map(find_recipient, add)}.values()
    change = Change(tuple((one.name, one.public.hex()) for one in found), tuple(sorted({*map(_fingerprint, drop)})))
    if not change.added:
        raise UsageError("Nobody is named who is to decrypt from now on.", hint="Add --for NAME.")
    if set(change.keys).intersection(change.dropped):
        raise UsageError("The same key is to be added and dropped.", hint="Leave one of them out.")
    name, (place, _, below) = own_key(key), url.partition("#")
    reader = Reader(name, passphrase_of(name, passphrase))
    return RekeyJob(resolve_source(place, profile), change, reader, below.strip("/"))


def _fingerprint(text: str) -> str:
    return text if text.startswith(FINGERPRINT) else find_recipient(text).fingerprint


def job_of(params: Mapping[str, Any], profile: str | None = None) -> RekeyJob:
    """Build the job that a run recorded as its `params`; `profile` opens the vault in place of the one used then."""
    change = Change(tuple((name, public) for name, public in params["for"]), tuple(params["drop"]))
    reader = Reader(params["key"], SecretRef.parse(params["passphrase"]))
    return RekeyJob(recorded_store(params, profile), change, reader, params["below"])


@dataclass(frozen=True, slots=True)
class RekeyObjects(EachObject):
    """Gives each object a header for its new recipients."""

    change: Change
    reader: Reader
    below: str
    copies: bool
    kinds: ClassVar[tuple[str, ...]] = (REKEYED, LIST)

    def pages(self, context: RunContext) -> Iterator[Page]:
        """List the payload; then take what the manifests name and the listing lacks, to be told as missing."""
        proofs = proofs_of(context.source, fresh=True)
        wanted = {name: one for name, one in proofs.entries.items() if self._is_below(one[0].path)}
        for listing in context.store.pages(PAYLOAD):
            page = Page()
            for one in listing.objects():
                if one.key in wanted:
                    self._sort(page, *wanted.pop(one.key), one.etag, one.size)
                elif one.key not in proofs.entries:
                    page.left_out["in no manifest"] += 1
            yield page
        page = Page()
        for entry, manifest in wanted.values():
            self._sort(page, entry, manifest, LOST, entry.size)
        yield page

    def _is_below(self, path: str) -> bool:
        return not self.below or is_below(path, self.below)

    def _sort(self, page: Page, entry: Entry, manifest: Manifest, etag: str, size: int) -> None:
        if not entry.list:
            page.left_out["not encrypted"] += 1
        elif self.change.after(manifest.recipients) == tuple(sorted(manifest.recipients)):
            page.superseded.append(Item(entry.object, etag, size, entry.object))
        else:
            page.items.append(Item(entry.object, etag, size, entry.object))

    def weight(self, item: Item) -> int:  # noqa: ARG002
        """Return none: objects are not held in memory."""
        return 0

    def room(self, items: Sequence[Item]) -> int:
        """Return how many bytes are read and written here."""
        return sum(item.size for item in items if not self.copies or item.size <= SMALL)

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Prepare a batch, announce it, and give the objects their headers."""
        there = [item for item in items if item.version != LOST]
        for item in items:
            if item.version == LOST:
                work.receipt.failed(item, MISSING.about(item.key))
        rekeying = self._rekeying(work)
        ready = self._prepared(rekeying, there)
        if self.copies:
            for one in ready:
                if one.is_done:
                    self._done(work, one.item, output_of(one.before, one.item.version))
            ready = [one for one in ready if not one.is_done]
        pairs = rekeying.announce(ready)
        for (one, _), answer in zip(pairs, rekeying.replace(pairs), strict=True):
            if isinstance(answer, BondstoreError):
                self._refused(work, one.item, answer)
            elif answer is None:
                work.receipt.done(one.item, one.item.version)
            else:
                self._done(work, one.item, answer)

    def _rekeying(self, work: Work) -> Rekeying:
        proofs, chain = proofs_of(work.context.source), read_chain(work.context.source)
        keys = public_keys(self.change, (one for states in proofs.entries.values() for one in states[1:]))
        own = unlocked(self.reader.key, self.reader.passphrase)
        return Rekeying(work, proofs, self.change, keys, own, self.reader, chain.number + 1, chain.newest, self.copies)

    def _prepared(self, rekeying: Rekeying, items: Sequence[Item]) -> list[Ready]:
        ready = []
        for item, answer in zip(items, side_by_side(rekeying.ready, items, 16), strict=True):
            if isinstance(answer, BondstoreError):
                self._refused(rekeying.work, item, answer)
            else:
                rekeying.work.receipt.reads.append(Read(item.key, item.version, answer.before.header_size))
                ready.append(answer)
        return ready

    def _done(self, work: Work, item: Item, output: Any) -> None:
        work.receipt.outputs.append(output)
        work.written.add(output.path)
        work.receipt.done(item, output.etag)

    def _refused(self, work: Work, item: Item, error: BondstoreError) -> None:
        if isinstance(error, WrongKeyError | DamagedError):
            work.receipt.failed(item, finding_of(item, error))
        elif isinstance(error, ArchivedError):
            work.receipt.failed(item, ARCHIVED.about(item.key))
            work.receipt.waiting += 1
        else:
            work.not_fetched(item, error)
