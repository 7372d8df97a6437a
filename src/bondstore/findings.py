"""A finding: anything a person should know about an object; and the kinds of findings there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Severity(StrEnum):
    """How much a finding matters."""

    INFO = "info"
    """A quirk that was handled; nothing is missing."""
    WARNING = "warning"
    """Handled, but a person should know before drawing conclusions."""
    ERROR = "error"
    """Something is missing or could not be vouched for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Anything a person should know about an object, never the sensitive value itself.

    Parameters
    ----------
    kind : str
        A stable word from the documented list, such as ``truncated`` or ``rows-lost``.
    severity : Severity
        How much it matters.
    key : str
        The object's key in its store.
    message : str
        One sentence for a person. Counts and positions are welcome, values from the data are not.
    where : str
        Position inside the object (``row 17``, ``rows 4-9``, ``byte 0``), or empty for the whole.
    count : int
        How many times it occurs at this place (rows, bytes …).
    """

    kind: str
    severity: Severity
    key: str
    message: str
    where: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class FindingKind:
    """A kind of finding. Every module that makes findings keeps a registry of its kinds; the documentation shows them.

    Parameters
    ----------
    word : str
        The stable word.
    severity : Severity
        How much it matters.
    sentence : str
        What it means; the message of the finding where nothing more is known.
    advice : str
        What to do about it.
    """

    word: str
    severity: Severity
    sentence: str
    advice: str

    def about(self, key: str, *, where: str = "", count: int = 1, message: str = "") -> Finding:
        """Make a finding of this kind.

        Parameters
        ----------
        key : str
            The object's key in its store.
        where, count
            As in `Finding`.
        message : str, optional
            A sentence to stand in place of the kind's own.
        """
        return Finding(self.word, self.severity, key, message or self.sentence, where, count)


def registry(*kinds: FindingKind) -> Mapping[str, FindingKind]:
    """Return kinds by their words, in their order; nothing can be added."""
    return MappingProxyType({kind.word: kind for kind in kinds})


# What every run may meet when it fetches what it has listed.
GONE = FindingKind(
    "gone",
    Severity.ERROR,
    "The object was listed, and gone when it was to be read.",
    "Run the same command again: what is there is done.",
)
NOT_FETCHED = FindingKind(
    "not-fetched",
    Severity.ERROR,
    "The object could not be fetched.",
    "Run the same command again; bondstore doctor says what is wrong with the store.",
)
NOT_WRITTEN = FindingKind(
    "not-written",
    Severity.ERROR,
    "The destination did not take the file.",
    "Run the same command again; bondstore doctor says what is wrong with the store.",
)
WRONG_CHECKSUM = FindingKind(
    "wrong-checksum",
    Severity.ERROR,
    "The bytes that came, twice, do not match the store's own checksum of the object (its ETag).",
    "Ask the store's administrator; once the object is repaired or uploaded again: bondstore run retry. Where all "
    'objects are told to be so, the server\'s ETags are no MD5: set etags = "opaque" in the profile, then retry.',
)
FETCHING = registry(GONE, NOT_FETCHED, NOT_WRITTEN, WRONG_CHECKSUM)


_EARLIER = {"outdated": "stale", "unevaluated": "not-evaluated"}


def present_word(kind: str) -> str:
    """Return what a kind is called today, where a file or a ledger of an earlier version calls it otherwise."""
    return _EARLIER.get(kind, kind)
