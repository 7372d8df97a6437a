"""Every kind of damage that opening a Beiwe object can meet: how bad, what it means, what to do.

The documentation is checked against this registry.
"""

from __future__ import annotations

from collections.abc import Sequence

from bondstore.domains.beiwe.kinds import KINDS, where_rows
from bondstore.errors import DamagedError
from bondstore.findings import Finding, FindingKind, Severity, registry

_AGAIN = "Fetch the object again; if it stays so, ask for the server's backup."
_SALVAGE = "Its tables keep the good rows; the object itself is set aside."

DAMAGE = registry(
    FindingKind("empty", Severity.ERROR, "The object has no bytes at all.", _AGAIN),
    FindingKind("no-iv", Severity.ERROR, "The object is no longer than its 16-byte IV.", _AGAIN),
    FindingKind(
        "undecryptable",
        Severity.ERROR,
        "The object opens to noise: the wrong key, or damage at its start.",
        "Check the key with `bondstore doctor`; if others open, this object is damaged.",
    ),
    FindingKind(
        "damaged-start",
        Severity.ERROR,
        "The first bytes are damaged and what follows is good: the key is right.",
        _SALVAGE,
    ),
    FindingKind("damaged-bytes", Severity.ERROR, "Bytes inside a stream of numbers are damaged.", _SALVAGE),
    FindingKind("bad-zstd", Severity.ERROR, "The compressed content is damaged.", _SALVAGE),
    FindingKind("truncated", Severity.ERROR, "The object is cut short.", _SALVAGE),
    FindingKind(
        "too-large", Severity.ERROR, "The content is larger than the limit.", "Raise the limit if you trust it."
    ),
    FindingKind(
        "zstd-without-suffix",
        Severity.INFO,
        "The object is compressed though its name does not say so; decompressed.",
        "Nothing to do.",
    ),
    FindingKind(
        "suffix-without-zstd",
        Severity.INFO,
        "The object is not compressed though its name says so; taken as it is.",
        "Nothing to do.",
    ),
    FindingKind(
        "suspect-rows",
        Severity.WARNING,
        "Compressed rows are not as a server writes them: their time, its digits, or the number of fields. The bytes "
        "are kept as they came; a damaged object can look like this.",
        "Compare with the raw objects of the same hours (`bondstore beiwe reconcile`), or fetch the object again. "
        "Known quirks, such as a repeated `UTC time`, are told as this as well: the tables name them.",
    ),
    KINDS["wrong-header"],
    KINDS["header-only"],
)
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
    return DAMAGE[word].about(key, where=where_rows(rows) or where, count=max(len(rows), 1))


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
