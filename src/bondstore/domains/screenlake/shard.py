"""A few zips: fetched, noted, looked at, written as parts and pictures, recorded."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from bondstore.domains.screenlake.extract import ExtractTools, ZipWork
from bondstore.domains.screenlake.findings import KINDS
from bondstore.domains.screenlake.outdated import digest_of
from bondstore.domains.screenlake.part import PartWriter
from bondstore.domains.screenlake.paths import staged_path
from bondstore.domains.screenlake.review import decisions as deciding
from bondstore.errors import BondstoreError, ConfigurationError, NoSpaceError, NotFoundError, StoreError
from bondstore.ledger import Item, Read
from bondstore.runs.recording import Record, note_reads, output_of
from bondstore.runs.tally import Tally
from bondstore.runs.work import Place, bench
from bondstore.stores.rangefile import RangeFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from bondstore.deid.faces import Box
    from bondstore.domains.screenlake.layout import PhoneZip
    from bondstore.domains.screenlake.process import ProcessJob
    from bondstore.domains.screenlake.review.decisions import Decision
    from bondstore.runs.durable import OutputGroup
    from bondstore.runs.work import Bench

WHOLE = 64 << 20
"""Zips up to this size are fetched in one piece; larger ones are read in ranges."""
IMAGES = 10
"""After about so many images what is done is made durable: a zip without any need not have a sync of its own."""


@dataclass(frozen=True, slots=True)
class ZipsShard:
    """A batch of zips.

    Parameters
    ----------
    place : Place
        The run.
    job : ProcessJob
        What to do.
    items : tuple of Item
        The zips.
    digest : str
        `ProcessJob.work_digest`.
    decided : tuple of Decision
        What people decided about images.
    """

    place: Place
    job: ProcessJob
    items: tuple[Item, ...]
    digest: str
    decided: tuple[Decision, ...] = ()

    def run(self) -> Tally:
        """Fetch → note the reads → look → write → one sync → rename → record; zip by zip, or a few at a time."""
        tools = bench(self.place)
        work = _Shard(self, tools, self._tools())
        tally = Tally()
        try:
            for item, source, version in _sources(tools, self.place, self.items, work.fail):
                if item.size > WHOLE:  # its reading may break off: then all that is not recorded yet is dropped
                    tally += work.commit()
                work.take(item, source, version)
                if work.images >= IMAGES:
                    tally += work.commit()
            return tally + work.commit()
        finally:
            work.discard()

    def _tools(self) -> ExtractTools:
        from bondstore.deid.pictures import Cover

        handling = self.job.handling
        return ExtractTools(
            self.job.detector(),
            Cover(handling.redact),
            handling.text,
            self.job.selection.captured_window(),
            deciding.by_image(self.decided),
            _text_boxes() if handling.ocr else None,
        )


def _text_boxes() -> Callable[[NDArray[np.uint8]], list[Box]]:
    from bondstore.deid.ocr import pattern_boxes

    return pattern_boxes


class _Shard:
    """The work of one shard while it runs."""

    def __init__(self, shard: ZipsShard, bench: Bench, tools: ExtractTools) -> None:
        self._shard, self._ledger, self._tools = shard, bench.ledger, tools
        self._decided = deciding.digests(shard.decided)
        self._renew()

    def _renew(self) -> None:
        self._group: OutputGroup = self._shard.place.destination.group()
        self._inside: Counter[str] = Counter()
        self.record = Record()

    @property
    def images(self) -> int:
        """Images that are not recorded yet."""
        return self._inside["images"]

    def fail(self, item: Item, error: BondstoreError) -> None:
        """Note a zip that could not be fetched."""
        kind = "vanished" if isinstance(error, NotFoundError) else "fetch-failed"
        self.record.failed(item, KINDS[kind].about(item.key, message=error.message))

    def take(self, item: Item, source: BinaryIO, version: str) -> None:
        """Handle one zip; where one that is read in ranges breaks off, nothing of it stays."""
        try:
            self._take(item, source, version)
        except (StoreError, NotFoundError) as error:
            self.discard()
            self._renew()
            self.fail(item, error)

    def _take(self, item: Item, source: BinaryIO, version: str) -> None:
        phone = self._shard.job.phone(item)
        temporary = self._group.reserve()
        with self._group.explaining():
            part = PartWriter(temporary, temporary.parent)
            try:
                work = ZipWork(
                    phone, source, self._tools, part, lambda token, data: self._write(item, phone, token, data)
                )
                index = work.run()
                part.close(index)
            finally:
                part.abandon()
        self._add_part(item, temporary)
        self.record.findings += work.findings
        self._inside["images"] += len(index.images)
        if work.reason:
            self.record.quarantined(item, version, work.reason)
        else:
            self.record.done(item, version)

    def _add_part(self, item: Item, temporary: Path) -> None:
        written = self._group.adopt(item.output, temporary)
        self.record.outputs.append(
            output_of(written, kind="part", made_by=digest_of(self._shard.digest, self._decided, item.key))
        )

    def _write(self, item: Item, phone: PhoneZip, token: str, data: bytes) -> None:
        written = self._group.write(staged_path(self._shard.job.query, phone.panelist, token), [data])
        self.record.outputs.append(output_of(written, kind="image", made_by=token, source=item.output))

    def commit(self) -> Tally:
        """Make durable and record what was done since the last time."""
        self._group.commit()
        tally = replace(self.record.commit(self._ledger, self._shard.place), inside=dict(self._inside))
        self._renew()
        return tally

    def discard(self) -> None:
        """Let go of what was not committed."""
        self._group.discard()


def _sources(
    tools: Bench, place: Place, items: Sequence[Item], fail: Callable[[Item, BondstoreError], None]
) -> Iterator[tuple[Item, BinaryIO, str]]:
    """Fetch zips, and put every read into the audit chain before anything is made of it."""
    small = [item for item in items if item.size <= WHOLE]
    for item, found in zip(small, tools.store.get_many([item.key for item in small]), strict=True):
        if isinstance(found, ConfigurationError):
            raise found
        if isinstance(found, BondstoreError):
            fail(item, found)
            continue
        note_reads(tools.ledger, place, [Read(item.key, found.info.etag, len(found.data))])
        yield item, io.BytesIO(memoryview(found.data)), found.info.etag
    for item in items:
        if item.size > WHOLE:
            yield from _large(tools, place, item, fail)


def _large(
    tools: Bench, place: Place, item: Item, fail: Callable[[Item, BondstoreError], None]
) -> Iterator[tuple[Item, BinaryIO, str]]:
    try:
        info = tools.store.head(item.key)
        note_reads(tools.ledger, place, [Read(item.key, info.etag, info.size)])
        yield item, cast("BinaryIO", io.BufferedReader(RangeFile(tools.store, info))), info.etag
    except (ConfigurationError, NoSpaceError):
        raise
    except BondstoreError as error:
        fail(item, error)
