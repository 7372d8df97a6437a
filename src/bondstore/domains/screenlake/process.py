"""The job: every zip of a selection into covered images and whole tables."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bondstore.deid.faces import Detector, open_detector
from bondstore.deid.images import need_pillow
from bondstore.domains.screenlake.finish import unfinished
from bondstore.domains.screenlake.layout import Other, PhoneZip, parse_key
from bondstore.domains.screenlake.outdated import digest_of
from bondstore.domains.screenlake.paths import decisions_path, part_path
from bondstore.domains.screenlake.recovery import lost_parts, sweep
from bondstore.domains.screenlake.report import report_shards
from bondstore.domains.screenlake.review import decisions as deciding
from bondstore.domains.screenlake.shard import ZipsShard
from bondstore.errors import PolicyError, UsageError
from bondstore.ledger import Item
from bondstore.runs.batches import grouped
from bondstore.runs.plan import Plan, Split, split, total
from bondstore.stores import open_store
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.domains.screenlake.handling import Handling
    from bondstore.domains.screenlake.selection import Selection
    from bondstore.ledger import Ledger, Output
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Place, Shard
    from bondstore.stores import Listing

JOB = "screenlake.process"
BATCH = 25
SHARD_BYTES = 4 << 20
"""Zips of about so much together are taken up at a time: what a kill may cost, and how often progress is told."""


@dataclass(frozen=True, slots=True)
class ProcessJob:
    """Processing of all zips that a question selects.

    Parameters
    ----------
    store : StoreSpec
        Where from.
    selection : Selection
        Which zips.
    handling : Handling
        What is done to them.
    query : str
        The question's id: the folder of the results.
    batch : int
        Most zips that are taken up together.
    """

    store: StoreSpec
    selection: Selection
    handling: Handling
    query: str
    batch: int = BATCH

    @property
    def name(self) -> str:
        """One job for each question."""
        return f"{JOB}:{self.query}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        return {
            "job": JOB,
            "store": self.store.url,
            "profile": self.store.profile.name,
            "selection": self.selection.params(),
            "handling": self.handling.params(),
            "query": self.query,
            "batch": self.batch,
        }

    def check(self) -> None:
        """Refuse what cannot succeed: results where they are forbidden, a detector that is not there.

        Raises
        ------
        PolicyError
            The profile forbids data in the clear on a disk.
        ConfigurationError
            A part is not installed, or the model is none.
        """
        if self.store.profile.plaintext == "forbidden":
            raise PolicyError(
                f"The profile {self.store.profile.name} forbids decrypted data on a disk.",
                hint="Use another profile for results that may lie on a disk.",
            )
        self.ocr_digest()
        self.detector_digest()
        need_pillow()

    def detector(self) -> Detector | None:
        """Return what looks for faces; None where nobody is to look.

        Raises
        ------
        ConfigurationError
            A part is not installed, or the model is none.
        """
        handling = self.handling
        if handling.redact == "none":
            return None
        return open_detector(handling.effort, Path(handling.model) if handling.model else None)

    def detector_digest(self) -> str:
        """Return the digest of the detector and its settings; empty where nobody is to look."""
        detector = self.detector()
        return detector.digest if detector is not None else ""

    def model_digest(self) -> str:
        """Return the SHA-256 of the detector's weights, in hex; empty where nobody is to look."""
        detector = self.detector()
        return detector.weights if detector is not None else ""

    def ocr_digest(self) -> str:
        """Return what decides which text is found in images; empty where nobody is to look.

        Raises
        ------
        MissingExtraError
            The reader is not installed.
        """
        if not self.handling.ocr:
            return ""
        from bondstore.deid.ocr import ocr_digest

        return ocr_digest()

    def work_digest(self) -> str:
        """Return the digest of all that decides what becomes of a zip, but for decisions about its images."""
        asked = f"{self.handling.digest(self.detector_digest())} {self.ocr_digest()} {self.selection.captured_window()}"
        return hashlib.sha256(asked.encode()).hexdigest()

    def plan(self, ledger: Ledger | None, place: Place, progress: Progress) -> Plan:
        """List, select, and record what is not proved done."""
        self._refuse_mixture(ledger)
        plan = Plan()
        others: dict[str, int] = {}
        work = _Work(self, ledger, place)
        for page in open_store(self.store).pages():
            parts = work.sort(self._wanted(page, others))
            if ledger is not None and place.run:
                with ledger.transaction():
                    ledger.items.put(place.job, place.run, parts.todo)
            plan += Plan(total(parts.todo), total(parts.skipped), total(parts.quarantined))
            progress.listing(plan.todo + plan.skipped + plan.quarantined)
        return replace(plan, left_out=others)

    def _wanted(self, page: Listing, others: dict[str, int]) -> list[Item]:
        """Keep the zips that are asked for; count what is none."""
        prefix = parse_address(self.store.url).prefix
        items = []
        for one in page.objects():
            found = parse_key(one.key, prefix)
            if isinstance(found, Other):
                others[found.reason] = others.get(found.reason, 0) + 1
            elif self.selection.wants_panelist(found.panelist) and self.selection.wants_upload(one.modified_ms):
                items.append(Item(one.key, one.etag, one.size, part_path(self.query, found.panelist, one.key)))
        return items

    def _refuse_mixture(self, ledger: Ledger | None) -> None:
        """Refuse to put the answers to two questions under one id."""
        run = None if ledger is None else ledger.items.any_run(self.name)
        if ledger is None or run is None:  # a run that found nothing, or was refused itself, stands for nothing
            return
        asked = ledger.runs.get(run).params
        if (asked.get("store"), asked.get("selection")) != (self.store.url, self.selection.params()):
            raise PolicyError(
                f"The query id {self.query} stands for another selection in this folder.",
                hint="Leave --query-id out, or name another.",
            )

    def stages(self, ledger: Ledger, place: Place) -> Iterator[Iterator[Shard]]:
        """Zips first; then the panelists that have something new; then the report over all."""
        sweep(ledger, place, self.query)
        yield self._zips(ledger, place)
        yield unfinished(self, ledger, place)
        yield report_shards(self, ledger, place)

    def _zips(self, ledger: Ledger, place: Place) -> Iterator[Shard]:
        decided = deciding.read_decisions(place.destination.root / decisions_path(self.query))
        pages = ledger.items.planned(place.job, place.run)
        items = (item for page in pages for item in page)
        digest = self.work_digest()
        for batch in grouped(items, lambda item: item.size, number=self.batch, weight=SHARD_BYTES):
            yield ZipsShard(place, self, tuple(batch), digest, tuple(decided))

    def phone(self, item: Item) -> PhoneZip:
        """Return what an item's key says."""
        found = parse_key(item.key, parse_address(self.store.url).prefix)
        if isinstance(found, Other):
            raise UsageError(f"{item.key} is no phone's zip.", hint="It was planned as one: run the command anew.")
        return found


