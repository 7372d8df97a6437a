"""What of a participant is shown unasked: the vessel and where it lies, never a person or how to reach one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bondstore.databases.rows import Value

MASK = "***"
# Named are those that may be seen: a column that nobody thought of stays covered.
_OPEN = re.compile(r"\b(vessel|boat|ship|port|harbour|harbor|state|territory|region|gear|fishery|sensor|serial)\b")
_CLOSED = re.compile(r"\b(contact|person|owner|skipper|captain|master|phone|mobile|e-?mail|address|birth)")


def is_open(column: str) -> bool:
    """Tell whether the values of a column are shown unasked."""
    name = column.casefold()
    return bool(_OPEN.search(name)) and not _CLOSED.search(name)


def masked(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Cover what is not shown unasked.

    Parameters
    ----------
    fields : mapping
        A participant's columns.

    Returns
    -------
    dict
        The same columns; ``***`` in place of values that are covered, empty ones left empty.
    """
    return {name: value if is_open(name) or value in ("", None) else MASK for name, value in fields.items()}
