"""A finding: anything a person should know about an object."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
