"""An old Glacier vault moved out: each archive asked for, fetched in ranges, proved, and put into a vault of our own.

Which archives there are says the inventory that is kept here. What was asked for, the service lists by itself; the
ledger keeps that it was, so an archive that expired is asked for again, once, and named. Nothing is deleted there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from bondstore.config.settings import load_profile
from bondstore.errors import (
    HOPELESS,
    BondstoreError,
    ChecksumError,
    ConfigurationError,
    DamagedError,
    NotFoundError,
    PolicyError,
    TransientStoreError,
)
from bondstore.ledger import Item, Read, State
from bondstore.runs.pipeline import PAGE, Job, Page, Step, made_of
from bondstore.runs.plan import Plan
from bondstore.runs.tally import Count
from bondstore.runs.work import UnfetchedError
from bondstore.stores.archive import Speed
from bondstore.stores.background import side_by_side
from bondstore.vault import put
from bondstore.vault.glacier import findings
from bondstore.vault.glacier.apart import Apart
from bondstore.vault.glacier.inventory import head_of, read_inventory
from bondstore.vault.glacier.service import (
    ARCHIVE,
    FAILED,
    IN_PROGRESS,
    SUCCEEDED,
    GlacierVault,
    NoCapacityError,
    RetrievalJob,
    recorded_vault,
)
from bondstore.vault.glacier.treehash import root, tree_hash
from bondstore.vault.manifest import object_path
from bondstore.vault.uploading import PutObjects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.config.secrets import SecretRef
    from bondstore.findings import Finding, FindingKind
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work
    from bondstore.vault.manifest import Content

JOB = "vault.migrate"
AT_ONCE = 500
"""Archives that are asked for at a time, where nobody says."""
_ASKS = 4  # requests at a time

TO_ASK, TO_ASK_AGAIN, LATER = "to-ask", "to-ask-again", "later"
ASKED, ASKED_AGAIN, READY, READY_AGAIN, UNMADE = "asked", "asked-again", "ready", "ready-again", "failed"
EXPIRED = "expired"
"""Where an archive is on its way, as an item's reason."""
MEANING: Mapping[str, str] = {
    TO_ASK: "to be asked for",
    TO_ASK_AGAIN: "expired before it was fetched: to be asked for again",
    LATER: "to be asked for in a later run",
    ASKED: "asked for, not there yet",
    ASKED_AGAIN: "asked for the second time, not there yet",
    READY: "ready: to be fetched",
    READY_AGAIN: "ready, after it was asked for twice: to be fetched",
    EXPIRED: "expired twice before it was fetched",
    UNMADE: "the service could not bring it back",
}
_ONCE, _TWICE = (ASKED, READY), (ASKED_AGAIN, READY_AGAIN)
_WAITS = {findings.ARCHIVE_WAITING.word, findings.ARCHIVE_LATER.word, findings.BUSY.word}


@dataclass(frozen=True, slots=True)
class MigratePlan(Plan):
    """What is to be asked for, and what can be fetched."""

    stages: Mapping[str, Count] = field(default_factory=dict)

    @property
    def asks(self) -> Count:
        """What this run will ask for."""
        return self.stages.get(TO_ASK, Count()) + self.stages.get(TO_ASK_AGAIN, Count())


