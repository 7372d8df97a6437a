"""One participant's stream, object after object in order of time, as typed rows: fetched and parsed a little ahead."""

from __future__ import annotations

import dataclasses
import threading
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.findings import damaged, failed_finding, finding_of
from bondstore.domains.beiwe.layout import weight
from bondstore.domains.beiwe.listing import walk
from bondstore.domains.beiwe.reading.fetch import SealedObject, fetch
from bondstore.domains.beiwe.selection import DAY_MS, StudySelection
from bondstore.domains.beiwe.streams import STREAMS, TIMESTAMP
from bondstore.errors import BondstoreError, DamagedError, NotFoundError, UsageError, WrongKeyError
from bondstore.findings import Finding, Severity
from bondstore.ledger import note_personal
from bondstore.runs.batches import grouped
from bondstore.runs.process import large_blocks_apart, whoami
from bondstore.threads import ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    import polars as pl

    from bondstore.domains.beiwe.decode import Opened, Opener
    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.domains.beiwe.listing import Listed
    from bondstore.domains.beiwe.reading.frames import Parsed
    from bondstore.ledger import Read
    from bondstore.stores import Store

    _Result: TypeAlias = tuple[SealedObject, Opened | DamagedError]

RAW_MARGIN_MS = DAY_MS
"""How long before the window a raw file may have been started whose later rows lie inside it."""
_BATCH_OBJECTS = 256
_BATCH_BYTES = 3 << 20  # of text; a larger object is a batch of its own
_HUGE = 16 << 20  # objects that hold more are read only when the rows of the one before are gone
_WIDTH = 3  # batches that are read at a time
_PIECE = 1 << 20
_WHOLE = StudySelection()
_EMPTY = memoryview(b"")
_large_ones = threading.Lock()
_turns = threading.BoundedSemaphore(2)  # batches that a process reads at a time: each takes a few times its size


@dataclass(frozen=True, slots=True)
class ReadObject:
    """What became of one object."""

    listed: Listed
    answer: SealedObject | BondstoreError  # its sealed bytes, or why they could not be fetched
    damage: str = ""  # the worst finding's kind when it lost rows or could not be opened


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """Some objects of a stream, read: all in the order they were asked for."""

    objects: tuple[ReadObject, ...]
    frame: pl.DataFrame  # their rows inside the window
    findings: tuple[Finding, ...]
    rows: tuple[int, ...] = ()  # of each object, before the window is applied

    @property
    def reads(self) -> list[Read]:
        """The entries for the audit chain."""
        return [one.answer.read for one in self.objects if isinstance(one.answer, SealedObject)]

    @property
    def told(self) -> list[Finding]:
        """What was found, and which objects could not be fetched: for who keeps no record of a run."""
        failed = [
            failed_finding(one.answer, one.listed.object.key)
            for one in self.objects
            if isinstance(one.answer, BondstoreError)
        ]
        return [*self.findings, *failed]


def stream_objects(store: Store, study: str, selection: StudySelection) -> list[Listed]:
    """List the objects of one participant's table stream, in the order their rows go into a table."""
    if len(selection.streams) != 1 or len(selection.participants) != 1:
        raise UsageError("A table is of one participant and one stream.", hint="Name one of each.")
    if not STREAMS[selection.streams[0]].is_table:
        raise UsageError(f"Stream {selection.streams[0]} holds media, no tables.", hint="Use read_bytes, or export it.")
    found = [
        one
        for page in walk(store, study, selection)
        for one in page
        if selection.wants(one.object, raw_margin_ms=RAW_MARGIN_MS)
    ]
    found.sort(key=lambda one: (one.object.time_ms or 0, one.object.key))
    return found


def read_stream(
    store: Store, tool: Opener, objects: Sequence[Listed], selection: StudySelection, *, width: int = _WIDTH
) -> Generator[ReadBatch, None, None]:
    """Fetch, open and parse objects of one table stream, `width` batches at a time; memory holds a few.

    The selection's window is applied to the rows. The caller notes the reads before it hands anything out. Raises
    ConfigurationError as `fetch` does.
    """
    if _has_large(objects):
        # One is read while the one before is written, where two fit into memory.
        width = 0 if _has_large(objects, _HUGE) else 1
    batches = grouped(objects, _weight, number=_BATCH_OBJECTS, weight=_BATCH_BYTES)
    return ordered(lambda batch: read_batch(store, tool, batch, selection), batches, width)


def _has_large(objects: Iterable[Listed | SealedObject], size: int = _BATCH_BYTES) -> bool:
    """Whether any object holds more than so many bytes; by default, whether any is a batch of its own."""
    return any(_weight(one) > size for one in objects)


