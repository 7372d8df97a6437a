"""Recordings without identity: each read once, cleaned on its way, and written under its subject's code.

Items have aliases for keys, as keys hold names. What the store says of an object holds its key, too, so no error of a
source is told in its own words.
"""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, ClassVar, cast

from bondstore.codecs.crypt4gh import PrivateKey, header, new_envelope
from bondstore.codecs.segments import seal_stream
from bondstore.deid.edf.findings import EDF
from bondstore.deid.edf.rules import Rules
from bondstore.deid.edf.scrub import Scrub
from bondstore.deid.edf.texts import blank
from bondstore.deid.faces import open_detector
from bondstore.deid.names import NameFinder
from bondstore.deid.video import VideoCopy, copy_video
from bondstore.domains.neuro.findings import KINDS, PLANNED
from bondstore.domains.neuro.kinds import Kind, kind_of
from bondstore.domains.neuro.layout import SEALED
from bondstore.domains.neuro.report import RECORD, record_of, record_of_video, record_path
from bondstore.domains.neuro.sources import FOR_SEALED, How, Source, Sources
from bondstore.errors import BondstoreError, ChangedError, DamagedError, IntegrityError, NotFoundError
from bondstore.findings import GONE, NOT_FETCHED
from bondstore.ledger import Item, Read, State
from bondstore.runs.batches import grouped
from bondstore.runs.pipeline import EachObject, Objects, Page, Shard
from bondstore.runs.work import UnfetchedError, at_the_source, from_source
from bondstore.stores.rangefile import RangeFile

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Buffer

    from bondstore.deid.finder import Finder, Found
    from bondstore.findings import Finding
    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work
    from bondstore.stores import ObjectInfo

RECORDING, NOTES, VIDEO, IDENTIFIED = "recording", "notes", "video", "identified"
RESULTS = (RECORDING, NOTES, VIDEO, IDENTIFIED)
"""Kinds of outputs that are under a code."""
_BATCH, _WEIGHT = 32, 256 << 20
_MOST_NOTES = 64 << 20


@dataclass(slots=True)
class Known:
    """What was found out about the source, once in a run; it stays in the process that plans."""

    ask: Callable[[RunContext, Mapping[str, str]], Sources] | None
    sources: Sources | None = None

    @property
    def found(self) -> Sources:
        """It, once it was asked for."""
        return self.sources or Sources({}, {})

    def of(self, context: RunContext, given: Callable[[], Mapping[str, str]] = dict) -> Sources:
        """Return it; `given` tells the places that files have from before, by their aliases."""
        if self.sources is None and self.ask is not None:
            self.sources = self.ask(context, given())
        return self.found

    def part(self, aliases: Iterable[str]) -> Known:
        """Return what workers need for some files."""
        found = self.found
        files = {one: found.files[one] for one in aliases}
        subjects = {one.subject for one in files.values() if not one.reason}
        rules = {one: found.rules[one] for one in subjects}
        digests = {one: found.digests[one] for one in (*subjects, FOR_SEALED) if one in found.digests}
        return Known(None, Sources(files, rules, digests, recipients=found.recipients, how=found.how))

    def listed(self, context: RunContext) -> Iterator[Iterator[tuple[str, Source, ObjectInfo]]]:
        """List the source under aliases, page by page; what came after all others were looked at is not there."""
        files = self.of(context).files
        real = {source.key: alias for alias, source in files.items()}
        for listing in context.store.pages():
            yield ((real[info.key], files[real[info.key]], info) for info in listing.objects() if info.key in real)

    def is_refused_still(self, item: Item) -> bool:
        """Whether a file in quarantine would be refused for the same reason again."""
        source = self.found.files.get(item.key)
        return source is None or source.reason == item.reason or not (source.reason or item.reason in PLANNED)


@dataclass(slots=True)
class Watched:
    """A finder that counts common words that may be names."""

    finder: Finder
    doubtful: int = 0

    def find(self, text: str) -> Iterable[Found]:
        """Return what is to be blanked in a text."""
        if isinstance(self.finder, NameFinder):
            self.doubtful += len(self.finder.doubtful(text))
        return self.finder.find(text)


