"""What can be found in a participants' CSV; no finding shows a value."""

from __future__ import annotations

from bondstore.findings import FindingKind, Severity, registry

RAGGED = FindingKind(
    "participant-row-ragged",
    Severity.ERROR,
    "The row has more or fewer cells than the header; the participant stays as it was.",
    "Mend the row in the form tool, mostly a comma or quote in a text, and export again.",
)
UNREADABLE = FindingKind(
    "participant-row-unreadable",
    Severity.ERROR,
    "The row's quotes do not match, or it holds signs or texts that cannot be kept; the participant stays as it was.",
    "Mend the row in the form tool and export again.",
)
NO_KEY = FindingKind(
    "participant-without-key",
    Severity.ERROR,
    "A column that the key is made of is empty in this row.",
    "Fill it in the form tool, or make the key from other columns.",
)
TWICE = FindingKind(
    "participant-twice",
    Severity.ERROR,
    "Two different rows have the same key; the participant stays as it was.",
    "Take the wrong one out of the form tool, or make the key from more columns.",
)
REPEATED = FindingKind(
    "participant-repeated",
    Severity.INFO,
    "The row is in the CSV more than once, the same each time; it is taken once.",
    "Nothing needs doing.",
)
WITHHELD = FindingKind(
    "participants-gone-withheld",
    Severity.WARNING,
    "Participants are missing in the CSV, and are not marked as gone: a damaged row may be theirs.",
    "Mend the damaged rows and sync again.",
)
CUT = FindingKind(
    "participants-cut-off",
    Severity.ERROR,
    "The CSV ends within a row: the rest of it is missing.",
    "Export it again; nobody is marked as gone until then.",
)
COLUMNS = FindingKind(
    "participants-columns-gone",
    Severity.WARNING,
    "Columns that the table has are missing in the CSV; their values are taken out, and kept in the history.",
    "If that is not meant, put the columns back into the export and sync again.",
)
ENCODING = FindingKind(
    "participants-encoding",
    Severity.INFO,
    "The CSV is not written in UTF-8; it was read in the encoding that the message names.",
    "Look at a name with an accent: bondstore participants list. If it is wrong, save the CSV as UTF-8.",
)
SEPARATOR = FindingKind(
    "participants-separator",
    Severity.INFO,
    "The cells of the CSV are not separated by commas; the message names what separates them.",
    "Nothing needs doing.",
)

KINDS = registry(RAGGED, UNREADABLE, NO_KEY, TWICE, REPEATED, WITHHELD, CUT, COLUMNS, ENCODING, SEPARATOR)
"""All of them, by their words."""
