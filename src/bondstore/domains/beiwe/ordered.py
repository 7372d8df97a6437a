"""The rows of a stream in order of time and without repeats, while they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.domains.beiwe.streams import TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl

    from bondstore.domains.beiwe.reading import ReadBatch


def rows_in_order(batches: Iterable[ReadBatch]) -> Iterator[tuple[ReadBatch, pl.DataFrame]]:
    """Sort and de-duplicate rows as they come.

    Parameters
    ----------
    batches : iterable of ReadBatch
        In the order of their objects.

    Yields
    ------
    tuple of (ReadBatch, polars.DataFrame)
        Each batch with the rows that are ready once it is read; the last may have none. Rows of chunked objects lie
        inside their hour, so hours that are past can go; as soon as a raw object comes, whose rows may be of any
        time, all rows wait for the end.
    """
    import polars as pl

    from bondstore.tables.rows import in_order, without_repeats

    held: pl.DataFrame | None = None
    last: ReadBatch | None = None
    bounded = True
    for batch in batches:
        if last is not None and held is not None:
            bounded = bounded and all(one.listed.object.source == "chunked" for one in (*last.objects, *batch.objects))
            bound = (batch.objects[0].listed.object.time_ms or 0) if bounded else None
            ready, held = _part(held, bound)
            yield last, ready
        held = batch.frame if held is None else pl.concat([held, batch.frame])
        held = without_repeats(in_order(held, TIMESTAMP), TIMESTAMP)
        last = batch
    if last is not None and held is not None:
        yield last, held


def _part(frame: pl.DataFrame, bound: int | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part sorted rows at a time; without a time all of them wait."""
    count = 0 if bound is None else int(frame[TIMESTAMP].search_sorted(bound, "left"))
    return frame[:count], frame[count:]
