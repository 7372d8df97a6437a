"""How a CSV is brought into a table of participants."""

from __future__ import annotations

from dataclasses import dataclass

KEY = "user_id"
"""The column (partition key) of the participants' table: a number."""
GONE = "_gone"
"""The field that says since when a participant is missing in the CSV: a UTC time as text."""
HISTORY = "-history"
"""What the name of a table's history ends with."""
HISTORY_KEY = "id"
USUAL_KEY = ("Vessel number",)
"""The column that the key is made of where none is named."""


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """How a CSV is brought into a table.

    Parameters
    ----------
    key : tuple of str
        The columns whose values tell participants apart; empty for those of the last sync, and `USUAL_KEY` at the
        first.
    by_row_number : bool
        The row's number is the key, as in older tables. Then the order of the rows matters.
    allow_many_gone : bool
        Mark participants as gone even when they are more than half of all.
    patience : float
        Seconds without a sign of life after which another sync is taken for dead.
    attempts : int
        How often a sync that met changes by others plans anew.
    source : str
        Where the CSV is from, for the findings.
    """

    key: tuple[str, ...] = ()
    by_row_number: bool = False
    allow_many_gone: bool = False
    patience: float = 5.0
    attempts: int = 8
    source: str = "participants.csv"
