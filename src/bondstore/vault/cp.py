"""Cp: objects from any store to any other, as they are; a whole vault stays one, held against its manifests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bondstore.config.profiles import StoreSpec
from bondstore.config.resolve import (
    dest_params,
    recorded_dest,
    recorded_store,
    resolve_dest,
    resolve_source,
    store_params,
)
from bondstore.errors import (
    NotFoundError,
    NothingThereError,
    PolicyError,
    UsageError,
)
from bondstore.ledger import State
from bondstore.runs.pipeline import Job, Step
from bondstore.runs.policy import check_places, refuse_overlap, refuse_read_only
from bondstore.runs.renamed import refuse_renamed_source
from bondstore.runs.store_destination import StoreDestination
from bondstore.stores import open_store
from bondstore.stores.address import parse_address
from bondstore.vault.addresses import is_empty, is_vault, object_at, vault_at
from bondstore.vault.chain import chain_at, read_chain
from bondstore.vault.copying import CopyObjects
from bondstore.vault.manifest import digest, manifest_path
from bondstore.vault.sending import abort_others
from bondstore.vault.uploading import UPLOADS, Existing, existing_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.pipeline import Shard
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress

JOB = "vault.cp"


@dataclass(frozen=True, slots=True)
class CopyJob(Job):
    """Objects of a store, or one of them, into another place."""

    store: StoreSpec
    dest: StoreSpec | None
    """Where to; None for a run that is recorded in the folder it wrote to."""
    key: str = ""
    """The one object; empty for all."""
    vault: bool = False
    """Whether the source is a vault."""
    existing: Existing = "error"
    storage_class: str = ""

    @property
    def name(self) -> str:
        """One job for each source."""
        return f"{JOB}:{self.store.url}{'#' if self.key else ''}{self.key}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        own = {"key": self.key, "vault": self.vault, "existing": self.existing, "class": self.storage_class}
        return {"job": JOB, **store_params(self.store), **dest_params(self.dest), **own}

    def check(self) -> None:
        """Refuse what cannot succeed: plaintext where it is forbidden, a place in the other, another vault."""
        refuse_renamed_source(self.store)
        if self.dest is None or parse_address(self.dest.url).kind == "file":
            check_places(self.store, None)
        if self.dest is not None:
            refuse_read_only(self.dest)
            self._refuse_itself(self.dest)
            self._refuse_another_vault(self.dest)
        if not self.key and is_empty(self.store):  # before anything is written at the destination
            raise self._nothing()

    def _refuse_itself(self, dest: StoreSpec) -> None:
        source = parse_address(self.store.url)
        if source.endpoint(self.store.profile) != parse_address(dest.url).endpoint(dest.profile):
            return  # buckets of one name on two servers
        if not self.key:
            refuse_overlap(self.store, dest)
        elif (*source.parts, *self.key.split("/")[:-1]) == parse_address(dest.url).parts:
            raise PolicyError(f"{self.key} is in {dest.url} already.", hint="Name another destination.")

    def _refuse_another_vault(self, dest: StoreSpec) -> None:
        """Refuse a destination that is a vault, unless it is an earlier state of this one: then it is brought on."""
        if not is_vault(dest):
            return
        if not self.vault:
            raise UsageError(f"{dest.url} is a vault.", hint="Add files to it with: bondstore put")
        store, digests = open_store(dest), read_chain(self.store).digests
        for number in range(1, len(digests) + 2):
            try:
                there = digest(bytes(store.get(manifest_path(number)).data))
            except NotFoundError:
                return
            if number > len(digests) or there != digests[number - 1]:
                raise UsageError(f"{dest.url} is another vault, or newer.", hint="Name an empty destination.")

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """List and compare; refuse what names nothing."""
        plan = Job.plan(self, ledger, context, progress)
        if not (plan.todo.objects or plan.skipped.objects or plan.quarantined.objects or plan.left_out):
            raise self._nothing()
        return plan

    def _nothing(self) -> NothingThereError:
        return NothingThereError(f"There is nothing at {self.store.url}.", hint="Check the address.")

    @property
    def steps(self) -> Sequence[Step]:
        """All objects; of a vault its manifests last, so that what they name is there when they are seen."""
        first = CopyObjects(self.key, self.vault, self.existing, self.storage_class)
        last = (CopyObjects("", self.vault, self.existing, manifests=True),) if self.vault else ()
        return first, *last, Ending(self.vault)


def cp_job(
    source: str,
    dest: str,
    *,
    recursive: bool = False,
    existing: str = "error",
    storage_class: str | None = None,
    profile: str | None = None,
    dest_profile: str | None = None,
) -> CopyJob:
    """Build the job that copies one object, or all below an address.

    Parameters
    ----------
    source, dest : str
        An object, or a store or a part of one; and the place that objects go to, under the names they have.
    recursive : bool
        Copy all that is below `source`; otherwise it names one object.
    existing : str
        What becomes of objects that the destination has already: ``error``, ``skip`` or ``refresh``.
    storage_class : str, optional
        What the copies are kept in; the store's own default when not given.
    profile, dest_profile : str, optional
        Settings to open source and destination with.
    """
    how = existing_of(existing)
    part = vault_at(source, profile) if "#" in source else None
    if part is not None:
        raise UsageError(
            f"{source} names files of a vault, and cp copies a vault as a whole, or single objects.",
            hint="Get the files back with: bondstore get",
        )
    place = resolve_dest(dest, dest_profile)
    kept = open_store(place).class_named(storage_class) if storage_class else ""
    if recursive:
        spec = resolve_source(source, profile)
        open_store(spec).check()
        return CopyJob(spec, place, "", is_vault(spec), how, kept)
    spec, key = object_at(source, profile)
    if not key or not _is_object(spec, key):
        raise UsageError(f"{source} is not one object.", hint="Add --recursive to copy all that is below it.")
    return CopyJob(spec, place, key, existing=how, storage_class=kept)


def _is_object(spec: StoreSpec, key: str) -> bool:
    try:
        open_store(spec).head(key)
    except NotFoundError:
        return False
    return True


def job_of(params: Mapping[str, Any], profile: str | None = None) -> CopyJob:
    """Build the job that a run recorded as its `params`; `profile` opens the source in place of the one used then."""
    own = params["key"], params["vault"], params["existing"], params["class"]
    return CopyJob(recorded_store(params, profile), recorded_dest(params), *own)


@dataclass(frozen=True, slots=True)
class Ending(Step):
    """Proves the manifests of a copied vault where they are now, and removes parts of what changed meanwhile."""

    vault: bool

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Do it; nothing is left for workers."""
        failed = list(ledger.items.in_state(context.job, State.FAILED))
        if self.vault and not failed:
            chain_at(context.dest)
        if isinstance(context.dest, StoreDestination):
            abort_others(context.dest.store, context.dest.corner / UPLOADS, context, failed)
        yield from ()
