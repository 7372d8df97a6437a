"""Every kind of damage that opening a Beiwe object can meet: how bad, what it means, what to do.

The documentation is checked against this registry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bondstore.domains.beiwe.kinds import KINDS, TableKind, where_rows
from bondstore.errors import DamagedError
from bondstore.findings import Finding, Severity

_AGAIN = "Fetch the object again; if it stays so, ask for the server's backup."
_SALVAGE = "Its tables keep the good rows; the object itself is set aside."

_DAMAGE = (
    TableKind("empty", Severity.ERROR, "The object has no bytes at all.", _AGAIN),
    TableKind("no-iv", Severity.ERROR, "The object is no longer than its 16-byte IV.", _AGAIN),
    TableKind(
        "undecryptable",
        Severity.ERROR,
        "The object opens to noise: the wrong key, or damage at its start.",
        "Check the key with `bondstore doctor`; if others open, this object is damaged.",
    ),
    TableKind(
        "damaged-start",
        Severity.ERROR,
        "The first bytes are damaged and what follows is good: the key is right.",
        _SALVAGE,
    ),
    TableKind("damaged-bytes", Severity.ERROR, "Bytes inside a stream of numbers are damaged.", _SALVAGE),
    TableKind("bad-zstd", Severity.ERROR, "The compressed content is damaged.", _SALVAGE),
    TableKind("truncated", Severity.ERROR, "The object is cut short.", _SALVAGE),
    TableKind("too-large", Severity.ERROR, "The content is larger than the limit.", "Raise the limit if you trust it."),
    TableKind(
        "zstd-without-suffix",
        Severity.INFO,
        "The object is compressed though its name does not say so; decompressed.",
        "Nothing to do.",
    ),
    TableKind(
        "suffix-without-zstd",
        Severity.INFO,
        "The object is not compressed though its name says so; taken as it is.",
        "Nothing to do.",
    ),
    KINDS["wrong-header"],
    KINDS["header-only"],
)

DAMAGE: Mapping[str, TableKind] = MappingProxyType({kind.word: kind for kind in _DAMAGE})
"""Every kind by its word."""


def damage_finding(word: str, key: str, *, where: str = "", rows: Sequence[int] = ()) -> Finding:
    """Make a finding of a kind in `DAMAGE`.

    Parameters
    ----------
    word, key : str
        The kind and the object's key.
    where : str, optional
        Position inside the object.
    rows : sequence of int, optional
        Rows it is about, ascending, the first below the header being 1; instead of `where`.
    """
    kind = DAMAGE[word]
    return Finding(word, kind.severity, key, kind.sentence, where_rows(rows) or where, max(len(rows), 1))


def damaged(word: str, key: str, detail: str = "") -> DamagedError:
    """Make the error for an object that could not be opened.

    Parameters
    ----------
    word, key : str
        The kind and the object's key.
    detail : str, optional
        A sentence to stand in place of the kind's own.
    """
    kind = DAMAGE[word]
    return DamagedError(f"{key}: {detail or kind.sentence}", kind=word, hint=kind.advice)