def one_large_at_a_time(objects: Iterable[Listed | SealedObject]) -> AbstractContextManager[object]:
    """Return what to hold while a stream is read: parsing takes several times the size of a large object.

    Streams of large objects are read one after the other in a process, others side by side.
    """
    if not _has_large(objects):
        return nullcontext()
    large_blocks_apart()
    return _large_ones


def read_batch(store: Store, tool: Opener, batch: Sequence[Listed], selection: StudySelection) -> ReadBatch:
    """Fetch, open and parse one batch; a few at a time in a process. Damaged objects give their good rows."""
    with _turns:
        answers = fetch(store, [one.object for one in batch])
        sealed = [answer for answer in answers if isinstance(answer, SealedObject)]
        opened, parsed = opened_and_parsed(tool, batch[0].object.stream, sealed)
        findings = joined_findings(opened, parsed.findings)
        worst = {one.key: one.kind for one in reversed(findings) if one.severity is Severity.ERROR}
        objects = tuple(_outcome(listed, answer, worst) for listed, answer in zip(batch, answers, strict=True))
        results, counts = iter(opened), iter(parsed.rows)
        rows = tuple(  # an object that was not fetched has no result, one that was not opened no rows
            next(counts) if isinstance(answer, SealedObject) and not isinstance(next(results)[1], DamagedError) else 0
            for answer in answers
        )
        frame = _of_surveys(parsed, opened, selection.surveys)
        return ReadBatch(objects, _within(frame, selection.since_ms, selection.until_ms), findings, rows)


def _of_surveys(parsed: Parsed, opened: Sequence[_Result], surveys: Sequence[str]) -> pl.DataFrame:
    """Keep the rows of surveys, if any are named: of objects in folders of a survey, that is all of them."""
    import polars as pl

    good = [one.object.is_mixed for one, result in opened if not isinstance(result, DamagedError)]
    if not surveys or not any(good):
        return parsed.frame
    mixed = pl.concat([pl.repeat(one, rows, eager=True) for one, rows in zip(good, parsed.rows, strict=True)])
    return parsed.frame.filter(~mixed | pl.col("survey id").is_in(surveys).fill_null(value=False))


def opened_and_parsed(tool: Opener, stream: str, sealed: Sequence[SealedObject]) -> tuple[list[_Result], Parsed]:
    """Open and parse; a large object piece by piece, unless it is damaged: then all of it must be looked at."""
    from bondstore.domains.beiwe.reading.frames import SLICED, read_frames

    if len(sealed) == 1 and stream in SLICED and weight(sealed[0].object.key, sealed[0].size) > _BATCH_BYTES:
        with suppress(DamagedError):
            return _in_slices(tool, stream, sealed[0])
    opened = open_or_salvage(tool, sealed)
    good = [(one.object, result.plain) for one, result in opened if not isinstance(result, DamagedError)]
    return opened, read_frames(STREAMS[stream], good)


def _in_slices(tool: Opener, stream: str, one: SealedObject) -> tuple[list[_Result], Parsed]:
    from bondstore.domains.beiwe.decode import Opened
    from bondstore.domains.beiwe.reading.frames import read_slices

    found: list[Finding] = []
    chunks = (one.data[at : at + _PIECE] for at in range(0, len(one.data), _PIECE))
    parsed = read_slices(STREAMS[stream], one.object, tool.open_stream(one.object, chunks, found))
    return [(one, Opened(b"", tuple(found)))], parsed


def _outcome(listed: Listed, answer: SealedObject | BondstoreError, worst: Mapping[str, str]) -> ReadObject:
    """Say what became of an object; sealed bytes are kept of damaged ones only."""
    if isinstance(answer, BondstoreError):
        return ReadObject(listed, answer)
    if damage := worst.get(answer.object.key):
        return ReadObject(listed, answer, damage)
    return ReadObject(listed, dataclasses.replace(answer, data=_EMPTY))


def _weight(one: Listed | SealedObject) -> int:
    """About how many bytes of text an object holds."""
    return weight(one.object.key, one.size)


def fetch_one(store: Store, listed: Listed) -> tuple[BeiweObject, memoryview]:
    """Fetch one object, or raise why not; note the read in the account's own record."""
    answer = fetch(store, [listed.object])[0]
    if isinstance(answer, BondstoreError):
        raise _explained(answer, listed)
    note_personal(whoami(), [answer.read])
    return answer.object, answer.data


def sealed_by_device(tool: Callable[[], Opener], stored: bytes) -> bytes:
    """Return an upload that the server could not decrypt as the device sealed it: text, below the server's own seal."""
    if stored.isascii():
        return stored
    try:
        plain = tool().unsealed(stored)
    except (BondstoreError, ValueError):
        return stored
    return plain if plain.isascii() else stored


