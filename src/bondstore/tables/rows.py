"""Order and repetition of rows: what a consolidated table needs of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray


def times(frame: pl.DataFrame, by: str) -> NDArray[np.int64]:
    """Return the sort column as int64; without a copy where polars allows."""
    return frame[by].to_numpy()


def in_order(frame: pl.DataFrame, by: str) -> pl.DataFrame:
    """Sort stably by one column; a frame that is in order already comes back as it is."""
    values = times(frame, by)
    if bool((values[1:] >= values[:-1]).all()):
        return frame
    return frame.sort(by, maintain_order=True)


def without_repeats(frame: pl.DataFrame, by: str) -> pl.DataFrame:
    """Drop rows that repeat an earlier row exactly.

    Parameters
    ----------
    frame : polars.DataFrame
        In order of `by`: only rows that share a value of it are compared.
    by : str
        The sort column.
    """
    values = times(frame, by)
    tie = values[1:] == values[:-1]
    if not tie.any():
        return frame
    tied = np.zeros(len(values), bool)
    tied[1:] |= tie
    tied[:-1] |= tie
    places = np.flatnonzero(tied)
    first = frame[places].select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy()
    if first.all():
        return frame
    keep = np.ones(len(values), bool)
    keep[places[~first]] = False
    return frame.filter(pl.Series(keep))


def detached(frame: pl.DataFrame) -> pl.DataFrame:
    """Copy a frame, so that it no longer keeps alive the larger one it was cut from; texts too."""
    copied = pl.from_arrow(frame[np.arange(frame.height)].to_arrow(compat_level=pl.CompatLevel.oldest()))
    assert isinstance(copied, pl.DataFrame)
    return copied
