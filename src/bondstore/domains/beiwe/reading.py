"""One participant's stream, object after object in order of time, as typed rows: fetched and parsed a little ahead."""

from __future__ import annotations

import dataclasses
import threading
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.damage import DAMAGE
from bondstore.domains.beiwe.fetching import Sealed, fetch
from bondstore.domains.beiwe.kinds import KINDS
from bondstore.domains.beiwe.layout import weight
from bondstore.domains.beiwe.listing import walk
from bondstore.domains.beiwe.recording import finding_of
from bondstore.domains.beiwe.selection import DAY_MS, Selection
from bondstore.domains.beiwe.streams import STREAMS, TIMESTAMP
from bondstore.errors import BondstoreError, DamagedError, NotFoundError, UsageError, WrongKeyError
from bondstore.findings import Finding, Severity
from bondstore.ledger import note_personal
from bondstore.runs.batches import grouped, ordered
from bondstore.runs.context import large_blocks_apart, whoami

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    import polars as pl

    from bondstore.domains.beiwe.decode import Opened, Opener
    from bondstore.domains.beiwe.frames import Parsed
    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.domains.beiwe.listing import Listed
    from bondstore.domains.beiwe.streams import Stream
    from bondstore.ledger import Read
    from bondstore.stores import Store

BATCH_OBJECTS = 256
BATCH_BYTES = 3 << 20
"""About so much text is held by one batch; a larger object is a batch of its own."""
HUGE = 16 << 20
"""Objects that hold more are read only when the rows of the one before are gone."""
WIDTH = 3
"""Batches that are read at a time."""
RAW_MARGIN_MS = DAY_MS
"""How long before the window a raw file may have been started whose later rows lie inside it."""

_WHOLE = Selection()
_PIECE = 1 << 20
_EMPTY = memoryview(b"")
_large_ones = threading.Lock()
_turns = threading.BoundedSemaphore(2)
"""Batches that a process reads at a time, whatever the number of its shards: each takes a few times its size."""


@dataclass(frozen=True, slots=True)
class ReadObject:
    """What became of one object.

    Parameters
    ----------
    listed : Listed
        The object.
    answer : Sealed or BondstoreError
        Its sealed bytes, or why they could not be fetched.
    damage : str
        The worst finding's kind when it lost rows or could not be opened; else empty.
    """

    listed: Listed
    answer: Sealed | BondstoreError
    damage: str = ""


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """Some objects of a stream, read.

    Parameters
    ----------
    objects : tuple of ReadObject
        In the order they were asked for.
    frame : polars.DataFrame
        Their rows inside the window, in the same order.
    findings : tuple of Finding
        What should be known about them.
    rows : tuple of int
        Rows of each object, before the window is applied.
    """

    objects: tuple[ReadObject, ...]
    frame: pl.DataFrame
    findings: tuple[Finding, ...]
    rows: tuple[int, ...] = ()

    @property
    def reads(self) -> list[Read]:
        """The entries for the audit chain."""
        return [one.answer.read for one in self.objects if isinstance(one.answer, Sealed)]


def stream_objects(store: Store, study: str, selection: Selection) -> list[Listed]:
    """List the objects of one participant's stream, in the order their rows go into a table.

    Parameters
    ----------
    store : Store
        Where the study lies.
    study : str
        The study's id.
    selection : Selection
        Of one participant and one stream.

    Raises
    ------
    UsageError
        It is of several, or of a stream of media.
    """
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
    store: Store, tool: Opener, objects: Sequence[Listed], selection: Selection, *, width: int = WIDTH
) -> Generator[ReadBatch, None, None]:
    """Fetch, open and parse objects of one stream, batch by batch.

    Parameters
    ----------
    store : Store
        Where they lie.
    tool : Opener
        The study's opener.
    objects : sequence of Listed
        All of the same table stream.
    selection : Selection
        Its window is applied to the rows.
    width : int
        Batches at a time.

    Yields
    ------
    ReadBatch
        In the order of the objects; memory holds a few. The caller notes the reads before it hands anything out.

    Raises
    ------
    ConfigurationError
        The store as a whole gives no answer, or refuses the credentials.
    """
    if has_large(objects):
        # One is read while the one before is written, where two fit into memory.
        width = 0 if has_large(objects, HUGE) else 1
    return ordered(lambda batch: read_batch(store, tool, batch, selection), batches(objects), width)


