"""Argo's exclusion list, called grey list until 2025: fetched, checked and cut down to what a test looks at."""

from __future__ import annotations

import csv
import errno
import io
import os
from http.client import HTTPException
from pathlib import Path

from bondstore.errors import ConfigurationError, NotFoundError
from bondstore.tables.textcsv import csv_line

LARGEST = 16 << 20
"""Bytes; the list of all data centres has 0.2 MB."""
SECONDS = 30.0
_COLUMNS = ("PLATFORM_CODE", "PARAMETER_NAME", "START_DATE", "END_DATE", "QUALITY_CODE")


def exclusion_list(where: str | os.PathLike[str]) -> str:
    """Return a list that is a file or a URL (http, https, or an object of a store), as a CSV of the columns needed.

    Raises
    ------
    NotFoundError
        It is not there, or could not be had.
    ConfigurationError
        It is no such list.
    """
    from bondstore.domains.ocean.qc.argo_float import parse_list

    text = os.fspath(where)
    try:
        held = _from_web(text) if text.startswith(("http://", "https://")) else _held(text)
    except (OSError, HTTPException, ValueError) as error:  # of a URL that is none, urllib says so by the latter two
        why = getattr(error, "strerror", None) or type(error).__name__
        raise NotFoundError(
            f"The exclusion list {text} could not be read ({why}).",
            hint="Name a file, or a URL such as https://data-argo.ifremer.fr/ar_greylist.txt",
        ) from error
    try:
        content = held.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError("The exclusion list is no text.", hint="Save it as UTF-8.") from error
    parse_list(content)
    rows = csv.DictReader(io.StringIO(content, newline=""), restval="")
    lines = [[str(row[name] or "").strip() for name in _COLUMNS] for row in rows]
    return "".join([csv_line(_COLUMNS), *map(csv_line, sorted(lines))])


def _held(text: str) -> bytes:
    if "://" not in text:
        with Path(text).expanduser().open("rb") as file:
            return _bounded(file.read(LARGEST + 1))
    from bondstore.config.resolve import resolve_store
    from bondstore.stores import open_store

    url, _, key = text.rpartition("/")
    return _bounded(bytes(open_store(resolve_store(url, None)).get(key).data))


def _from_web(url: str) -> bytes:
    from urllib.request import urlopen

    with urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - http and https only, as the caller looked
        held = _bounded(answer.read(LARGEST + 1))
        if len(held) < int(answer.headers.get("Content-Length") or 0):  # a list cut short clears sensors of its end
            raise ConnectionError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        return held


def _bounded(held: bytes) -> bytes:
    if len(held) > LARGEST:
        raise ConfigurationError("The exclusion list is too large to be one.", hint="It is the file ar_greylist.txt.")
    return held
