"""A netCDF file in memory, read with distrust: raw values, nothing hidden by its own limits, sizes checked first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.findings import KINDS
from bondstore.domains.ocean.profiles import Floats
from bondstore.domains.ocean.reading.text import damaged
from bondstore.domains.ocean.reading.units import converted, seconds, since, unit_of
from bondstore.errors import MissingExtraError
from bondstore.findings import Finding

if TYPE_CHECKING:
    from netCDF4 import Dataset

LARGEST = 50_000_000
"""Values that one variable may have."""
MOST_GROWTH, FREE_GROWTH = 200, 4 << 20
"""Values in all that a stored byte may become, and that any file may have: compressed or never written, a variable
takes next to no room in the file and 8 bytes a value in memory. Real files have less than one for each byte."""
_LOCK = RLock()
"""The netCDF library may be used by one thread at a time."""
_WHATEVER = (OSError, RuntimeError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError, MemoryError)


@dataclass(frozen=True, slots=True)
class StoredFlags:
    """The flags that stand in a file, as its own numbers, one for each level."""

    rolled: Mapping[str, NDArray[np.int8]]  # by variable
    tests: Mapping[tuple[str, str], NDArray[np.int8]] = field(default_factory=dict)  # by label and variable
    meanings: Mapping[int, str] = field(default_factory=dict)  # as the file says it
    attributes: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)  # what it says of each test
    source: Mapping[str, NDArray[np.int8]] = field(default_factory=dict)  # of ours: what its own source said


class Reader:
    """An open file and what is found while it is read."""

    def __init__(self, file: Dataset, key: str, most: int = LARGEST) -> None:
        self.file: Any = file
        self.key = key
        self._left = most  # values that may still be read
        self.findings: list[Finding] = []

    def __contains__(self, name: str) -> bool:
        return name in self.file.variables

    def first_of(self, *names: str) -> str | None:
        """Return the first of some variables that the file has."""
        return next((name for name in names if name in self), None)

    def note(self, kind: str, **more: Any) -> None:
        """Add a finding."""
        self.findings.append(KINDS[kind].about(self.key, **more))

    def dimensions(self, name: str) -> tuple[str, ...]:
        """Return the names of a variable's dimensions."""
        return tuple(self.file.variables[name].dimensions)

    def attribute(self, name: str, attribute: str) -> str:
        """Return a variable's attribute as text; empty where it has none."""
        variable = self.file.variables[name]
        return _text(variable.getncattr(attribute)) if attribute in variable.ncattrs() else ""

    def about(self, *names: str) -> str:
        """Return the first of some attributes of the file as text; empty where it has none."""
        there = self.file.ncattrs()
        return next((_text(self.file.getncattr(name)) for name in names if name in there), "")

    def raw(self, name: str) -> NDArray[Any]:
        """Return a variable's values as they are stored."""
        variable = self.file.variables[name]
        size = math.prod(variable.shape)
        self._left -= size
        if size > LARGEST or self._left < 0:
            raise damaged("too-large", self.key)
        variable.set_auto_maskandscale(False)  # valid_min and valid_max would hide the very values that tests look for
        variable.set_auto_chartostring(False)
        return np.asarray(variable[...])

    def numbers(self, name: str) -> Floats:
        """Return a variable's values as numbers, unpacked; NaN for fill values."""
        variable = self.file.variables[name]
        stored = self.raw(name)
        if stored.dtype.kind not in "iuf":
            raise damaged("columns-missing", self.key, f"The variable {name} holds no numbers.")
        values = _decimal(stored)
        absent = ~np.isfinite(values)
        for fill in _fills(variable, stored.dtype):
            absent |= stored == fill
        there = variable.ncattrs()
        if "scale_factor" in there:
            values = values * float(variable.scale_factor)
        if "add_offset" in there:
            values = values + float(variable.add_offset)
        values[absent] = np.nan
        return values

    def measured(self, name: str, variable: str, latitude: Floats | None = None) -> Floats:
        """Return a variable in our unit, such as ``PRES`` in dbar; depths in metres by the latitude of each."""
        written = self.attribute(name, "units")
        unit = unit_of(variable, written) if written else {"PRES": "decibar", "TEMP": "celsius"}.get(variable)
        unit = unit or (None if written else unit_of(variable, "1") or "degrees")
        if unit is None:
            raise damaged("unit-unknown", self.key, f"The variable {name} is in a unit that is not known.")
        return converted(variable, self.numbers(name), unit, latitude)

    def times(self, name: str) -> Floats:
        """Return times in seconds since 1970-01-01 UTC."""
        meant = since(self.attribute(name, "units"), self.attribute(name, "calendar"))
        if meant is None:
            raise damaged("unit-unknown", self.key, f"The times of {name} are in a unit or calendar that is not known.")
        return seconds(self.numbers(name), *meant)

    def texts(self, name: str) -> list[str]:
        """Return texts, whether they are stored as such or sign by sign; blanks around them taken off."""
        stored = self.raw(name)
        if stored.dtype.kind == "S" and stored.dtype.itemsize == 1 and stored.ndim >= 1:
            rows = stored.reshape(-1, stored.shape[-1]) if stored.ndim > 1 else stored.reshape(1, -1)
            return [_text(b"".join(one if one else b" " for one in row.tolist())) for row in rows]
        return [_text(one) for one in stored.reshape(-1).tolist()]

    def signs(self, name: str) -> NDArray[Any]:
        """Return single signs, such as Argo's flags, in the variable's shape, as bytes; blank for fill values."""
        stored = self.raw(name)
        if stored.dtype.kind != "S" or stored.dtype.itemsize != 1:
            raise damaged("columns-missing", self.key, f"The variable {name} holds no single signs.")
        return stored