@dataclass(frozen=True, slots=True)
class MigrateJob(Job):
    """All archives of a vault, put into another one."""

    vault: GlacierVault
    put: put.PutJob
    """What is done with each: its source is where the inventory is kept."""
    speed: Speed = Speed.BULK
    at_once: int = AT_ONCE

    @property
    def store(self) -> StoreSpec:  # type: ignore[override]
        """Where the inventory is kept: the service itself is no store."""
        return self.put.store

    @property
    def dest(self) -> StoreSpec:
        """The vault that is written to."""
        return self.put.dest

    @property
    def name(self) -> str:
        """One job for each vault."""
        return f"{JOB}:{self.vault.name}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        own = {"vault": self.vault.name, "tier": self.speed.value, "at_once": self.at_once}
        return {**self.put.params, "job": JOB, **own}

    def check(self) -> None:
        """Refuse what a put refuses, a vault that is not there, and the inventory of another one."""
        listed, there = head_of(self.vault).get("VaultARN"), self.vault.arn()
        if listed != there:
            raise ConfigurationError(
                f"The inventory that is kept here is of {listed}, and these credentials open {there}.",
                hint=f"Ask for the inventory again: bondstore vault inventory {self.vault.name} --refresh",
            )
        self.put.check()

    @property
    def steps(self) -> Sequence[Step]:
        """Archives first; then manifest and bag, as after a put."""
        one = self.put
        first = Archives(one.recipients, "error", one.storage_class, vault=self.vault, speed=self.speed)
        return replace(first, at_once=self.at_once), *one.steps[1:]

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> MigratePlan:
        """Hold the inventory against what is here and what the service has ready."""
        stages: dict[str, Count] = {}
        step = replace(self.steps[0], stages=stages, jobs=_jobs(self.vault))  # type: ignore[type-var]
        plan = step.plan(ledger, context, progress)
        return MigratePlan(plan.todo, plan.skipped, plan.quarantined, plan.left_out, stages=stages)


def migrate_job(
    vault: str,
    url: str,
    *,
    seal_for: Sequence[str] = (),
    key: str | None = None,
    passphrase: SecretRef | None = None,
    profile: str | None = None,
    dest_profile: str | None = None,
) -> MigrateJob:
    """Build the job that moves an old vault out.

    Parameters
    ----------
    vault : str
        The name of the old vault.
    url : str
        The vault that it becomes.
    seal_for, key, passphrase
        As in `bondstore.vault.put.put_job`.
    profile, dest_profile : str, optional
        Settings to open the old vault and the new one with.
    """
    source = GlacierVault(vault, load_profile(profile))
    found = put.put_job(
        source.spec.url,
        url,
        seal_for=seal_for,
        key=key,
        passphrase=passphrase,
        profile=dest_profile,
        from_profile=profile,
    )
    return MigrateJob(source, replace(found, store=source.spec))


def job_of(params: Mapping[str, Any], profile: str | None = None) -> MigrateJob:
    """Build the job that a run recorded as its `params`; `profile` opens the old vault in place of the one of then."""
    source, found = recorded_vault(params, profile), put.job_of(params, profile)
    return MigrateJob(source, replace(found, store=source.spec), Speed(params["tier"]), params["at_once"])


def _jobs(vault: GlacierVault) -> Mapping[str, RetrievalJob]:
    """Return the jobs of the service by their archives: the one that is furthest."""
    ranks = (FAILED, IN_PROGRESS, SUCCEEDED)
    found = (one for one in vault.jobs() if one.action == ARCHIVE and one.whole and one.status in ranks)
    return {one.archive: one for one in sorted(found, key=lambda one: (ranks.index(one.status), one.created))}