@dataclass(frozen=True, slots=True)
class Recordings(EachObject):
    """Takes identity out of each file."""

    known: Known = field(compare=False, repr=False)
    kinds: ClassVar[tuple[str, ...]] = (*RESULTS, RECORD)

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """Look at everything first: no byte is copied before each file has a place of its own."""
        self._learn(ledger, context)
        return EachObject.plan(self, ledger, context, progress)

    def _learn(self, ledger: Ledger | None, context: RunContext) -> Sources:
        def given() -> Mapping[str, str]:
            if ledger is None:
                return {}
            own = {one.source: one.path for one in ledger.outputs.of_kind(context.job, *RESULTS)}
            # what came from other sources is never moved or written over: to no alias its place is the old one
            mine = {one.path for one in ledger.outputs.walk(context.job)}
            return {f"\0{one.path}": one.path for one in ledger.outputs.walk() if one.path not in mine} | own

        return self.known.of(context, given)

    def pages(self, context: RunContext) -> Iterator[Page]:
        """List the source under aliases."""
        for listed in self.known.listed(context):
            page = Page()
            for alias, source, info in listed:
                page.items.append(Item(alias, info.etag, info.size, source.path))
                page.findings += [KINDS[word].about(alias) for word in (source.remark,) if word]
            yield page

    def beside(self, path: str) -> tuple[str, ...]:
        """Return the record of a recording, or of a video."""
        return () if kind_of(path) is Kind.NOTES or path.endswith(SEALED) else (record_path(path),)

    def is_current(self, item: Item, outputs: Mapping[str, Output], holder: Holder) -> bool:
        """Whether an object was handled as is asked for now: with these settings, or refused for the same reason."""
        if item.state is State.QUARANTINED:
            return self.known.is_refused_still(item)
        source = self.known.found.files.get(item.key)
        digest = None if source is None else self.known.found.digest(source)
        made = [outputs.get(path) for path in (item.output, *self.beside(item.output))]
        return all(one is not None and one.made_by == digest and holder.holds(one) for one in made)

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield the files of one subject after the other, and then what is refused; each with what it takes alone."""
        files = self._learn(ledger, context).files
        planned = [item for page in ledger.items.planned(context.job, context.run) for item in page]
        by_subject: dict[str, list[Item]] = {}
        for item in planned:
            if item.key in files:  # else it has gone since it was planned
                source = files[item.key]
                by_subject.setdefault("" if source.reason else source.subject, []).append(item)
        for subject in sorted(by_subject):
            for some in grouped(by_subject[subject], lambda item: item.size, number=_BATCH, weight=_WEIGHT):
                part = self.known.part(item.key for item in some)
                yield Objects(context, replace(self, known=part), tuple(some))

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Clean them, or say why not."""
        for item in items:
            take(item, self.known, work, self._clean)

    def _clean(self, item: Item, info: ObjectInfo, rules: Rules, work: Work) -> list[Finding]:
        """Write a file without identity."""
        source = self.known.found.files[item.key]
        facts = {"source": item.key, "made_by": self.known.found.digest(source) or ""}
        if source.sealed:
            return _seal(item, info, self.known.found.recipients, work, facts)
        if kind_of(source.key) is Kind.VIDEO:
            return _video(item, info, self.known.found.how, work, facts)
        chunks = from_source(work.store.open_ranges(info))
        if kind_of(source.key) is Kind.RECORDING:
            return _recording(item, chunks, rules, work, facts)
        content, findings = clean_notes(item, chunks, rules)
        work.write(item.output, [content], kind=NOTES, **facts)
        return findings


Clean = Callable[[Item, "ObjectInfo", Rules, "Work"], "list[Finding]"]
"""Writes a file without identity, and returns what is to be said of it."""


def take(item: Item, known: Known, work: Work, clean: Clean, *, mark: str = "") -> None:
    """Read a file once and write it without identity, or say why not. No error of the source is told: it has its name.

    `mark` is what the item's version has behind that of the file.
    """
    source = known.found.files[item.key]
    if source.reason:
        was_sealed = item.output.endswith(SEALED)  # what names people goes again where it is allowed no more
        refuse(replace(item, output="") if was_sealed else item, source.reason, work)
        return
    rules = known.found.rules[source.subject]
    watched = Watched(rules.finder)
    try:
        with at_the_source():
            info = work.store.head(source.key)
            if info.etag + mark != item.version:
                raise ChangedError("The file changed since it was listed.")
        findings = clean(item, info, replace(rules, finder=watched), work)
    except UnfetchedError as failure:
        gone = isinstance(failure.error, NotFoundError)
        work.receipt.failed(item, (GONE if gone else NOT_FETCHED).about(item.key, message=_UNREAD))
    except DamagedError as error:
        refuse(item, error.kind, work)
    except IntegrityError:
        refuse(item, "samples-differ", work)
    except BondstoreError as error:
        work.not_written(item, error)
    else:
        if watched.doubtful:
            findings.append(KINDS["name-doubtful"].about(item.key, count=watched.doubtful))
        work.receipt.reads.append(Read(item.key, info.etag, info.size))
        work.receipt.findings += findings
        work.receipt.done(item, item.version)