@contextmanager
def opened(data: bytes, key: str) -> Iterator[Reader]:
    """Open a netCDF file in memory; whatever the library raises at its content is a `DamagedError`."""
    try:
        import netCDF4
    except ImportError:
        raise MissingExtraError(
            "netCDF files cannot be read: netCDF4 is not installed.", hint="pip install 'bondstore[ocean]'"
        ) from None
    with _LOCK:
        file = None
        try:
            file = netCDF4.Dataset("profiles.nc", mode="r", memory=data)
            yield Reader(file, key, max(FREE_GROWTH, MOST_GROWTH * len(data)))
        except _WHATEVER as error:
            raise damaged("netcdf-damaged", key) from error
        finally:
            if file is not None:
                file.close()


def _decimal(stored: NDArray[Any]) -> Floats:
    """Return numbers in double precision; of single precision, the shortest decimal number that is stored as that.

    Who wrote -2.4 meant -2.4, and not -2.4000000954: a test at a threshold of -2.4 must see the former.
    """
    if stored.dtype.kind != "f" or stored.dtype.itemsize != 4:
        return stored.astype(np.float64)
    import polars as pl

    flat = pl.Series(np.ascontiguousarray(stored, np.float32).reshape(-1))
    return flat.cast(pl.String).cast(pl.Float64).to_numpy().reshape(stored.shape).copy()


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(value).replace("\0", " ").strip()


def _fills(variable: Any, dtype: np.dtype[Any]) -> list[Any]:
    """Return the values that stand for none: as stated, and the library's own for this type."""
    import netCDF4

    there = variable.ncattrs()
    found = [
        one
        for name in ("_FillValue", "missing_value")
        if name in there
        for one in np.atleast_1d(variable.getncattr(name))
    ]
    usual = netCDF4.default_fillvals.get(dtype.str[1:])
    if usual is not None and dtype.itemsize > 1:
        found.append(np.array(usual, dtype)[()])
    return [one for one in found if isinstance(one, (int, float, np.number))]
