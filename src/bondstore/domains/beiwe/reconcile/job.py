"""The job that holds raw against chunked and rebuilds the hours that lack rows; and what it has rebuilt so far."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from bondstore.config.profiles import StoreSpec
from bondstore.config.resolve import dest_params, recorded_dest, recorded_store, store_params
from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.key import check_selection, refuse_destination
from bondstore.domains.beiwe.reconcile.rebuild import Rebuild, Unasked
from bondstore.domains.beiwe.selection import StudySelection, from_params
from bondstore.errors import ConfigurationError
from bondstore.runs.pipeline import Job, Shard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext

JOB = "beiwe.reconcile"


@dataclass(frozen=True, slots=True)
class ReconcileJob(Job):
    """Comparison of raw with chunked; run through the engine it rebuilds the hours that lack rows."""

    store: StoreSpec
    study: str
    key: SecretRef
    selection: StudySelection
    """Its source does not matter."""
    dest: StoreSpec | None = None
    """A folder, where nothing is said."""

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
            **store_params(self.store),
            "selection": self.selection.params(),
            **dest_params(self.dest),
        }

    def check(self) -> None:
        """Refuse a wrong key, or a destination that is not allowed, before anything is written."""
        refuse_destination(self.store, self.dest)
        self.check_key()

    def check_key(self) -> None:
        """Refuse a key that opens nothing."""
        check_selection(self.store, self.study, self.key, self.selection)

    @property
    def steps(self) -> Sequence[Step]:
        """What raw asks for, then what it did not ask for."""
        return (self._rebuild, Unasked())

    @property
    def _rebuild(self) -> Rebuild:
        return Rebuild(self.study, self.key, self.selection)

    def stages(self, ledger: Ledger, context: RunContext) -> Iterator[Iterator[Shard]]:
        """Rebuild by portions: the next one of a series begins once the one before is recorded."""
        rebuild = self._rebuild
        yield rebuild.odd.shards(ledger, context)
        while rebuild.is_left(ledger, context):
            yield rebuild.shards(ledger, context)
        yield Unasked().shards(ledger, context)


def reconcile_job_of(params: Mapping[str, Any], profile: str | None = None) -> ReconcileJob:
    """Build the job that a run recorded as its `params`; `profile` opens the source in place of the one used then."""
    if params.get("job") != JOB:
        raise ConfigurationError("The run did not rebuild Beiwe hours.", hint="Go on with the command that started it.")
    store = recorded_store(params, profile)
    key, selection = SecretRef.parse(params["key"]), from_params(params["selection"])
    return ReconcileJob(store, params["study"], key, selection, recorded_dest(params))


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The rebuilt hours of one participant's stream, as they lie in the destination."""

    participant: str
    stream: str
    hours: int
    rows: int
    rows_added: int
    """Those of them that the chunked objects lack."""
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
    """Yield what a job has rebuilt so far, by participant and stream."""
    hours = ledger.outputs.of_kind(job, "hour")
    for (_, participant, stream), some in groupby(hours, lambda one: one.path.split("/")[:3]):
        outputs: Sequence[Output] = list(some)
        yield Rebuilt(
            participant,
            stream,
            len(outputs),
            sum(one.rows or 0 for one in outputs),
            sum(one.rows_added or 0 for one in outputs),
            sum(one.size for one in outputs),
        )
