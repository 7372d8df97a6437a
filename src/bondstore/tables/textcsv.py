"""CSV of texts by RFC 4180, every value between quotes: an empty text stays one for every reader."""

from __future__ import annotations

from collections.abc import Sequence


def csv_line(values: Sequence[str]) -> str:
    """Return one row with its line feed."""
    line = '"' + '","'.join(values) + '"\n'
    if line.count('"') == 2 * len(values):
        return line
    return '"' + '","'.join([value.replace('"', '""') for value in values]) + '"\n'


def encoded(line: str) -> bytes:
    """Return UTF-8; lone surrogates, which it cannot hold, stand as ``\\udc80``."""  # noqa: D301
    return line.encode("utf-8", "backslashreplace")
