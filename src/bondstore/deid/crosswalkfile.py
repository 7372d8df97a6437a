"""A crosswalk as a file for people: a CSV of what holds, or all events as JSON Lines. Neither is encrypted."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from bondstore.deid.crosswalk import Entry

COLUMNS = ("code", "name", "birth", "record_number", "shift_days", "added")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(entries: Iterable[Entry]) -> bytes:
    """Return a line for each spelling of each subject's name; several births or numbers have semicolons between."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in entries:
        person = one.person
        known = ("; ".join(map(str, person.births)), "; ".join(person.numbers), one.shift, one.added.isoformat())
        for name in person.names or ("",):
            rows.writerow([one.code, *(_cell(each) for each in (name, *known))])
    return text.getvalue().encode()


def as_lines(history: Iterable[Mapping[str, Any]]) -> bytes:
    """Return all events, one a line."""
    return "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in history).encode()


def _cell(value: str | int) -> str | int:
    """A value that no spreadsheet takes for a formula; numbers are none."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
