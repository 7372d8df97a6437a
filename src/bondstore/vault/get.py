"""Get: files of a vault, decrypted and held against its manifests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bondstore.config.resolve import (
    dest_params,
    recorded_dest,
    recorded_store,
    resolve_dest,
    resolve_source,
    store_params,
)
from bondstore.config.secrets import SecretRef
from bondstore.errors import DamagedError, WrongKeyError
from bondstore.runs.pipeline import Job, Step
from bondstore.runs.policy import check_places
from bondstore.stores import open_store
from bondstore.vault.keys import own_key, passphrase_of, unlocked
from bondstore.vault.proofs import LARGE, Reader, VaultObjects, finding_of, refuse_nothing
from bondstore.vault.waiting import Pauses, note_done, rounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from typing_extensions import Buffer

    from bondstore.config.profiles import StoreSpec
    from bondstore.ledger import Item, Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.pipeline import Shard
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work
    from bondstore.vault.proofs import Proofs

JOB = "vault.get"
FILE = "file"


@dataclass(frozen=True, slots=True)
class GetJob(Job):
    """All files of a vault, or those below a path, into a destination."""

    store: StoreSpec
    dest: StoreSpec | None
    """Where to; None for a run that is recorded in the folder it wrote to."""
    reader: Reader | None
    """None: objects are fetched and proved, and stay encrypted."""
    below: str = ""
    wait: Pauses | None = None
    """How archived objects that were asked for are waited for; None: they are left for another run."""

    @property
    def name(self) -> str:
        """One job for each vault, and for whether it is decrypted."""
        return f"{JOB}:{self.store.url}:{'open' if self.reader else 'encrypted'}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        own = {} if self.reader is None else {"key": self.reader.key, "passphrase": str(self.reader.passphrase)}
        return {"job": JOB, **store_params(self.store), **dest_params(self.dest), **own, "below": self.below} | (
            {} if self.wait is None else {"wait": True}
        )

    def check(self) -> None:
        """Refuse plaintext where it is forbidden, a place that is not there, and a key that does not unlock."""
        check_places(self.store, self.dest)
        open_store(self.store).check()
        if self.reader is not None:
            unlocked(self.reader.key, self.reader.passphrase)  # last: it may have to be asked for

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """Prove the manifests and list; refuse what names nothing."""
        plan = Job.plan(self, ledger, context, progress)
        refuse_nothing(plan, self.store, self.below)
        return plan

    @property
    def steps(self) -> Sequence[Step]:
        """One step."""
        return (GetObjects(self.reader, self.below, waits=self.wait is not None),)

    def stages(self, ledger: Ledger, context: RunContext) -> Iterator[Iterator[Shard]]:
        """Yield what can be read at once, then what the archive gives back."""
        yield from Job.stages(self, ledger, context)
        note_done(ledger, context)
        if self.wait is not None:
            yield from rounds(GetObjects(self.reader, self.below), ledger, context, self.wait)


def get_job(
    url: str,
    dest: str,
    *,
    unseal: bool = False,
    key: str | None = None,
    passphrase: SecretRef | None = None,
    profile: str | None = None,
    dest_profile: str | None = None,
    wait: bool = False,
) -> GetJob:
    """Build the job that fetches a vault, or with ``URL#path`` what is below a path.

    Parameters
    ----------
    url, dest : str
        The vault, and where to.
    unseal : bool
        Decrypt; otherwise objects stay encrypted, and are proved as such.
    key, passphrase
        As in `put_job`: whose key decrypts.
    profile, dest_profile : str, optional
        Settings to open the vault and the destination with.
    wait : bool
        Wait for archived objects that were asked for.
    """
    place, _, below = url.partition("#")
    name = own_key(key) if unseal else ""
    reader = Reader(name, passphrase_of(name, passphrase)) if unseal else None
    places = resolve_source(place, profile), resolve_dest(dest, dest_profile)
    return GetJob(*places, reader, below.strip("/"), Pauses() if wait else None)


def job_of(params: Mapping[str, Any], profile: str | None = None) -> GetJob:
    """Build the job that a run recorded as its `params`; `profile` opens the vault in place of the one used then."""
    reader = Reader(params["key"], SecretRef.parse(params["passphrase"])) if "key" in params else None
    wait = Pauses() if params.get("wait") else None
    return GetJob(recorded_store(params, profile), recorded_dest(params), reader, params["below"], wait)


@dataclass(frozen=True, slots=True)
class GetObjects(VaultObjects):
    """Writes the content of each object, once all of it is proved; what is not stays in the vault and is told of."""

    waits: bool = False
    """Whether what is archived is waited for: then it stays planned."""
    kinds: ClassVar[tuple[str, ...]] = (FILE,)

    def archived(self, item: Item, work: Work) -> None:
        """Note an object that must be restored first, unless it is waited for."""
        if not self.waits:
            VaultObjects.archived(self, item, work)

    def take(self, item: Item, chunks: Iterable[Buffer], etag: str, proofs: Proofs, work: Work) -> None:
        """Write one file."""
        try:
            content = proofs.content_of(item.key, chunks, self.reader)
            written: Iterable[Buffer] = list(content) if item.size <= LARGE else content
            work.write(item.output, written, kind=FILE, source=item.key)
        except (WrongKeyError, DamagedError) as error:
            finding = finding_of(item, error)
            work.receipt.findings.append(finding)
            work.quarantine(item, etag, finding.kind)
        else:
            work.receipt.done(item, etag)
