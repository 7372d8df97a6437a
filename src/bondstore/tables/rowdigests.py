"""Digests of what rows hold, whatever the order of their columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from hashlib import sha256
from itertools import compress
from operator import itemgetter

DIGEST = 16
"""Bytes of a row's digest."""
_SEPARATOR = "\x1f"


def row_digests(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Digest rows.

    Two rows have the same digest if their columns that are not empty have the same names and the same values: neither
    the order of the columns counts, nor whether an empty one is there at all. Digests are not keyed: whoever knows all
    of a row but one value can test guesses of that value, so digest what may be seen, after redaction.
    """
    return b"".join(map(digester(columns), rows))


def digester(columns: Sequence[str]) -> Callable[[Sequence[str]], bytes]:
    """Return the function that digests one row of a table with these columns."""
    order = sorted(range(len(columns)), key=lambda place: columns[place])
    names = tuple(columns[place] for place in order)
    pick = _picker(order)
    count = len(order) - 1
    full = _names_digest(names)

    def digest(row: Sequence[str]) -> bytes:
        values = pick(row)
        if "" in values:
            filled = tuple(compress(names, values))
            values = tuple(filter(None, values))
            return _digest(_names_digest(filled), values)
        text = _SEPARATOR.join(values)
        if text.count(_SEPARATOR) != count:
            return _digest(full, values)
        return sha256(full + text.encode("utf-8", "surrogatepass")).digest()[:DIGEST]

    return digest


def _digest(names: bytes, values: Sequence[str]) -> bytes:
    text = _SEPARATOR.join(values)
    if text.count(_SEPARATOR) > len(values) - 1:  # the separator stands in a value: lengths tell what is what
        text = f"{_SEPARATOR}{[len(value) for value in values]}{text}"
    return sha256(names + text.encode("utf-8", "surrogatepass")).digest()[:DIGEST]


@cache
def _names_digest(names: tuple[str, ...]) -> bytes:
    return sha256(repr(names).encode("utf-8", "surrogatepass")).digest()


def _picker(order: Sequence[int]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """Return the function that takes values out of a row; a tuple also where they are none or one."""
    if len(order) > 1:
        return itemgetter(*order)
    return lambda row: tuple(row[place] for place in order)