def has_large(objects: Iterable[Listed], size: int = BATCH_BYTES) -> bool:
    """Whether any object holds more than so many bytes; by default, whether any is a batch of its own."""
    return any(_weight(one) > size for one in objects)


def one_large_at_a_time(objects: Iterable[Listed]) -> AbstractContextManager[object]:
    """Return what to hold while a stream is read: parsing takes several times the size of a large object.

    Streams of large objects are read one after the other in a process, others side by side.
    """
    if not has_large(objects):
        return nullcontext()
    large_blocks_apart()
    return _large_ones


def batches(objects: Iterable[Listed]) -> Iterator[list[Listed]]:
    """Part objects into batches of bounded number and size."""
    return grouped(objects, _weight, number=BATCH_OBJECTS, weight=BATCH_BYTES)


def read_batch(store: Store, tool: Opener, batch: Sequence[Listed], selection: Selection) -> ReadBatch:
    """Fetch, open and parse one batch; a few at a time in a process. Damaged objects give their good rows."""
    with _turns:
        return _read_batch(store, tool, batch, selection)


def _read_batch(store: Store, tool: Opener, batch: Sequence[Listed], selection: Selection) -> ReadBatch:
    answers = fetch(store, [one.object for one in batch])
    sealed = [answer for answer in answers if isinstance(answer, Sealed)]
    opened, parsed = _opened_and_parsed(tool, STREAMS[batch[0].object.stream], sealed)
    findings = _findings(opened, parsed.findings)
    worst = {one.key: one.kind for one in reversed(findings) if one.severity is Severity.ERROR}
    objects = tuple(_outcome(listed, answer, worst) for listed, answer in zip(batch, answers, strict=True))
    counts = iter(parsed.rows)
    rows = tuple(next(counts) if good_one else 0 for good_one in _opened(answers, opened))
    return ReadBatch(objects, within(parsed.frame, selection.since_ms, selection.until_ms), findings, rows)


def _opened_and_parsed(
    tool: Opener, stream: Stream, sealed: Sequence[Sealed]
) -> tuple[list[tuple[Sealed, Opened | DamagedError]], Parsed]:
    """Open and parse; a large object piece by piece, unless it is damaged: then all of it must be looked at."""
    from bondstore.domains.beiwe.frames import SLICED, read_frames

    if len(sealed) == 1 and stream.name in SLICED and weight(sealed[0].object.key, sealed[0].size) > BATCH_BYTES:
        with suppress(DamagedError):
            return _in_slices(tool, stream, sealed[0])
    opened = open_or_salvage(tool, sealed)
    good = [(one.object, result.plain) for one, result in opened if not isinstance(result, DamagedError)]
    return opened, read_frames(stream, good)


def _in_slices(tool: Opener, stream: Stream, one: Sealed) -> tuple[list[tuple[Sealed, Opened | DamagedError]], Parsed]:
    from bondstore.domains.beiwe.frames import read_slices
    from bondstore.domains.beiwe.judge import Opened

    found: list[Finding] = []
    chunks = (one.data[at : at + _PIECE] for at in range(0, len(one.data), _PIECE))
    parsed = read_slices(stream, one.object, tool.open_stream(one.object, chunks, found))
    return [(one, Opened(b"", tuple(found)))], parsed


def _outcome(listed: Listed, answer: Sealed | BondstoreError, worst: Mapping[str, str]) -> ReadObject:
    """Say what became of an object; sealed bytes are kept of damaged ones only."""
    if isinstance(answer, BondstoreError):
        return ReadObject(listed, answer)
    if damage := worst.get(answer.object.key):
        return ReadObject(listed, answer, damage)
    return ReadObject(listed, dataclasses.replace(answer, data=_EMPTY))


