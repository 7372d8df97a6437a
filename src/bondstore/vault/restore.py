"""Archived objects brought back: each is asked for once, waited for with one HEAD a run, and proved by one byte.

A run plans first: it asks how each object stands, and says what will be asked for. It never waits: what is not there
yet is recorded as such, and the next run goes on. What follows on what is in `bondstore.vault.restore_rules`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bondstore.config.resolve import recorded_store, store_params
from bondstore.config.secrets import SecretRef
from bondstore.errors import (
    HOPELESS,
    ArchivedError,
    BondstoreError,
    CredentialsError,
    NotFoundError,
    NothingThereError,
    PolicyError,
    UsageError,
)
from bondstore.findings import GONE
from bondstore.ledger import Item, Read, State
from bondstore.runs.destination import PRIVATE
from bondstore.runs.journal import entry_of
from bondstore.runs.pipeline import EachObject, Job
from bondstore.runs.process import whoami
from bondstore.runs.receipt import Receipt
from bondstore.runs.record import note
from bondstore.stores import open_store
from bondstore.stores.address import parse_address, store_spec
from bondstore.stores.archive import CLASSES, Access, Speed, Standing, find_class
from bondstore.stores.background import side_by_side
from bondstore.vault.keys import own_key, passphrase_of, unlocked
from bondstore.vault.places import record_of
from bondstore.vault.proofs import Reader, proofs_of
from bondstore.vault.restore_plan import Census, RestorePlan, word_of
from bondstore.vault.restore_rules import ASKS, STAGES, UNKNOWN, Found, Stage, after_head, rule_of, stage_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.findings import Finding
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Destination
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work
    from bondstore.stores import ObjectInfo, Store

JOB = "vault.restore"
DAYS = 7
"""How long a restored copy can be read, where nobody says."""
_AT_ONCE = 16
_PROVED = (Stage.READY, Stage.READY_AGAIN)
_MOVES = (Stage.TO_MOVE, Stage.TO_MOVE_AGAIN)


@dataclass(frozen=True, slots=True)
class End:
    """What became of one object in a run."""

    stage: Stage
    finding: Finding | None
    asked: bool = False
    read: bool = False


@dataclass(frozen=True, slots=True)
class Restores(EachObject):
    """Asks for archived objects, and looks after those that were asked for."""

    kind: str
    speed: Speed
    days: int | None
    only: frozenset[str] | None = None
    """Objects that are planned; None for all."""

    def weight(self, item: Item) -> int:  # noqa: ARG002 - nothing of it comes into memory
        """Return nothing: batches are bounded by their number."""
        return 0

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> RestorePlan:
        """Ask how each object stands, and record those for which there is something to do."""
        census = Census()
        for page in context.store.pages():
            found = [one for one in page.objects() if _is_data(one.key) and (self.only is None or one.key in self.only)]
            todo = list(self._todo(ledger, context, found, census))
            if ledger is not None and context.run:
                with ledger.transaction():
                    ledger.items.put(context.job, context.run, todo)
            progress.listing(census.todo + census.skipped)
        return census.plan()

    def _todo(
        self, ledger: Ledger | None, context: RunContext, found: Sequence[ObjectInfo], census: Census
    ) -> Iterator[Item]:
        known = ledger.items.known(context.job, [one.key for one in found]) if ledger is not None else {}
        for one, told in zip(found, self._standings(context.store, found), strict=True):
            old = known.get(one.key)
            before = stage_of(old.reason) if old is not None and old.version == one.etag else Stage.NEW
            stage = Stage.UNKNOWN if told is None else self.stage_after(before, told)
            settled = old is not None and old.state is State.DONE and stage is before
            settled = settled or (old is None and stage is Stage.PLAIN)
            census.add(stage, one.size, told, settled=settled)
            if not settled:
                yield Item(one.key, one.etag, one.size, "", reason=stage.value)

    def _standings(self, store: Store, found: Sequence[ObjectInfo]) -> list[Standing | None]:
        """Ask for some objects, one HEAD each; None of one that nothing is said of."""
        if not store.address.store_kind.has_classes:
            return [Standing(Access.PLAIN)] * len(found)
        answers = side_by_side(store.standing, [one.key for one in found], _AT_ONCE)
        refuse_hopeless(answers)
        return [None if isinstance(one, BondstoreError) else one for one in answers]

    def stage_after(self, before: Stage, told: Standing) -> Stage:
        """Return the stage of an object after a HEAD."""
        known = find_class(self.kind, told.storage_class)
        stage = after_head(before, told.access, for_good=known is not None and known.for_good)
        if stage in ASKS and known is not None and self.speed not in known.waits:
            raise UsageError(
                f"Objects of the class {known.name} are not restored by {self.speed} requests.",
                hint=f"Choose --tier {' or '.join(known.waits)}.",
            )
        return stage

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Bring each on by as much as can be done now."""
        ends = side_by_side(lambda item: self.bring(work.store, item), items, _AT_ONCE)
        refuse_hopeless(ends)
        for item, end in zip(items, ends, strict=True):
            _settle(item, _failed(item, end) if isinstance(end, BondstoreError) else end, work)

    def bring(self, store: Store, item: Item) -> End:
        """Bring an object on by as much as can be done now; its reason is its stage."""
        stage, finding, asked, read = stage_of(item.reason), None, False, False
        if stage is Stage.UNKNOWN:
            stage = self.stage_after(Stage.NEW, store.standing(item.key))
        if stage in _PROVED:
            found = _read(store, item)
            read, rule = found is Found.READ, rule_of(stage, "GET", found)
            stage, finding = rule.then, rule.finding
        if stage in ASKS:
            asked = True
            rule = rule_of(stage, "restore", store.ask_for(item.key, self.speed, self._days(stage)))
            stage, finding = rule.then, finding or rule.finding
        kind = finding or STAGES[stage].finding
        return End(stage, None if kind is None else kind.about(item.key), asked, read)

    def _days(self, stage: Stage) -> int | None:
        return None if stage in _MOVES else self.days


