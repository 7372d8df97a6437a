"""Whether decompressed rows can be what a server wrote: its zstd frames carry no check sum, so damage can decompress.

Whole columns of bytes at a time: what is asked of each row is one number, and all rows are asked in one product. A byte
that is not as it must be changes the number.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.beiwe.layout import hour_name
from bondstore.domains.beiwe.streams import HOUR_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_START = 38  # ``1519862400012,2018-03-01T00:00:00.012,``
_ROWS = 2048  # looked at together, so that memory is bounded
_ROW = np.dtype(f"V{_START}")
_COMMA, _LINE_END = 44, 10
_STAMP, _TIME = tuple(range(13)), (28, 29, 31, 32, 34, 35, 36)  # all digits of the timestamp; MM SS mmm of `UTC time`
_FIXED = tuple(place for place in range(_START) if place not in (*_STAMP, *_TIME))  # the same in all rows of an hour
_HIGH, _SIX, _THREES = (np.uint64(int(byte * 8, 16)) for byte in ("f0", "06", "33"))
_FOUR = np.uint64(4)


class RowCheck:
    """Looks at the rows of one chunked object of numbers, hashes and fixed words.

    A row is as it should be when it starts with 13 digits, the same instant as `UTC time` and their commas, when that
    instant lies in the object's hour, and when it has as many commas as the header (255 at most). Old servers did not
    pad the milliseconds of `UTC time`: that is as it should be, too.
    """

    def __init__(self, hour_ms: int, commas: int) -> None:
        self._hour, self._commas = hour_ms, commas

    def suspects(self, content: bytes, body: int = 0) -> list[int]:
        """Return which rows of whole lines, from place `body` on, are not as they should be, the first being 0."""
        starts, commas = _rows(content, body)
        bad = commas != self._commas
        if len(content) < _START:
            late = np.ones(len(starts), bool)
        else:
            late = np.empty(len(starts), bool)
            for at in range(0, len(starts), _ROWS):
                late[at : at + _ROWS] = self._wrong_time(content, starts[at : at + _ROWS])
        late &= ~bad
        if late.any():
            for row in late.nonzero()[0].tolist():
                bad[row] = not self._old(content[starts[row] : starts[row] + _START])
        return [row for row in bad.nonzero()[0].tolist() if content[starts[row]] != _LINE_END]  # nothing is no row

    def _wrong_time(self, content: bytes, starts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mark rows that do not start with two forms of one instant in the hour."""
        # A view of every 38 bytes that follow each other, of which the rows' starts are picked: one copy, no loop.
        windows = np.ndarray((len(content) - _START + 1,), _ROW, content, 0, (1,))
        rows = windows[np.minimum(starts, len(windows) - 1)]
        weights, (start, agreed) = _weights(self._hour)
        since, sums = (rows.view(np.uint8).reshape(-1, _START).astype(np.float64) @ weights).T
        # A sum cannot tell "1:" from "20" (the colon follows the nine). So the timestamp's last eight bytes, read as
        # one number, must all be digits: high half 3, and no carry into it when 6 is added to the low half.
        digits = np.ndarray(len(rows), "<u8", rows.data, 5, (_START,))
        proper = (digits & _HIGH) | (((digits + _SIX) & _HIGH) >> _FOUR)
        good = (sums == agreed) & (since >= start) & (since < start + HOUR_MS) & (proper == _THREES)
        wrong: NDArray[np.bool_] = ~good
        return wrong

    def _old(self, start: bytes) -> bool:
        """Whether a row starts as an old server wrote it: the milliseconds without leading zeros."""
        stamp = start[:13]
        if len(stamp) < 13 or not stamp.isdigit() or not 0 <= int(stamp) - self._hour < HOUR_MS:
            return False
        return start[13:].startswith(f",{hour_name(int(stamp))}.{int(stamp) % 1000},".encode())


def _rows(content: bytes, body: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return where each row starts, and its commas (modulo 256)."""
    text = np.frombuffer(content, np.uint8)
    ends = (text == _LINE_END).nonzero()[0]
    if body:
        ends = ends[ends.searchsorted(body) :]
    last = len(ends) and ends[-1] + 1 == len(content)
    starts = np.empty(len(ends) + (not last), np.int64)
    starts[0], starts[1:] = body, ends[: len(starts) - 1] + 1
    return starts, np.add.reduceat((text == _COMMA).view(np.uint8), starts, dtype=np.uint8)


@lru_cache(maxsize=256)
def _weights(hour_ms: int) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Return weights of the bytes at a row's start, and what the products are for the first instant of an hour.

    The first product is the time since the hour's start after `UTC time`, in ms. The second is what the timestamp is
    ahead of it, plus a number that stands for the bytes that all rows share: the same for each instant of the hour.
    All are whole numbers below 2**53, so they are exact.
    """
    weights = np.zeros((_START, 2))
    weights[_TIME, 0] = (600_000, 60_000, 10_000, 1000, 100, 10, 1)
    weights[_STAMP, 1] = [10**power for power in range(12, -1, -1)]
    weights[_FIXED, 1] = [257**place % 1_000_003 for place in range(1, len(_FIXED) + 1)]
    weights[:, 1] -= weights[:, 0]
    first = np.frombuffer(f"{hour_ms:013d},{hour_name(hour_ms)}.000,".encode(), np.uint8).astype(np.float64)
    start, agreed = (first @ weights).tolist()
    return weights, (start, agreed)
