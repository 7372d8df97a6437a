"""The job: every profile file of a store, tested and written for release."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bondstore.domains.ocean.clashes import clash_shards
from bondstore.domains.ocean.deployments import deployment_shards
from bondstore.domains.ocean.leftovers import remove_leftovers
from bondstore.domains.ocean.months import month_shards
from bondstore.domains.ocean.places import plot_path, record_path, refuse_overlap
from bondstore.domains.ocean.reading.metadata import parse_metadata
from bondstore.domains.ocean.shard import ProfilesShard
from bondstore.domains.ocean.statusfile import status_shards
from bondstore.errors import PolicyError, ReadOnlyError
from bondstore.ledger import Item
from bondstore.runs.batches import grouped
from bondstore.runs.outlets import is_folder, made_by, shelf
from bondstore.runs.plan import Holder, Plan, Split, split, total
from bondstore.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.domains.ocean.settings import QcSettings
    from bondstore.ledger import Ledger, Output
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Place, Shard
    from bondstore.stores import Listing, ObjectInfo

JOB = "ocean.qc"
METADATA = "(table of deployments)"
SUFFIXES = (".csv", ".nc")
SHARD_OBJECTS = 64
SHARD_BYTES = 4 << 20
SECONDS, SECONDS_DRAWN = 0.01, 0.5
"""About what one object takes a core, and with its plot: 60 Argo files, suite argo, took 10 and 470 ms of CPU each."""


@dataclass(frozen=True, slots=True)
class QcJob:
    """Quality control of all profile files of a store.

    Parameters
    ----------
    store : StoreSpec
        Where from.
    dest : StoreSpec
        Where to.
    settings : QcSettings
        How.
    since_ms : int or None
        Only objects that were written at this time or later, in ms since 1970 UTC.
    keys : tuple of str or None
        Only these objects; None for all.
    """

    store: StoreSpec
    dest: StoreSpec
    settings: QcSettings
    since_ms: int | None = None
    keys: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """One job for each source: what is done with other settings is done anew."""
        return f"{JOB}:{self.store.url}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        return {
            "job": JOB,
            "store": self.store.url,
            "profile": self.store.profile.name,
            "dest": self.dest.url,
            "dest_profile": self.dest.profile.name,
            "settings": self.settings.params(),
            "since_ms": self.since_ms,
            "keys": None if self.keys is None else list(self.keys),
        }

    def check(self) -> None:
        """Refuse what cannot succeed: tests that cannot be used, results where they are forbidden, a missing part.

        Raises
        ------
        PolicyError
            The profile forbids data in the clear on a disk, and the destination is one; source and destination are
            the same place, or one lies in the other; or the destination is read-only.
        ConfigurationError
            The tests cannot be used, or what draws pictures is not installed.
        """
        for profile in (self.store.profile, self.dest.profile):
            if profile.plaintext == "forbidden" and is_folder(self.dest):
                raise PolicyError(
                    f"The profile {profile.name} forbids its data on a disk.",
                    hint="Name a destination in a bucket, or use another profile.",
                )
        if self.dest.profile.read_only and not is_folder(self.dest):
            raise ReadOnlyError(
                f"{self.dest.url} is opened read-only, and results are to be written there.",
                hint="Name a profile that allows writing: --dest-profile NAME",
            )
        refuse_overlap(self.store, self.dest)
        self.settings.load()
        if self.settings.plots:
            from bondstore.domains.ocean.plots.canvas import need_matplotlib

            need_matplotlib()

    def plan(self, ledger: Ledger | None, place: Place, progress: Progress) -> Plan:
        """List, and record what is not proved done."""
        plan = Plan()
        others: dict[str, int] = {}
        work = _Work(self, ledger, place)
        self._note_table(ledger, place)
        for page in self._pages():
            parts = work.sort(self._wanted(page, others))
            if ledger is not None and place.run:
                with ledger.transaction():
                    ledger.items.put(place.job, place.run, parts.todo)
            plan += Plan(total(parts.todo), total(parts.skipped), total(parts.quarantined))
            progress.listing(plan.todo + plan.skipped + plan.quarantined)
        seconds = plan.todo.objects * (SECONDS_DRAWN if self.settings.plots else SECONDS)
        return replace(plan, left_out=others, seconds=seconds)

    def _note_table(self, ledger: Ledger | None, place: Place) -> None:
        """Say what is wrong with the table of deployments."""
        if not self.settings.metadata or ledger is None or not place.run:
            return
        with ledger.transaction():
            ledger.findings.forget(place.job, [METADATA])
            ledger.findings.put(place.job, place.run, parse_metadata(self.settings.metadata).findings(METADATA))

    def _pages(self) -> Iterator[Sequence[ObjectInfo]]:
        opened = open_store(self.store)
        if self.keys is not None:
            yield [opened.head(key) for key in self.keys]
            return
        page: Listing
        for page in opened.pages():
            yield list(page.objects())

    def _wanted(self, page: Sequence[ObjectInfo], others: dict[str, int]) -> list[Item]:
        items = []
        for one in page:
            if not one.key.lower().endswith(SUFFIXES):
                others["no-profile"] = others.get("no-profile", 0) + 1
            elif self.since_ms is None or one.modified_ms >= self.since_ms:
                items.append(Item(one.key, one.etag, one.size, ""))
        return items

    def stages(self, ledger: Ledger, place: Place) -> Iterator[Iterator[Shard]]:
        """Profiles first; then the deployments and months that have something new; then the status of all."""
        yield self._profiles(ledger, place)
        yield clash_shards(self, ledger, place)
        remove_leftovers(self, ledger, place)
        if self.settings.gathered:
            yield deployment_shards(self, ledger, place)
        if self.settings.tables:
            yield month_shards(self, ledger, place)
        if self.keys is None:
            yield status_shards(self, ledger, place)

    def _profiles(self, ledger: Ledger, place: Place) -> Iterator[Shard]:
        digest = self.settings.digest()
        items = (item for page in ledger.items.planned(place.job, place.run) for item in page)
        for batch in grouped(items, lambda item: item.size, number=SHARD_OBJECTS, weight=SHARD_BYTES):
            yield ProfilesShard(place, self, tuple(batch), digest)


class _Work:
    """What is proved done, and what is not."""

    def __init__(self, job: QcJob, ledger: Ledger | None, place: Place) -> None:
        self._ledger, self._place = ledger, place
        self._digest = job.settings.digest()
        self._files = job.settings.files
        self._shelf: Holder = (
            place.destination if ledger is None else shelf(job.dest, place.destination, few=job.keys is not None)
        )

    def sort(self, items: Sequence[Item]) -> Split:
        """Tell what must be done from what was done in the way that is asked for, and is still there."""
        parts = split(self._ledger, self._place.job, self._shelf, items)
        if self._ledger is None:
            return parts
        known = self._ledger.items.known(self._place.job, [item.key for item in parts.skipped])
        paths = [known[item.key].output for item in parts.skipped]
        beside = [*map(record_path, paths), *map(plot_path, paths)]
        outputs = self._ledger.outputs.known(self._place.job, [*paths, *beside])
        done: list[Item] = []
        anew: list[Item] = []
        for item, path in zip(parts.skipped, paths, strict=True):
            current = made_by(outputs[path]) == self._digest
            (done if current and self._stand(path, outputs) else anew).append(item)
        return Split(self._where_they_were([*parts.todo, *anew]), done, parts.quarantined)

    def _stand(self, path: str, outputs: Mapping[str, Output]) -> bool:
        """Tell whether what belongs beside a file is there: its record always, its picture where one was drawn."""
        if not self._files:
            return True
        if record_path(path) not in outputs:
            return False
        beside = (outputs.get(name) for name in (record_path(path), plot_path(path)))
        return all(one is None or made_by(one) != self._digest or self._shelf.holds(one) for one in beside)

    def _where_they_were(self, items: Sequence[Item]) -> list[Item]:
        """Keep the place of what an earlier run wrote: it stands until something new stands."""
        if self._ledger is None:
            return list(items)
        known = self._ledger.items.known(self._place.job, [item.key for item in items])
        return [replace(item, output=known[item.key].output) if item.key in known else item for item in items]