def _opened(
    answers: Sequence[Sealed | BondstoreError], opened: Sequence[tuple[Sealed, Opened | DamagedError]]
) -> Iterator[bool]:
    """Tell for each answer whether its content went into the frame."""
    results = iter(opened)
    for answer in answers:
        yield isinstance(answer, Sealed) and not isinstance(next(results)[1], DamagedError)


def read_parts(store: Store, tool: Opener, batch: Sequence[Listed]) -> tuple[ReadBatch, list[pl.DataFrame]]:
    """Read a batch outside a run, note the reads, and part its rows by object.

    Returns
    -------
    tuple of (ReadBatch, list of polars.DataFrame)
        The batch, and the rows of each object; of media none.
    """
    read = read_batch(store, tool, batch, _WHOLE)
    note_personal(whoami(), read.reads)
    frames, start = [], 0
    for count in read.rows:
        frames.append(read.frame[start : start + count])
        start += count
    return read, frames


def _weight(one: Listed) -> int:
    """About how many bytes of text an object holds."""
    return weight(one.object.key, one.size)


def fetch_one(store: Store, listed: Listed) -> tuple[BeiweObject, memoryview]:
    """Fetch one object and note the read in the account's own record.

    Raises
    ------
    BondstoreError
        Why it could not be fetched.
    """
    answer = fetch(store, [listed.object])[0]
    if isinstance(answer, BondstoreError):
        raise _explained(answer, listed)
    note_personal(whoami(), [answer.read])
    return answer.object, answer.data


def read_one(store: Store, tool: Opener, listed: Listed) -> ReadBatch:
    """Fetch, open and parse one object, and note the read in the account's own record.

    Raises
    ------
    BondstoreError
        It could not be fetched, or is damaged and not one row could be read of it.
    """
    batch = read_batch(store, tool, [listed], _WHOLE)
    answer, damage = batch.objects[0].answer, batch.objects[0].damage
    if isinstance(answer, BondstoreError):
        raise _explained(answer, listed)
    note_personal(whoami(), batch.reads)
    if damage and not batch.frame.height:  # an empty table would pass for an object without rows
        kind = DAMAGE.get(damage) or KINDS[damage]
        raise DamagedError(f"{answer.object.key}: {kind.sentence}", kind=damage, hint=kind.advice)
    return batch


def _explained(error: BondstoreError, listed: Listed) -> BondstoreError:
    if not isinstance(error, NotFoundError):
        return error
    return NotFoundError(
        f"There is no object {listed.object.key}, nor its compressed twin.",
        hint="bondstore beiwe ls shows what there is.",
    )


def noted(batches: Iterable[ReadBatch]) -> Iterator[ReadBatch]:
    """Note reads outside runs in the account's own record, before any row is handed out.

    Raises
    ------
    WrongKeyError
        None of the first objects can be decrypted.
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


def open_or_salvage(tool: Opener, sealed: Sequence[Sealed]) -> list[tuple[Sealed, Opened | DamagedError]]:
    """Open a batch; where an object is damaged, save what can be saved."""
    results = tool.open_many([(one.object, one.data) for one in sealed], rows=False)
    return [
        (one, _salvaged(tool, one) if isinstance(result, DamagedError) else result)
        for one, result in zip(sealed, results, strict=True)
    ]


def _salvaged(tool: Opener, one: Sealed) -> Opened | DamagedError:
    try:
        return tool.salvage(one.object, one.data)
    except DamagedError as error:
        return error


def _findings(opened: Sequence[tuple[Sealed, Opened | DamagedError]], parsed: Sequence[Finding]) -> tuple[Finding, ...]:
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


def within(frame: pl.DataFrame, since_ms: int | None, until_ms: int | None) -> pl.DataFrame:
    """Keep the rows of a half-open window, in ms since 1970 UTC."""
    import polars as pl

    if since_ms is not None:
        frame = frame.filter(pl.col(TIMESTAMP) >= since_ms)
    if until_ms is not None:
        frame = frame.filter(pl.col(TIMESTAMP) < until_ms)
    return frame
