"""How a CSV is brought into a table of participants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from bondstore.config.model import Setting

KEY = "user_id"
"""The column (partition key) of the participants' table: a number."""
GONE = "_gone"
"""The field that says since when a participant is missing in the CSV: a UTC time as text."""
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

    key: Annotated[
        tuple[str, ...],
        Setting(
            "The column that tells participants apart; may be repeated. Else as at the last sync, and at first: "
            "Vessel number.",
            metavar="COLUMN",
            option="--key-column",
        ),
    ] = ()
    by_row_number: Annotated[bool, Setting("The row's number is the key: the order of the rows must never change.")] = (
        False
    )
    allow_many_gone: Annotated[bool, Setting("Mark participants as gone even if they are more than half.")] = False
    patience: Annotated[float, Setting(option="", above=0)] = 5.0
    attempts: Annotated[int, Setting(option="", at_least=1)] = 8
    source: Annotated[str, Setting(internal=True, option="")] = "participants.csv"
