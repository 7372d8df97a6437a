"""Recordings without identity: each read once, cleaned on its way, and written under its subject's code.

Items have aliases for keys, as keys hold names. What the store says of an object holds its key, too, so no error of a
source is told in its own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from bondstore.deid.edf.findings import EDF
from bondstore.deid.edf.rules import Rules
from bondstore.deid.edf.scrub import Scrub
from bondstore.domains.neuro.findings import KINDS
from bondstore.domains.neuro.kinds import Kind, kind_of
from bondstore.domains.neuro.sources import Sources
from bondstore.errors import BondstoreError, ChangedError, DamagedError, IntegrityError, NotFoundError
from bondstore.findings import GONE, NOT_FETCHED
from bondstore.ledger import Item, Read, State
from bondstore.runs.batches import grouped
from bondstore.runs.pipeline import EachObject, Objects, Page, Shard
from bondstore.runs.work import UnfetchedError, at_the_source, from_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work

RECORDING = "recording"
_BATCH, _WEIGHT = 32, 256 << 20


@dataclass(slots=True)
class Known:
    """What was found out about the source, once in a run; it stays in the process that plans."""

    ask: Callable[[RunContext, Mapping[str, str]], Sources] | None
    sources: Sources | None = None

    @property
    def found(self) -> Sources:
        """It, once it was asked for."""
        return self.sources or Sources({}, {})

    def of(self, ledger: Ledger | None, context: RunContext) -> Sources:
        """Return it."""
        if self.sources is None and self.ask is not None:
            written = () if ledger is None else ledger.outputs.of_kind(context.job, RECORDING)
            self.sources = self.ask(context, {one.source: one.path for one in written})
        return self.found

    def part(self, keys: Iterable[str], subject: str) -> Known:
        """Return what workers need for some files."""
        rules = {subject: self.found.rules[subject]} if subject else {}
        return Known(None, Sources({key: self.found.files[key] for key in keys}, rules))


@dataclass(frozen=True, slots=True)
class Recordings(EachObject):
    """Takes identity out of each recording."""

    known: Known = field(compare=False)
    made_by: str = ""
    """Tells outputs of these settings from those of others."""
    kinds: ClassVar[tuple[str, ...]] = (RECORDING,)

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """Look at everything first: no byte is copied before each file has a place of its own."""
        self.known.of(ledger, context)
        return EachObject.plan(self, ledger, context, progress)

    def pages(self, context: RunContext) -> Iterator[Page]:
        """List the source under aliases."""
        sources = self.known.of(None, context)
        real = {source.key: alias for alias, source in sources.files.items()}
        for listing in context.store.pages():
            page = Page()
            for info in listing.objects():
                if info.key in real:
                    alias = real[info.key]
                    source = sources.files[alias]
                    page.items.append(Item(alias, info.etag, info.size, source.path))
                    page.findings += [KINDS[word].about(alias) for word in (source.remark,) if word]
                    if source.by_file_time:
                        page.findings.append(KINDS["start-by-file-time"].about(alias))
            yield page

    def is_current(self, item: Item, outputs: Mapping[str, Output], holder: Holder) -> bool:  # noqa: ARG002
        """Whether an object was handled as is asked for now: with these settings, or refused for the same reason."""
        source = self.known.found.files.get(item.key)
        made = outputs.get(item.output)
        if item.state is State.QUARANTINED:
            return source is None or source.reason == item.reason
        return made is not None and made.made_by == self.made_by

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield the files of one subject after the other, and then what is refused; each with what it takes alone."""
        files = self.known.of(ledger, context).files
        planned = [item for page in ledger.items.planned(context.job, context.run) for item in page]
        by_subject: dict[str, list[Item]] = {}
        for item in planned:
            if item.key in files:  # else it has gone since it was planned
                source = files[item.key]
                by_subject.setdefault("" if source.reason else source.subject, []).append(item)
        for subject in sorted(by_subject):
            for some in grouped(by_subject[subject], lambda item: item.size, number=_BATCH, weight=_WEIGHT):
                part = self.known.part([item.key for item in some], subject)
                yield Objects(context, replace(self, known=part), tuple(some))

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Clean them, or say why not."""
        sources = self.known.found
        for item in items:
            source = sources.files[item.key]
            if source.reason:
                _refuse(item, source.reason, work)
            elif kind_of(source.key) is Kind.RECORDING:
                self._clean(item, source.key, sources.rules[source.subject], work)

    def _clean(self, item: Item, key: str, rules: Rules, work: Work) -> None:
        try:
            with at_the_source():
                info = work.store.head(key)
                if info.etag != item.version:
                    raise ChangedError("The file changed since it was listed.")
            scrub = Scrub(from_source(work.store.open_ranges(info)), rules, threads=1)
            work.write(item.output, scrub, kind=RECORDING, source=item.key, made_by=self.made_by)
        except UnfetchedError as failure:
            _unread(item, failure.error, work)
        except (DamagedError, IntegrityError) as error:
            work.quarantine(item, item.version, getattr(error, "kind", "samples-differ"))
        except BondstoreError as error:
            work.not_written(item, error)
        else:
            work.receipt.reads.append(Read(item.key, info.etag, info.size))
            work.receipt.findings += scrub.result.findings(item.key)
            work.receipt.done(item, info.etag)


def _refuse(item: Item, reason: str, work: Work) -> None:
    if reason == NOT_FETCHED.word:
        work.receipt.failed(item, NOT_FETCHED.about(item.key))
        return
    kind = KINDS.get(reason) or EDF[reason]
    work.receipt.findings.append(kind.about(item.key))
    work.quarantine(item, item.version, reason)


def _unread(item: Item, error: BondstoreError, work: Work) -> None:
    """Note a file that could not be had, without its name."""
    kind = GONE if isinstance(error, NotFoundError) else NOT_FETCHED
    work.receipt.failed(item, kind.about(item.key))