class _Work:
    """What is proved done, and what is not."""

    def __init__(self, job: ProcessJob, ledger: Ledger | None, place: Place) -> None:
        self._ledger, self._place = ledger, place
        self._digest = job.work_digest()
        decided = deciding.read_decisions(place.destination.root / decisions_path(job.query))
        self._decided = deciding.digests(decided)
        self._lost = lost_parts(ledger, place, job.query) if ledger is not None else frozenset[str]()

    def sort(self, items: Sequence[Item]) -> Split:
        """Tell what must be done from what is proved done."""
        parts = split(self._ledger, self._place.job, self._place.destination, items)
        if self._ledger is None:
            return parts
        settled = [*parts.skipped, *parts.quarantined]
        outputs = self._ledger.outputs.known(self._place.job, [item.output for item in settled])
        stale = {item.key for item in settled if self._is_stale(item, outputs.get(item.output))}
        stale |= {
            item.key
            for item in parts.quarantined
            if item.output not in outputs or not self._place.destination.holds(outputs[item.output])
        }
        return Split(
            [*parts.todo, *(item for item in settled if item.key in stale)],
            [item for item in parts.skipped if item.key not in stale],
            [item for item in parts.quarantined if item.key not in stale],
        )

    def _is_stale(self, item: Item, part: Output | None) -> bool:
        """Whether a zip's part was made otherwise than is asked for, or images of it are gone."""
        if item.output in self._lost:
            return True
        return part is not None and part.made_by != digest_of(self._digest, self._decided, item.key)