@dataclass(frozen=True, slots=True)
class Archives(PutObjects):
    """Brings each archive on by as much as can be done now.

    An item's key is the name that the file gets, and its version the id of the archive, whose content never changes.
    """

    vault: GlacierVault = field(kw_only=True)
    speed: Speed = field(kw_only=True)
    at_once: int = field(default=AT_ONCE, kw_only=True)
    stages: dict[str, Count] = field(default_factory=dict, kw_only=True)
    """Counted while it is planned."""
    jobs: Mapping[str, RetrievalJob] = field(default_factory=dict, kw_only=True)
    """Those of the service, by archive, while it is planned."""
    number = 64

    def weight(self, item: Item) -> int:
        """Return its size, where it is fetched."""
        return item.size if item.reason in (READY, READY_AGAIN) else 0

    def pages(self, context: RunContext) -> Iterator[Page]:  # noqa: ARG002
        """Read the inventory."""
        archives = read_inventory(self.vault)
        while some := list(islice(archives, PAGE)):
            yield Page([Item(one.path, one.id, one.size, "") for one in some])

    def plan_page(self, ledger: Ledger | None, context: RunContext, holder: Holder, page: Page) -> Plan:
        """Name the archives of a page, and say where each is on its way."""
        apart = Apart(ledger, context.job, page.items)
        page.items = [self._staged(item, apart.known(item.key)) for item in self._named(page.items, apart)]
        return PutObjects.plan_page(self, ledger, context, holder, page)

    def _named(self, items: Sequence[Item], apart: Apart) -> Iterator[Item]:
        """Yield each with a name of its own, which is no object that somebody else put there."""
        for item in items:
            for key in apart.names(item):
                output = object_path(key, encrypted=self.recipients.encrypts)
                if apart.known(key) is not None or output not in self.there:
                    apart.take(key)
                    yield replace(item, key=key, output=output)
                    break
            else:  # all its names are taken by others' objects: the plan refuses to replace one
                yield replace(item, output=object_path(item.key, encrypted=self.recipients.encrypts))

    def _staged(self, item: Item, old: Item | None) -> Item:
        if old is not None and old.version == item.version and old.state in (State.DONE, State.QUARANTINED):
            return item
        before = old.reason if old is not None and old.version == item.version else ""
        stage = _stage(before, self.jobs.get(item.version))
        if stage == TO_ASK:
            going = sum(one.status == IN_PROGRESS for one in self.jobs.values())
            asks = sum(self.stages.get(one, Count()).objects for one in (TO_ASK, TO_ASK_AGAIN))
            stage = TO_ASK if going + asks < self.at_once else LATER
        self.stages[stage] = self.stages.get(stage, Count()) + Count(1, item.size)
        return replace(item, reason=stage)

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Ask for some, fetch those that are ready, and note the rest."""
        asks = [item for item in items if item.reason in (TO_ASK, TO_ASK_AGAIN, "")]
        ready = [item for item in items if item.reason in (READY, READY_AGAIN)]
        jobs = _jobs(self.vault) if any(item.reason in (READY, READY_AGAIN, UNMADE) for item in items) else {}
        for item in items:
            if item.reason in (ASKED, ASKED_AGAIN):
                _note(item, item.reason, findings.ARCHIVE_WAITING.about(item.key), work)
            elif item.reason == LATER:
                _note(item, LATER, findings.ARCHIVE_LATER.about(item.key), work)
            elif item.reason == EXPIRED:
                _note(item, EXPIRED, findings.ARCHIVE_EXPIRED_TWICE.about(item.key), work)
            elif item.reason == UNMADE:
                _note(item, UNMADE, _said(item, jobs.get(item.version)), work)
        if ready:
            self._fetch_all(ready, jobs, work)
        self._ask_all(asks, work)

    def _ask_all(self, items: Sequence[Item], work: Work) -> None:
        answers = side_by_side(lambda item: self.vault.ask_archive(item.version, self.speed), items, _ASKS)
        for item, answer in zip(items, answers, strict=True):
            if isinstance(answer, BondstoreError):
                _refused(item, answer, work)
                continue
            again = item.reason == TO_ASK_AGAIN
            if again:
                work.receipt.findings.append(findings.ARCHIVE_EXPIRED.about(item.key))
            _note(item, ASKED_AGAIN if again else ASKED, findings.ARCHIVE_WAITING.about(item.key), work)

    def _fetch_all(self, items: Sequence[Item], jobs: Mapping[str, RetrievalJob], work: Work) -> None:
        name = made_of("", items)[:32] if self.recipients.encrypts else ""
        ids = {item.version for item in items}
        hashes = {one.id: one.tree_hash for one in read_inventory(self.vault) if one.id in ids}
        contents: dict[str, Content] = {}
        self._make_room(items, work)
        for item in items:
            if item.version in jobs and item.version in hashes:
                chunks = self._proved(item, jobs[item.version], hashes[item.version])
                self._fetch(item, chunks, name, contents, work)
            else:
                self._expired(item, work)
        self.write_list(name, contents, work)

    def _fetch(self, item: Item, chunks: Iterator[bytes], name: str, contents: dict[str, Content], work: Work) -> None:
        try:
            contents[item.output] = self.keep(work, item, chunks, name)
        except DamagedError as error:
            work.receipt.findings.append(findings.WRONG_TREE_HASH.about(item.key, message=error.message))
            work.receipt.inside["wrong"] += 1
            work.quarantine(item, item.version, findings.WRONG_TREE_HASH.word)
        except UnfetchedError as failure:
            if not isinstance(failure.error, NotFoundError):
                _note(item, item.reason, findings.ARCHIVE_FAILED.about(item.key, message=failure.message), work)
            else:
                self._expired(item, work)
        except BondstoreError as error:
            work.not_written(item, error)
            work.receipt.inside["failed"] += 1
        else:
            work.receipt.reads.append(Read(item.key, item.version, item.size))
            work.receipt.done(item, item.version)
            work.receipt.inside["fetched"] += 1

    def _expired(self, item: Item, work: Work) -> None:
        """Ask once more for an archive that is not ready any more; name it the second time."""
        if item.reason == READY_AGAIN:
            _note(item, EXPIRED, findings.ARCHIVE_EXPIRED_TWICE.about(item.key), work)
        else:
            self._ask_all([replace(item, reason=TO_ASK_AGAIN)], work)

    def _proved(self, item: Item, job: RetrievalJob, expected: str) -> Iterator[bytes]:
        """Yield the content; raise behind its last byte where it does not have the tree hash of the inventory."""
        roots = []
        try:
            for content, found in self.vault.ranges(job, item.size):
                roots.append(found)
                yield content
        except ChecksumError as error:
            raise DamagedError(error.message, kind=findings.WRONG_TREE_HASH.word) from error
        except BondstoreError as error:
            raise UnfetchedError(error) from error
        if root(roots or [tree_hash(b"")]).hex() != expected:
            raise DamagedError(findings.WRONG_TREE_HASH.sentence, kind=findings.WRONG_TREE_HASH.word)


def _stage(before: str, job: RetrievalJob | None) -> str:
    """Return where an archive is, by what was recorded of it and by what the service says."""
    again = before in (*_TWICE, TO_ASK_AGAIN)
    if job is not None and job.status == SUCCEEDED:
        return READY_AGAIN if again else READY
    if job is not None and job.status == IN_PROGRESS:
        return ASKED_AGAIN if again else ASKED
    if job is not None and before in (*_ONCE, *_TWICE):
        return UNMADE
    if before in _TWICE:
        return EXPIRED
    return TO_ASK_AGAIN if before in (*_ONCE, TO_ASK_AGAIN) else TO_ASK


def _said(item: Item, job: RetrievalJob | None) -> Finding:
    why = job.message if job is not None and job.message else "it does not say why"
    return findings.ARCHIVE_FAILED.about(item.key, message=f"The service could not bring the archive back: {why}")


def _refused(item: Item, error: BondstoreError, work: Work) -> None:
    """Note an archive that could not be asked for; an error that every other one will meet is raised."""
    kind: FindingKind = findings.ARCHIVE_FAILED
    if isinstance(error, HOPELESS):
        raise error
    if isinstance(error, NotFoundError):
        work.receipt.findings.append(findings.GHOST.about(item.key))
        work.receipt.inside["ghost"] += 1
        work.quarantine(item, item.version, findings.GHOST.word)
        return
    if isinstance(error, NoCapacityError):
        kind = findings.NO_CAPACITY
    elif isinstance(error, PolicyError):
        kind = findings.REFUSED
    elif isinstance(error, TransientStoreError):
        kind = findings.BUSY
    stage = item.reason if item.reason == TO_ASK_AGAIN else LATER
    _note(item, stage, kind.about(item.key), work)


def _note(item: Item, stage: str, finding: Finding, work: Work) -> None:
    """Note that an archive is not here, and whether it only has to be waited for."""
    work.receipt.items.append(replace(item, state=State.FAILED, reason=stage))
    work.receipt.findings.append(finding)
    work.receipt.waiting += finding.kind in _WAITS
    word = {findings.ARCHIVE_WAITING.word: "asked" if item.reason in (TO_ASK, TO_ASK_AGAIN, "") else "waiting"}
    work.receipt.inside[word.get(finding.kind, "later" if finding.kind in _WAITS else "failed")] += 1
