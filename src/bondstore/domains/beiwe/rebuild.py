"""Rebuilding from raw the hours that chunked lacks rows of: the job, and what of it is still to be done.

The ledger keeps, for every raw object, the hours its rows went into, and for every rebuilt hour the hash of its file.
A raw object is taken up when it is new or changed, and when one of its hours is *stale*: the rebuilt file is gone or
altered, or the chunked object is new, changed or gone since.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from bondstore.config.resolve import recorded_store
from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.key import check_selection, refuse_destination, refuse_mixture
from bondstore.domains.beiwe.layout import parse_key, weight
from bondstore.domains.beiwe.rebuild_shard import RebuildShard
from bondstore.domains.beiwe.reconcile import series_of
from bondstore.domains.beiwe.reconcile_hours import Series, hours_of, list_series
from bondstore.domains.beiwe.reconcile_read import GROUP_BYTES, GROUP_OBJECTS
from bondstore.domains.beiwe.selection import from_params
from bondstore.errors import ConfigurationError
from bondstore.ledger import Item, Output, State
from bondstore.runs.batches import grouped
from bondstore.runs.plan import Plan, total
from bondstore.runs.tally import Count
from bondstore.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.domains.beiwe.listing import Listed
    from bondstore.domains.beiwe.reconcile_hours import Hour, Listing
    from bondstore.domains.beiwe.selection import StudySelection
    from bondstore.ledger import Ledger
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Place, Shard

JOB = "beiwe.reconcile"
_SETTLED = frozenset({State.DONE, State.QUARANTINED})


@dataclass(frozen=True, slots=True)
class ReconcileJob:
    """Comparison of raw with chunked; run through the engine it rebuilds the hours that lack rows.

    Parameters
    ----------
    store : StoreSpec
        Where from.
    study : str
        The study's id.
    key : SecretRef
        Where its decryption key is kept.
    selection : StudySelection
        Which participants, streams and hours; its source does not matter.
    """

    store: StoreSpec
    study: str
    key: SecretRef
    selection: StudySelection

    @property
    def name(self) -> str:
        """The same for every selection but for its window: a raw object done for one window is not for another."""
        since, until = self.selection.since_ms, self.selection.until_ms
        window = "" if since is None and until is None else f":{since if since is not None else ''}-{until or ''}"
        return f"{JOB}:{self.study}{window}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        return {
            "job": JOB,
            "study": self.study,
            "key": str(self.key),
            "store": self.store.url,
            "profile": self.store.profile.name,
            "selection": self.selection.params(),
        }

    def check(self) -> None:
        """Refuse a wrong key, or plaintext where it is forbidden, before anything is written."""
        refuse_destination(self.store, None)
        self.check_key()

    def check_key(self) -> None:
        """Refuse a wrong key.

        Raises
        ------
        WrongKeyError
            Everything that was tried is undecryptable.
        """
        check_selection(self.store, self.study, self.key, self.selection)

    def plan(self, ledger: Ledger | None, place: Place, progress: Progress) -> Plan:
        """List raw and chunked, stream by stream, and record what is to be done."""
        refuse_mixture(ledger, f"beiwe.export.original:{self.study}")
        store = open_store(self.store)
        todo, skipped, quarantined = Count(), Count(), Count()
        others: dict[str, int] = {}
        for series in series_of(store, self.study, self.selection):
            listing = list_series(store, series, self.selection)
            for reason, number in listing.others.items():
                others[reason] = others.get(reason, 0) + number
            work = _Work(ledger, place, series, listing)
            work.sort()
            if ledger is not None and place.run:
                work.record(ledger)
            todo, skipped = todo + total(work.todo), skipped + total(work.skipped)
            quarantined += total(work.quarantined)
            progress.listing(todo + skipped + quarantined)
        return Plan(todo, skipped, quarantined, others)

    def stages(self, ledger: Ledger, place: Place) -> Iterator[Iterator[Shard]]:
        """All of it at once."""
        yield self.shards(ledger, place)

    def shards(self, ledger: Ledger, place: Place) -> Iterator[RebuildShard]:
        """Group the raw objects that were planned, each group of one participant and stream."""
        items = (item for page in ledger.items.planned(self.name, place.run) for item in page)
        raw = ((self._series_of(item), item) for item in items if parse_key(self.study, item.key).source == "raw")
        for series, some in groupby(raw, lambda pair: pair[0]):
            mine = (item for _, item in some)
            for group in grouped(
                mine, lambda item: weight(item.key, item.size), number=GROUP_OBJECTS, weight=GROUP_BYTES
            ):
                yield RebuildShard(place, self, series, tuple(group))

    def _series_of(self, item: Item) -> Series:
        obj = parse_key(self.study, item.key)
        return Series(self.study, obj.participant, obj.stream)


class _Work:
    """What of one series is to be done, and what is proved done."""

    def __init__(self, ledger: Ledger | None, place: Place, series: Series, listing: Listing) -> None:
        self._place, self._series, self._listing = place, series, listing
        chunked = [one for some in listing.chunked.values() for one in some]
        keys = [one.object.key for one in (*listing.raw, *chunked)]
        self._known = ledger.items.known(place.job, keys) if ledger is not None and keys else {}
        self._stale = self._stale_hours(ledger) if ledger is not None else {}
        self._chunked = chunked
        self.todo: list[Item] = []
        self.skipped: list[Item] = []
        self.quarantined: list[Item] = []

    def sort(self) -> None:
        """Tell what must be done from what is proved done."""
        chunks: list[Item] = []
        for one in self._listing.raw:
            old = self._settled(one)
            item = _item(one)
            if old is None or any(hour in self._stale for hour in self._hours(one, old)):
                self.todo.append(item)
            else:
                (self.skipped if old.state is State.DONE else self.quarantined).append(item)
        for one in self._chunked:
            old = self._settled(one)
            if old is None:
                chunks.append(_item(one))
            else:
                (self.skipped if old.state is State.DONE else self.quarantined).append(_item(one))
        # Read when an hour asks for them; where no raw object is read, none will.
        (self.todo if self.todo else self.skipped).extend(chunks)

    def record(self, ledger: Ledger) -> None:
        """Write down what is to be done; stale hours are forgotten, so that they are made anew from all their rows."""
        with ledger.transaction():
            ledger.items.put(self._place.job, self._place.run, self.todo)
            stale = [Output(path, b"", 0, 0, kind="hour") for path in self._stale.values() if path]
            ledger.outputs.put(self._place.job, self._place.run, stale)

    def _settled(self, one: Listed) -> Item | None:
        """Return what is recorded of an object, where it is of this version and its end is known."""
        old = self._known.get(one.object.key)
        return old if old is not None and old.version == one.version and old.state in _SETTLED else None

    def _hours(self, one: Listed, old: Item) -> Iterator[Hour]:
        return hours_of(old.output, self._series.survey_of(one.object))

    def _stale_hours(self, ledger: Ledger) -> dict[Hour, str]:
        """Return the hours that must be made anew; those that were rebuilt before with their path."""
        touched: set[Hour] = set()
        for one in self._listing.raw:
            old = self._known.get(one.object.key)
            touched.update(self._hours(one, old) if old is not None else ())
        paths = {hour: self._series.path(hour) for hour in touched}
        outputs = ledger.outputs.known(self._place.job, list(paths.values()))
        stale: dict[Hour, str] = {}
        for hour, path in paths.items():
            output = outputs.get(path)
            chunks = self._listing.chunks(self._series, hour)
            moved = any(self._settled(one) is None for one in chunks)
            if output is None:
                if moved or not chunks:
                    stale[hour] = ""
            elif moved or not output.sha256 or not self._place.destination.holds(output):
                stale[hour] = path
        return stale


def _item(one: Listed) -> Item:
    return Item(one.object.key, one.version, one.size, "")


def reconcile_job_of(params: Mapping[str, Any], profile: str | None = None) -> ReconcileJob:
    """Build the job that a run recorded as its parameters.

    Parameters
    ----------
    params : mapping
        As `ReconcileJob.params` returned it.
    profile : str, optional
        A profile to open the store with, in place of the one that was used.

    Raises
    ------
    ConfigurationError
        The run was of another kind, or its profile is gone.
    """
    if params.get("job") != JOB:
        raise ConfigurationError("The run did not rebuild Beiwe hours.", hint="Go on with the command that started it.")
    store = recorded_store(params, profile)
    return ReconcileJob(store, params["study"], SecretRef.parse(params["key"]), from_params(params["selection"]))


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The rebuilt hours of one participant's stream, as they lie in the destination.

    Parameters
    ----------
    participant, stream : str
        Which.
    hours : int
        Files.
    rows : int
        Rows in them.
    rows_added : int
        Those of them that the chunked objects lack.
    bytes : int
        Size of the files.
    """

    participant: str
    stream: str
    hours: int
    rows: int
    rows_added: int
    bytes: int

    def record(self) -> dict[str, Any]:
        """Return the record for people and programs."""
        return {
            "kind": "rebuilt",
            "participant": self.participant,
            "stream": self.stream,
            "hours": self.hours,
            "rows": self.rows,
            "rows_added": self.rows_added,
            "bytes": self.bytes,
        }


def rebuilt(ledger: Ledger, job: str) -> Iterator[Rebuilt]:
    """Yield what a job has rebuilt so far, by participant and stream.

    Parameters
    ----------
    ledger : Ledger
        The destination's ledger.
    job : str
        `ReconcileJob.name`.
    """
    for (_, participant, stream), some in groupby(ledger.outputs.walk(job), lambda one: one.path.split("/")[:3]):
        outputs: Sequence[Output] = list(some)
        yield Rebuilt(
            participant,
            stream,
            len(outputs),
            sum(one.rows or 0 for one in outputs),
            sum(one.rows_added or 0 for one in outputs),
            sum(one.size for one in outputs),
        )