@dataclass(frozen=True, slots=True)
class RestoreJob(Job):
    """All archived objects of a store, or of a vault those that have the files below a path."""

    store: StoreSpec
    speed: Speed
    days: int | None
    below: str = ""
    reader: Reader | None = None
    """Whose key decrypts the indexes of packs."""

    @property
    def name(self) -> str:
        """One job for each address."""
        return f"{JOB}:{self.store.url}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        own = {} if self.reader is None else {"key": self.reader.key, "passphrase": str(self.reader.passphrase)}
        return {
            "job": JOB,
            **store_params(self.store),
            "tier": self.speed.value,
            "days": self.days,
            "below": self.below,
            **own,
        }

    def check(self) -> None:
        """Refuse a store with nothing in it."""
        store = open_store(self.store)
        if not any(_is_data(key) for page in store.pages() for key in page.keys):
            raise NothingThereError(
                f"There are no objects in {store.url}.",
                hint="Check the bucket and its prefix: the address names a folder, and not an object.",
            )

    @property
    def steps(self) -> Sequence[Restores]:
        """One."""
        return (Restores(parse_address(self.store.url).kind, self.speed, self.days),)

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> RestorePlan:
        """Plan the one step."""
        return replace(self.steps[0], only=self._only()).plan(ledger, context, progress)

    def _only(self) -> frozenset[str] | None:
        """Return the objects that have the files below the path; None where none was named."""
        if not self.below:
            return None
        found = proofs_of(self.store, fresh=True).objects_below(self.below, self.reader)
        if not found:
            raise NothingThereError(
                f"There is nothing below {self.below} in {self.store.url}.", hint="#PATH names a part of a vault."
            )
        return found


def prepare(url: str, profile: str | None = None, *, tier: str | None = None, days: int | None = None) -> RestoreJob:
    """Return the job for an address.

    Parameters
    ----------
    url : str
        A bucket or container, or a prefix in it.
    profile : str, optional
        The name of the settings to open it with.
    tier : str, optional
        ``bulk``, ``standard`` or ``expedited``; the cheapest that the store has when not given.
    days : int, optional
        How long restored copies can be read: `DAYS` when not given. Azure's blobs come back for good.

    Raises
    ------
    UsageError
        The store has no such tier, or no copies that last for days.
    """
    spec = store_spec(url, profile)
    kind = parse_address(spec.url).kind
    archives = [one for one in CLASSES if one.kind == kind and one.is_archive]
    speeds = [speed for speed in Speed if any(speed in one.waits for one in archives)] or list(Speed)
    if tier is not None and tier not in speeds:
        raise UsageError(
            f"{kind}:// stores do not restore by {tier} requests.", hint=f"Choose --tier {' or '.join(speeds)}."
        )
    for_good = bool(archives) and all(one.for_good for one in archives)
    if days is not None and for_good:
        raise UsageError(f"Objects of {kind}:// stores come back for good.", hint="Leave --days out.")
    return RestoreJob(spec, Speed(tier) if tier else speeds[0], None if for_good else days or DAYS)


def part_of(job: RestoreJob, below: str, key: str | None = None, passphrase: SecretRef | None = None) -> RestoreJob:
    """Return the job for what is below a path of a vault; where that has packs, a key decrypts their indexes."""
    below, reader = below.strip("/"), None
    if below and proofs_of(job.store, fresh=True).has_packs:
        name = own_key(key)
        reader = Reader(name, passphrase_of(name, passphrase))
        unlocked(reader.key, reader.passphrase)
    return replace(job, below=below, reader=reader)


