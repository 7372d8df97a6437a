"""The inventory of an old Glacier vault: asked for once, waited for, fetched, and kept as a table.

The service makes it about once a day and needs hours to hand it out. The job is kept in the ledger of this account, and
found again in the service's own list, so a run that was killed does not ask twice.
"""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from bondstore.config.resolve import store_params
from bondstore.config.settings import load_profile
from bondstore.errors import ChecksumError, DamagedError, NotFoundError, NothingThereError, TransientStoreError
from bondstore.ledger import Item, Read, State
from bondstore.runs.pipeline import EachObject, Group, Job, Product, Step
from bondstore.runs.plan import Plan
from bondstore.runs.tally import Count
from bondstore.stores import open_store
from bondstore.stores.archive import Speed, find_class, wait_text
from bondstore.text import time_text
from bondstore.vault.glacier.archives import InventoryReader
from bondstore.vault.glacier.findings import (
    INVENTORY_DAMAGED,
    INVENTORY_EXPIRED,
    INVENTORY_FAILED,
    INVENTORY_WAITING,
    WRONG_TREE_HASH,
)
from bondstore.vault.glacier.service import (
    FAILED,
    IN_PROGRESS,
    INVENTORY,
    SUCCEEDED,
    GlacierVault,
    RetrievalJob,
    recorded_vault,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bondstore.findings import Finding
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work
    from bondstore.vault.glacier.archives import Archive

JOB = "vault.inventory"
FILE, TABLE = "inventory.json", "inventory.csv"
"""The inventory as the service gave it, and as a table."""
COLUMNS = ("archive", "name", "bytes", "created", "tree_hash", "description")
TO_ASK, TO_ASK_AGAIN, WAITING, READY = "to-ask", "to-ask-again", "waiting", "ready"
"""Where the inventory is on its way; a run's plan says so as the item's reason."""


@dataclass(frozen=True, slots=True)
class InventoryPlan(Plan):
    """Where the inventory is."""

    stage: str = ""
    """Empty: it is here already."""


@dataclass(frozen=True, slots=True)
class InventoryJob(Job):
    """The inventory of one vault."""

    vault: GlacierVault
    refresh: bool = False
    """Ask for a new one, although one is here."""

    @property
    def store(self) -> Any:  # type: ignore[override]
        """Where the inventory is kept: the service itself is no store."""
        return self.vault.spec

    @property
    def name(self) -> str:
        """One job for each vault."""
        return f"{JOB}:{self.vault.name}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        return {"job": JOB, **store_params(self.store), "vault": self.vault.name, "refresh": self.refresh}

    def check(self) -> None:
        """Refuse a vault that is not there."""
        self.vault.arn()

    @property
    def steps(self) -> Sequence[Step]:
        """The inventory, then its table."""
        return Fetch(self.vault, self.refresh), Table()

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """Say where the inventory is."""
        return self.steps[0].plan(ledger, context, progress)


def inventory_job(vault: str, profile: str | None = None, *, refresh: bool = False) -> InventoryJob:
    """Build the job that brings the inventory of a vault."""
    return InventoryJob(GlacierVault(vault, load_profile(profile)), refresh)


def job_of(params: Mapping[str, Any], profile: str | None = None) -> InventoryJob:
    """Build the job that a run recorded as its `params`; `profile` opens the vault in place of the one used then."""
    return InventoryJob(recorded_vault(params, profile), params["refresh"])


def read_inventory(vault: GlacierVault) -> Iterator[Archive]:
    """Yield the archives of the inventory that is kept here.

    Raises
    ------
    NothingThereError
        None is.
    """
    store = open_store(vault.spec)
    return InventoryReader().read(store.open_ranges(_kept(vault)))


def head_of(vault: GlacierVault) -> dict[str, Any]:
    """Return what the inventory that is kept here says of itself: ``VaultARN`` and ``InventoryDate``."""
    reader = InventoryReader()
    for _ in reader.read(open_store(vault.spec).open_ranges(_kept(vault))):
        pass
    return reader.head()


def _kept(vault: GlacierVault) -> Any:
    try:
        return open_store(vault.spec).head(FILE)
    except NotFoundError:
        raise NothingThereError(
            f"No inventory of the vault {vault.name} is here.",
            hint=f"Ask for it first: bondstore vault inventory {vault.name}",
        ) from None


@dataclass(frozen=True, slots=True)
class Fetch(EachObject):
    """Brings the inventory on by as much as can be done now."""

    vault: GlacierVault
    refresh: bool
    kinds: ClassVar[tuple[str, ...]] = ("inventory",)

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> InventoryPlan:  # noqa: ARG002
        """Find the job in the ledger and in the service's list."""
        known = ledger.items.known(context.job, [FILE]).get(FILE) if ledger is not None else None
        done = known is not None and known.state is State.DONE
        if ledger is not None and known is not None and done and not self.refresh:
            made = ledger.outputs.known(context.job, [FILE]).get(FILE)
            if made is not None and context.dest.holder().holds(made):
                return InventoryPlan(skipped=Count(1, known.size))
        item = self._found(known.version if known is not None else "", done=done)
        if ledger is not None and context.run:
            with ledger.transaction():
                ledger.items.put(context.job, context.run, [item])
        return InventoryPlan(todo=Count(1, 0), stage=item.reason)

    def _found(self, known: str, *, done: bool) -> Item:
        """Return the item by the job that was asked for, or by another one; never by one that is done."""
        jobs = [one for one in self.vault.jobs() if one.action == INVENTORY and one.whole]
        own = next((one for one in jobs if one.id == known and not done), None)
        others = [one for one in jobs if one.id != known and one.status in (SUCCEEDED, IN_PROGRESS)]
        # ISO 8601: the text sorts as the time does; one that is ready comes before one that goes on
        others.sort(key=lambda one: (one.status == SUCCEEDED, one.created), reverse=True)
        job = own or next(iter(others), None)
        if job is None:
            return Item(FILE, "", 0, FILE, reason=TO_ASK_AGAIN if known and not done else TO_ASK)
        return Item(FILE, job.id, 0, FILE, reason=WAITING if job.status == IN_PROGRESS else READY)

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Ask, look after it, or fetch it."""
        [item] = items
        if item.reason in (TO_ASK, TO_ASK_AGAIN):
            self._ask(item, work)
        else:
            job = next((one for one in self.vault.jobs() if one.id == item.version), None)
            if job is None:  # it expired this minute
                self._ask(Item(FILE, "", 0, FILE, reason=TO_ASK_AGAIN), work)
            elif job.status == IN_PROGRESS:
                _settle(item, work, INVENTORY_WAITING.about(FILE, message=when(job.created)))
            elif job.status == FAILED:
                told = f"The service could not make the inventory: {job.message or 'it does not say why'}"
                _settle(Item(FILE, "", 0, FILE), work, INVENTORY_FAILED.about(FILE, message=told))
            else:
                self._fetch(item, job, work)

    def _ask(self, item: Item, work: Work) -> None:
        try:
            asked = self.vault.ask_inventory()
        except NotFoundError:
            raise NothingThereError(
                f"The service has made no inventory of the vault {self.vault.name} yet.",
                hint="It makes one about once a day: try again tomorrow.",
            ) from None
        if item.reason == TO_ASK_AGAIN:
            work.receipt.findings.append(INVENTORY_EXPIRED.about(FILE))
        waiting = INVENTORY_WAITING.about(FILE, message=when(datetime.now(UTC).isoformat()))
        _settle(Item(FILE, asked, 0, FILE), work, waiting)

    def _fetch(self, item: Item, job: RetrievalJob, work: Work) -> None:
        passing = _Passing(self.vault.output(job))
        try:
            work.write(FILE, passing, kind="inventory", made_by=job.id)
        except ChecksumError as error:
            work.drop()
            _settle(item, work, WRONG_TREE_HASH.about(FILE, message=error.message))
        except (DamagedError, TransientStoreError) as error:
            work.drop()
            _settle(item, work, INVENTORY_DAMAGED.about(FILE, message=error.message))
        else:
            work.receipt.reads.append(Read(FILE, job.id, passing.size))
            work.receipt.done(Item(FILE, job.id, passing.size, FILE), job.id)


class _Passing:
    """An inventory on its way: read to its end, so that one which is cut is never kept."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self.size = chunks, 0

    def __iter__(self) -> Iterator[bytes]:
        reader = InventoryReader()
        for chunk in self._chunks:
            self.size += len(chunk)
            for _ in reader.feed(chunk):
                pass
            yield chunk
        reader.finish()


def _settle(item: Item, work: Work, finding: Finding) -> None:
    """Note that the inventory is not here, and whether it only has to be waited for."""
    work.receipt.failed(item, finding)
    work.receipt.waiting += finding.kind == INVENTORY_WAITING.word


def when(created: str) -> str:
    """Say when an inventory that was asked for will be ready."""
    low, high = wait()
    text = f"The inventory is ready {wait_text((low, high))} after it was asked for."
    with suppress(ValueError):
        asked = datetime.fromisoformat(created)
        until = time_text(asked + timedelta(minutes=high))
        text += f" That was at {time_text(asked)}: run the same command again after {until}, and within a day."
    return text


def wait() -> tuple[int, int]:
    """Return how many minutes the service takes at least and at most."""
    known = find_class("s3", "GLACIER")
    assert known is not None
    return known.waits[Speed.STANDARD]


@dataclass(frozen=True, slots=True)
class Table(Product):
    """Writes the inventory as a table."""

    kinds: ClassVar[tuple[str, ...]] = ("table",)

    def groups(self, ledger: Ledger, context: RunContext, holder: Holder) -> Iterator[Group]:
        """Yield the one table, made of the inventory that is here."""
        made = ledger.outputs.known(context.job, [FILE]).get(FILE)
        if made is not None and holder.holds(made):
            yield Group(TABLE, (TABLE,), made.sha256.hex())

    def make(self, group: Group, work: Work) -> None:
        """Write it."""
        archives = InventoryReader().read(work.store.open_ranges(work.store.head(FILE)))
        work.write(TABLE, _lines(archives), kind="table", made_by=group.digest)


def _lines(archives: Iterable[Archive]) -> Iterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in archives:
        writer.writerow((one.id, one.name, one.size, one.created, one.tree_hash, one.description))
        if out.tell() > 1 << 16:
            yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.encode("utf-8", "backslashreplace")