def read_one(store: Store, tool: Opener, listed: Listed) -> ReadBatch:
    """Fetch, open and parse one object, and note the read in the account's own record.

    Raises when it could not be fetched, or is damaged and not one row could be read of it.
    """
    batch = read_batch(store, tool, [listed], _WHOLE)
    answer, damage = batch.objects[0].answer, batch.objects[0].damage
    if isinstance(answer, BondstoreError):
        raise _explained(answer, listed)
    note_personal(whoami(), batch.reads)
    if damage and not batch.frame.height:  # an empty table would pass for an object without rows
        raise damaged(damage, answer.object.key)
    return batch


def _explained(error: BondstoreError, listed: Listed) -> BondstoreError:
    if not isinstance(error, NotFoundError):
        return error
    return NotFoundError(
        f"There is no object {listed.object.key}, nor its compressed twin.",
        hint="bondstore beiwe ls shows what there is.",
    )


def read_parts(store: Store, tool: Opener, batch: Sequence[Listed]) -> tuple[ReadBatch, list[pl.DataFrame]]:
    """Read a batch outside a run, note the reads, and part its rows by object."""
    read = read_batch(store, tool, batch, _WHOLE)
    note_personal(whoami(), read.reads)
    frames, start = [], 0
    for count in read.rows:
        frames.append(read.frame[start : start + count])
        start += count
    return read, frames


def noted(batches: Iterable[ReadBatch]) -> Iterator[ReadBatch]:
    """Note reads outside runs in the account's own record, before any row is handed out.

    Raises WrongKeyError when none of the first objects can be decrypted.
    """
    who = whoami()
    for number, batch in enumerate(batches):
        note_personal(who, batch.reads)
        if number == 0 and len(batch.objects) > 1 and all(one.damage == "undecryptable" for one in batch.objects):
            raise WrongKeyError(
                "The decryption key opens none of the objects that were tried.",
                hint="Check the study's key (--key, or DECRYPTION_KEY_STRING) and that it belongs to this study.",
            )
        yield batch


def rows_in_order(batches: Iterable[ReadBatch]) -> Iterator[tuple[ReadBatch, pl.DataFrame]]:
    """Sort and de-duplicate rows while they are read: each batch with the rows that are ready once it is read.

    Rows of chunked objects lie inside their hour, so hours that are past can go. As soon as a raw object comes, whose
    rows may be of any time, all rows wait for the end.
    """
    import polars as pl

    from bondstore.tables.merge import in_order, without_repeats

    held: pl.DataFrame | None = None
    last: ReadBatch | None = None
    bounded = True
    for batch in batches:
        if last is not None and held is not None:
            bounded = bounded and all(one.listed.object.source == "chunked" for one in (*last.objects, *batch.objects))
            bound = batch.objects[0].listed.object.time_ms or 0
            ready = int(held[TIMESTAMP].search_sorted(bound, "left")) if bounded else 0
            yield last, held[:ready]
            held = held[ready:]
        held = batch.frame if held is None else pl.concat([held, batch.frame])
        held = without_repeats(in_order(held, TIMESTAMP), TIMESTAMP)
        last = batch
    if last is not None and held is not None:
        yield last, held


def open_or_salvage(tool: Opener, sealed: Sequence[SealedObject]) -> list[_Result]:
    """Open a batch; where an object is damaged, save what can be saved."""
    results = tool.open_many([(one.object, one.data) for one in sealed], rows=False)
    return [
        (one, _salvaged(tool, one) if isinstance(result, DamagedError) else result)
        for one, result in zip(sealed, results, strict=True)
    ]


def _salvaged(tool: Opener, one: SealedObject) -> Opened | DamagedError:
    try:
        return tool.salvage(one.object, one.data)
    except DamagedError as error:
        return error


def joined_findings(opened: Sequence[_Result], parsed: Sequence[Finding]) -> tuple[Finding, ...]:
    """Join what opening and parsing found; where both name the same, opening's word is dropped.

    So are suspect rows of an object that parsing says anything of: it says what is the matter with them.
    """
    named = {(one.kind, one.key) for one in parsed} | {("suspect-rows", one.key) for one in parsed}
    found: list[Finding] = []
    for sealed, result in opened:
        if isinstance(result, DamagedError):
            found.append(finding_of(result, sealed.object.key))
        else:
            found += [one for one in result.findings if (one.kind, one.key) not in named]
    return (*found, *parsed)


def _within(frame: pl.DataFrame, since_ms: int | None, until_ms: int | None) -> pl.DataFrame:
    """Keep the rows of a half-open window, in ms since 1970 UTC."""
    import polars as pl

    if since_ms is not None:
        frame = frame.filter(pl.col(TIMESTAMP) >= since_ms)
    if until_ms is not None:
        frame = frame.filter(pl.col(TIMESTAMP) < until_ms)
    return frame
