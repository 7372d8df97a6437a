"""What of a participant is shown unasked: the vessel and where it lies, never a person or how to reach one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bondstore.databases.rows import Value

MASK = "***"
# Named are those that may be seen: a column with a word that nobody thought of stays covered, such as a vessel's agent.
_PLACES = {"port", "harbour", "harbor", "state", "territory", "region"}
_OPEN = {"vessel", "boat", "ship", "gear", "fishery", "sensor", "serial"} | _PLACES
_BESIDE = {"name", "number", "no", "id", "code", "type", "class", "kind", "home", "base", "of", "the", "and", "or"}
_WORDS = re.compile(r"[^\W_]+")


def is_open(column: str) -> bool:
    """Tell whether the values of a column are shown unasked: every word of its name must be one of those known."""
    words = set(_WORDS.findall(column.casefold()))
    return bool(words & _OPEN) and words <= _OPEN | _BESIDE


def masked(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Cover what is not shown unasked; empty values stay empty."""
    return {name: value if is_open(name) or value in ("", None) else MASK for name, value in fields.items()}
