"""One signal of a recording: what the header says of it, and its bytes as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bondstore.deid.edf.header import Header


@dataclass(frozen=True, slots=True)
class Signal:
    """What the header says of a signal. Numbers that it does not say are None."""

    number: int
    """Its place among all signals of the file, annotations included, counted from 0."""
    label: str
    unit: str
    transducer: str
    prefilter: str
    samples: int
    """Samples in a record."""
    rate: float | None
    """Samples in a second."""
    physical: tuple[float | None, float | None]
    """The lowest and the highest value, in the signal's unit."""
    digital: tuple[float | None, float | None]
    """The numbers of the file that stand for those."""
    columns: slice
    """Its bytes in a record."""

    @property
    def scale(self) -> tuple[float, float] | None:
        """What numbers of the file are multiplied by, and what is added then; None where the header does not say."""
        lowest, highest = self.physical
        first, last = self.digital
        if lowest is None or highest is None or first is None or last is None or first == last or lowest == highest:
            return None
        gain = (highest - lowest) / (last - first)
        return gain, lowest - first * gain


def seconds_of(header: Header) -> float | None:
    """Return how long a record lasts; None where the header does not say."""
    lasts = header.duration
    return lasts if lasts is not None and lasts > 0 and isfinite(lasts) else None


def signal_of(header: Header, number: int) -> Signal:
    """Return what a header says of a signal."""

    def text(name: str) -> str:
        return header.text(header.field(name, number)).strip(" \0")

    def value(name: str) -> float | None:
        if not header.is_number(header.field(name, number)):
            return None
        found = float(text(name).replace(",", "."))
        return found if isfinite(found) else None

    lasts = seconds_of(header)
    samples, begin = header.samples[number], sum(header.samples[:number])
    return Signal(
        number,
        text("label"),
        text("dimension"),
        text("transducer"),
        text("prefilter"),
        samples,
        None if lasts is None else samples / lasts,
        (value("physical minimum"), value("physical maximum")),
        (value("digital minimum"), value("digital maximum")),
        slice(begin * header.width, (begin + samples) * header.width),
    )


def as_numbers(content: NDArray[np.uint8], width: int) -> NDArray[np.int32]:
    """Return samples of two or three bytes each, little end first, as numbers.

    Parameters
    ----------
    content : array of uint8, shape (records, bytes)
    width : int
        Bytes of a sample.
    """
    rows = len(content)
    if width == 2:
        return np.ascontiguousarray(content).view("<i2").reshape(rows, -1).astype(np.int32)
    wide = np.zeros((rows, content.shape[1] // 3, 4), np.uint8)
    wide[..., 1:] = content.reshape(rows, -1, 3)
    return wide.view("<i4").reshape(rows, -1) >> 8
