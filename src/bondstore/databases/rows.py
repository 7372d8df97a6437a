"""What a table of rows by key is, and what may stand in a row."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from bondstore.errors import ChangedError, UsageError

Value: TypeAlias = str | int | float | bool | None
Key: TypeAlias = str | int

VERSION = "_version"
"""The column or attribute that holds a row's version; 1 when it is made, one more at each change."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{2,54}", re.ASCII)
_LARGEST = 2**63 - 1
_LONGEST_NAME = 255
_LONGEST_KEY = 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One row."""

    key: Key
    version: int  # 1 when it was made, one more at each change; 0 for a row that another tool made
    fields: Mapping[str, Value]  # all but key and version; a field without a value is not there


@dataclass(frozen=True, slots=True)
class Change:
    """What to make of one row."""

    key: Key
    expected: int | None  # the version it must have now; None: there must be no such row
    fields: Mapping[str, Value] | None  # all from now on; None takes the row away

    @property
    def after(self) -> Row | None:
        """The row as it is once this is done."""
        return None if self.fields is None else Row(self.key, (self.expected or 0) + 1, kept(self.fields))


class Table(Protocol):
    """Rows by key. Used by one thread at a time; any number of processes may each hold one."""

    name: str
    url: str
    most: int | None  # changes at once, those to other tables included

    def exists(self) -> bool:
        """Tell whether the table is there; `ConfigurationError` for one of another shape."""
        ...

    def create(self) -> None:
        """Make the table unless it is there, and wait until it can be used."""
        ...

    def get(self, key: Key) -> Row | None:
        """Return one row as it is now, or None."""
        ...

    def scan(self) -> Iterator[Row]:
        """Yield all rows, streamed; by key where the backend keeps an order."""
        ...

    def apply(
        self, changes: Sequence[Change], *, also: Sequence[tuple[Table, Sequence[Change]]] = ()
    ) -> list[Row | None]:
        """Make changes, all of them or none, also in other tables of the database; return the rows as they are now.

        `ChangedError` where a row is not the version that was expected: then nothing was changed.
        """
        ...


def check_name(name: str) -> str:
    """Return a table's name, or refuse it."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            "A table's name is 3 to 55 letters, digits, - . and _, and starts with a letter or digit.",
            hint="Choose another name, such as participant-information.",
        )
    return name


def check_changes(table: str, changes: Sequence[Change], *, key: str, numeric: bool) -> None:
    """Refuse what not every backend could keep exactly as it is; no value is repeated."""
    seen: set[Key] = set()
    for change in changes:
        check_key(table, change.key, numeric=numeric)
        if change.key in seen:
            raise UsageError(f"Two changes of one row of the table {table} cannot be made at once.")
        seen.add(change.key)
        for name, value in (change.fields or {}).items():
            _check_field(table, name, key)
            _check_value(table, value)


def check_key(table: str, key: Key, *, numeric: bool) -> None:
    """Refuse a key of the wrong kind; see `check_changes`."""
    if numeric:
        fits = isinstance(key, int) and not isinstance(key, bool) and abs(key) <= _LARGEST
    else:
        fits = isinstance(key, str) and 0 < len(key) <= _LONGEST_KEY and is_storable(key)
    if not fits:
        wanted = "whole numbers" if numeric else f"texts of 1 to {_LONGEST_KEY} signs"
        raise UsageError(f"The keys of the table {table} are {wanted}.")


def kept(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Return the fields that have a value: the others are not kept."""
    return {name: value for name, value in fields.items() if value is not None}


def is_storable(text: str) -> bool:
    """Tell whether every database can keep a text: no NUL, and no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def changed(table: str) -> ChangedError:
    """Return the error for a row that is not the version that was expected."""
    return ChangedError(
        f"A row of the table {table} was changed by somebody else meanwhile; nothing was written.",
        hint="Run the same command again.",
    )


def _check_field(table: str, name: str, key: str) -> None:
    if name in (key, VERSION):
        raise UsageError(f"The table {table} keeps {name} itself; no field may be called so.")
    if not name or len(name.encode(errors="replace")) > _LONGEST_NAME or not name.isprintable():
        raise UsageError(
            f"A field of the table {table} has a name that no table can have.",
            hint=f"Names are 1 to {_LONGEST_NAME} bytes long and hold no control signs.",
        )


def _check_value(table: str, value: Value) -> None:
    if isinstance(value, str):
        fits = is_storable(value)
    elif isinstance(value, float):
        fits = math.isfinite(value) and (value == 0 or 1e-128 < abs(value) < 1e126)
    else:
        fits = value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) <= _LARGEST)
    if not fits:
        raise UsageError(
            f"A value for the table {table} cannot be kept.",
            hint="Texts hold no NUL; numbers are finite, whole ones below 2^63.",
        )
