"""Put: files of a folder or a store into a vault, encrypted for their recipients, and a signed manifest of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bondstore.config.profiles import StoreSpec
from bondstore.config.resolve import (
    recorded_dest,
    recorded_store,
    resolve_dest,
    resolve_source,
    store_params,
)
from bondstore.config.secrets import SecretRef
from bondstore.errors import ConfigurationError, NothingThereError, UsageError
from bondstore.ledger import State
from bondstore.runs.domain import unknown_run
from bondstore.runs.pipeline import Job, Shard, Step
from bondstore.runs.policy import check_places, refuse_overlap, refuse_read_only
from bondstore.runs.renamed import refuse_renamed_source
from bondstore.runs.store_destination import StoreDestination
from bondstore.stores import open_store
from bondstore.stores.address import parse_address
from bondstore.stores.archive import find_class
from bondstore.vault.addresses import is_empty
from bondstore.vault.bag import BagFiles
from bondstore.vault.chain import chain_at
from bondstore.vault.costs import COUNTED, Costs, written
from bondstore.vault.keys import find_recipient, own_key, passphrase_of, recipients, unlocked
from bondstore.vault.manifests import Manifests
from bondstore.vault.packs import read_size
from bondstore.vault.recipients import Recipients
from bondstore.vault.rights import refuse_foreign, refuse_without_rights
from bondstore.vault.sending import abort_others
from bondstore.vault.uploading import UPLOADS, Existing, PutObjects, existing_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress

JOB = "vault.put"


@dataclass(frozen=True, slots=True)
class PutJob(Job):
    """An upload of all files of a source."""

    store: StoreSpec
    dest: StoreSpec
    recipients: Recipients
    existing: Existing = "error"
    storage_class: str = ""
    """Of the files' objects; empty for the store's own default, in which all else is written always."""
    pack: int = 0
    """Bytes of a pack at most; 0 where each file is an object of its own."""

    @property
    def name(self) -> str:
        """One job for each source."""
        return f"{JOB}:{self.store.url}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        return {
            "job": JOB,
            **store_params(self.store),
            "dest": self.dest.url,
            "dest_profile": self.dest.profile.name,
            **self.recipients.params,
            "existing": self.existing,
            "class": self.storage_class,
            "pack": self.pack,
        }

    def check(self) -> None:
        """Refuse what cannot succeed: a place in the other, a vault one may not read or write, a key that is locked."""
        refuse_renamed_source(self.store)
        if self.recipients.encrypts:
            refuse_read_only(self.dest)
            refuse_overlap(self.store, self.dest)
        else:
            check_places(self.store, self.dest)
        if is_empty(self.store):  # before anything is written at the vault
            raise self._nothing()
        refuse_unsafe(self.dest, self.recipients)

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """List and compare; refuse a source without files."""
        plan = Job.plan(self, ledger, context, progress)
        if not (plan.todo.objects or plan.skipped.objects or plan.quarantined.objects or plan.left_out):
            raise self._nothing()
        return plan

    def _nothing(self) -> NothingThereError:
        return NothingThereError(f"There is no file in {self.store.url}.", hint="Name a folder with files in it.")

    @property
    def steps(self) -> Sequence[Step]:
        """Objects first, then the manifest of those that none has yet; that is read back, and the bag follows it."""
        return self._objects, Manifests(self.recipients), ReadBack(), BagFiles()

    @property
    def _objects(self) -> PutObjects:
        kind = parse_address(self.dest.url).kind
        return PutObjects(self.recipients, self.existing, self.storage_class, self.pack, kind)

    def costs(self, plan: Plan) -> Costs | None:
        """Return what a plan takes in the storage class that was asked for; None where none is known by the name."""
        known = find_class(parse_address(self.dest.url).kind, self.storage_class)
        if known is None:
            return None
        counts = Counter(plan.writes)
        if packed := counts.pop("packed", 0):
            full = -(-packed // self.pack)
            size = self._objects.stored_size(packed // full)
            counts += Counter(written([size] * full, known.smallest))
        return Costs(known, **{name: counts[name] for name in COUNTED}, packed=bool(self.pack))


def refuse_unsafe(dest: StoreSpec, who: Recipients) -> None:
    """Refuse a vault that one may not read or write, or is another's; and a key whose signatures nobody can check."""
    refuse_without_rights(dest)
    refuse_foreign(dest)
    own = unlocked(who.key, who.passphrase)  # late: it may have to be asked for
    if not any(one.signing == own.signing for one in recipients()):
        raise ConfigurationError(
            f"The public key for the signatures of {who.key} is not here: nobody could check them.",
            hint="Sign with a key that bondstore keys new made: --key NAME",
        )


def recipients_of(seal_for: Sequence[str], key: str | None, passphrase: SecretRef | None) -> Recipients:
    """Return for whom is encrypted, and who signs; as in `put_job`."""
    found = {one.public: one for one in map(find_recipient, seal_for)}.values()
    name = own_key(key)
    names, publics = tuple(one.name for one in found), tuple(one.public.hex() for one in found)
    return Recipients(names, publics, name, passphrase_of(name, passphrase))


def put_job(
    source: str,
    url: str,
    *,
    seal_for: Sequence[str] = (),
    key: str | None = None,
    passphrase: SecretRef | None = None,
    existing: str = "error",
    profile: str | None = None,
    from_profile: str | None = None,
) -> PutJob:
    """Build the job that uploads a folder or a store.

    Parameters
    ----------
    source, url : str
        What is uploaded, and the vault.
    seal_for : sequence of str
        For whom is encrypted: names of keys, or paths of public files. Without one nothing is encrypted.
    key : str, optional
        The pair that signs; the only one of this account where none is named.
    passphrase : SecretRef, optional
        Where its passphrase is kept; it is asked for where nobody says.
    existing : str
        What becomes of files that the vault has in another version: ``error``, ``skip`` or ``refresh``.
    profile, from_profile : str, optional
        Settings to open the vault and the source with.
    """
    how = existing_of(existing)
    who = recipients_of(seal_for, key, passphrase)
    return PutJob(resolve_source(source, from_profile), resolve_dest(url, profile), who, how)


def kept_in(job: PutJob, storage_class: str | None = None, pack: str | None = None) -> PutJob:
    """Return the job with a storage class for its files, and with packs of a size for small ones.

    Raises
    ------
    UsageError
        The vault's store does not have such a class, packs cannot have that size, or nothing would be encrypted.
    """
    size = read_size(pack) if pack else 0
    if size and not job.recipients.encrypts:
        raise UsageError("Packs are always encrypted.", hint="Add --seal-for KEY, or leave --pack out.")
    name = open_store(job.dest).class_named(storage_class) if storage_class else ""
    return replace(job, storage_class=name, pack=size)


def job_of(params: Mapping[str, Any], profile: str | None = None) -> PutJob:
    """Build the job that a run recorded as its `params`; `profile` opens the source in place of the one used then."""
    recipients = Recipients.recorded(params)
    dest = recorded_dest(params)
    if dest is None:
        raise unknown_run()
    kept = params.get("class", ""), params.get("pack", 0)
    return PutJob(recorded_store(params, profile), dest, recipients, params["existing"], *kept)


@dataclass(frozen=True, slots=True)
class ReadBack(Step):
    """Proves the manifests as they are in the vault now, and notes the newest one."""

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Read them, and remove parts of files that changed meanwhile; nothing is left for workers."""
        chain_at(context.dest)
        if isinstance(context.dest, StoreDestination):
            waiting = ledger.items.in_state(context.job, State.FAILED)
            abort_others(context.dest.store, context.dest.corner / UPLOADS, context, waiting)
        yield from ()