def has_archive(job: RestoreJob) -> bool:
    """Whether objects of such a store can be archived at all."""
    return parse_address(job.store.url).store_kind.has_classes


def destination_of(job: RestoreJob) -> Destination:
    """Return what keeps the record of a job: a folder of this account.

    Not the store: who may restore may have no right to write there, and a record in a part of a bucket would stand in
    the way of those that upload to the whole of it. What is known of a restore is with the objects themselves.
    """
    return record_of(job.store, "restores")


def job_of(params: Mapping[str, Any], profile: str | None = None) -> RestoreJob:
    """Build the job that a run recorded as its `params`; `profile` opens the store in place of the one used then."""
    reader = Reader(params["key"], SecretRef.parse(params["passphrase"])) if "key" in params else None
    below = params.get("below", "")
    return RestoreJob(recorded_store(params, profile), Speed(params["tier"]), params["days"], below, reader)


def note_fetched(spec: StoreSpec, versions: Mapping[str, str]) -> None:
    """Record that restored objects have been fetched, by their keys and etags: archived again, they are not lost.

    Only what `bondstore restore` recorded of the same address is changed.
    """
    ready = [one for one in asked_for(spec, versions) if stage_of(one.reason) in _PROVED and one.state is State.DONE]
    note_stages(spec, [replace(one, reason=Stage.FETCHED.value) for one in ready])


def asked_for(spec: StoreSpec, versions: Mapping[str, str]) -> list[Item]:
    """Return what `bondstore restore` recorded of some objects of this very address, by their keys and etags."""
    job = RestoreJob(spec, Speed.BULK, None)
    destination = destination_of(job)
    if not destination.has_record():
        return []
    with destination.ledger(create=False) as ledger:
        known = ledger.items.known(job.name, list(versions)).values()
    return [one for one in known if one.version == versions[one.key]]


def last_asked(spec: StoreSpec) -> Restores | None:
    """Return how objects of an address were asked for last; None where they never were."""
    job = RestoreJob(spec, Speed.BULK, None)
    destination = destination_of(job)
    if not destination.has_record():
        return None
    with destination.ledger(create=False) as ledger:
        runs = (one for one in ledger.runs.newest_first() if one.job == job.name)
        last = next(runs, None)
    return None if last is None else job_of(last.params).steps[0]


def note_stages(spec: StoreSpec, items: Sequence[Item], reads: Sequence[Read] = ()) -> None:
    """Record the stages of objects that `bondstore restore` asked for. Raises PolicyError while it runs."""
    if not items:
        return
    job = RestoreJob(spec, Speed.BULK, None)
    destination = destination_of(job)
    with destination.locked(), destination.ledger() as ledger:
        run = ledger.items.any_run(job.name)
        assert run is not None
        receipt = Receipt(also=list(items), reads=list(reads), counted=False)
        note(ledger, destination, entry_of(job.name, run, whoami(), receipts=(receipt,)))


def _is_data(key: str) -> bool:
    return PRIVATE not in key.split("/")


def refuse_hopeless(answers: Sequence[object]) -> None:
    """Raise what every other object will meet too; a refusal is one object's alone where another one is answered."""
    refused = [one for one in answers if isinstance(one, CredentialsError)]
    if refused and len(refused) == len(answers):
        raise refused[0]
    for one in answers:
        if isinstance(one, (*HOPELESS, PolicyError)) and not isinstance(one, CredentialsError):
            raise one


def _read(store: Store, item: Item) -> Found:
    try:
        if item.size:
            store.get_range(item.key, 0, 1)
        else:
            store.get(item.key)  # an empty object has no range
    except ArchivedError:
        return Found.ARCHIVED
    return Found.READ


def _failed(item: Item, error: BondstoreError) -> End:
    if isinstance(error, NotFoundError):
        return End(Stage.UNKNOWN, GONE.about(item.key))
    stage = Stage.REFUSED if isinstance(error, CredentialsError) else Stage.UNKNOWN
    kind = STAGES[stage].finding or UNKNOWN
    return End(stage, kind.about(item.key, message=error.message))


def _settle(item: Item, end: End, work: Work) -> None:
    outcome = STAGES[end.stage].outcome
    state = State.DONE if outcome == "done" else State.FAILED
    receipt = work.receipt
    receipt.items.append(Item(item.key, item.version, item.size, item.output, state, end.stage.value))
    receipt.findings += [end.finding] if end.finding is not None else []
    receipt.waiting += outcome == "waiting"
    if end.read:
        receipt.reads.append(Read(item.key, item.version, min(item.size, 1)))
    receipt.inside[word_of(end.stage, asked=end.asked)] += 1