_UNREAD = "The file could not be read, or changed meanwhile. Another run tries again."


def _recording(
    item: Item, chunks: Iterable[Buffer], rules: Rules, work: Work, facts: Mapping[str, str]
) -> list[Finding]:
    scrub = Scrub(chunks, rules, threads=1)
    work.write(item.output, scrub, kind=RECORDING, **facts)
    record = record_of(item.output, scrub.result)
    work.write(record_path(item.output), [record], kind=RECORD, made_by=facts["made_by"])
    return scrub.result.findings(item.key)


def _seal(
    item: Item, info: ObjectInfo, recipients: Sequence[bytes], work: Work, facts: Mapping[str, str]
) -> list[Finding]:
    """Encrypt a file as it is. The writer's key is drawn for it: whoever works has no key of a person.

    No checksum of the content is kept: names could be tried out on that of a short file.
    """
    envelope = new_envelope()
    body = seal_stream(from_source(work.store.open_ranges(info)), envelope.segments)
    work.write(item.output, chain([header(envelope, recipients, PrivateKey.new())], body), kind=IDENTIFIED, **facts)
    return [KINDS["kept-sealed"].about(item.key)]


class Original(RangeFile):
    """A file of the source."""

    def _fetched(self, number: int) -> bytes:
        with at_the_source():
            return RangeFile._fetched(self, number)


def clean_video(source: BinaryIO, target: BinaryIO, how: How) -> VideoCopy:
    """Copy a video without what its file says, and with faces covered where that is asked for."""
    return copy_video(source, target, open_detector() if how.faces == "fill" else None)


def _video(item: Item, info: ObjectInfo, how: How, work: Work, facts: Mapping[str, str]) -> list[Finding]:
    """Copy pictures and sound into a file of its own: containers are written with steps back."""
    temporary = work.writer.reserve()
    try:
        with (
            work.writer.explaining(),
            io.BufferedReader(Original(work.store, info)) as file,
            _private(temporary) as new,
        ):
            done = clean_video(cast("BinaryIO", file), new, how)
        work.adopt(item.output, temporary, None, kind=VIDEO, **facts)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    work.write(record_path(item.output), [record_of_video(item.output, done)], kind=RECORD, made_by=facts["made_by"])
    return about_video(item, done)


def about_video(item: Item, done: VideoCopy) -> list[Finding]:
    """Return what is to be said of a video."""
    found = [KINDS["video-identifies"].about(item.key)]
    if (covered := done.covered) is not None:
        found = [KINDS["video-identifies"].about(item.key, message=_COVERED.format(covered))]
        if covered.lost:
            found.append(KINDS["video-pictures-lost"].about(item.key, count=covered.lost))
    if done.is_cut:
        found.append(KINDS["video-cut"].about(item.key))
    return found + [
        EDF["identity-removed"].about(item.key, where=place, count=count, message=f"Removed: {kind}.")
        for (place, kind), count in done.removed.items()
    ]


_COVERED = (
    "Faces were covered in {0.with_covers:,} of {0.pictures:,} pictures. Some may be missed, and voice and body "
    "still identify the patient."
)


def _private(path: Path) -> BinaryIO:
    """Make a file that its owner alone may read, and open it."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w+b")


def clean_notes(item: Item, chunks: Iterable[Buffer], rules: Rules) -> tuple[bytes, list[Finding]]:
    """Blank notes line by line: a name in one line is not to be looked for across all of them."""
    if item.size > _MOST_NOTES:
        raise DamagedError(KINDS["notes-too-large"].sentence, kind="notes-too-large")
    content = b"".join(chunks)
    wide = next((code for mark, code in _WIDE.items() if content.startswith(mark)), None)
    lines = (content.decode(wide, "replace").encode() if wide else content).splitlines(keepends=True)
    removed: Counter[str] = Counter()
    cleaned = []
    for line in map(bytearray, lines):
        with memoryview(line) as view:
            removed.update(blank(view, rules.finder))
        cleaned.append(bytes(line))
    joined = b"".join(cleaned)
    kind = EDF["identity-removed"]
    return joined.decode().encode(wide) if wide else joined, [
        kind.about(item.key, where="notes", count=number, message=f"Removed: {word}.")
        for word, number in removed.items()
    ]


_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def refuse(item: Item, reason: str, work: Work) -> None:
    """Say why a file is not copied."""
    if reason == NOT_FETCHED.word:
        work.receipt.failed(item, NOT_FETCHED.about(item.key, message=_UNREAD))
        return
    kind = KINDS.get(reason) or EDF[reason]
    work.receipt.findings.append(kind.about(item.key))
    work.quarantine(item, item.version, reason)
