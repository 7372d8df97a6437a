"""What can be found about EDF and BDF files."""

from __future__ import annotations

from collections.abc import Mapping

from bondstore.errors import DamagedError
from bondstore.findings import FindingKind, Severity, registry

EDF: Mapping[str, FindingKind] = registry(
    FindingKind(
        "not-edf",
        Severity.ERROR,
        "The file is neither EDF nor BDF.",
        "Check its name, and whether it is an empty or a partial copy.",
    ),
    FindingKind(
        "edf-header-damaged",
        Severity.ERROR,
        "The header ends early, or does not state how many signals and samples the file has.",
        "Copy it again from its source; if it stays so, export it again.",
    ),
    FindingKind(
        "edf-header-length",
        Severity.INFO,
        "The header states a length that its number of signals does not give.",
        "The length that the number of signals gives was used and written.",
    ),
    FindingKind(
        "edf-text-not-ascii",
        Severity.INFO,
        "The header has letters outside ASCII, which EDF does not allow.",
        "They were searched as UTF-8, or else as Latin-1. Some programs refuse such a file.",
    ),
    FindingKind(
        "edf-number-unclear",
        Severity.WARNING,
        "A number in the header is blank, or is not a number.",
        "It was searched as a text. Compare the signal's scale with the original before you use it.",
    ),
    FindingKind(
        "edf-scale-unknown",
        Severity.WARNING,
        "The header does not state how a signal's values are scaled.",
        "Only its digital values can be read. Take the scale from the recorder's settings.",
    ),
    FindingKind(
        "edf-start-unclear",
        Severity.WARNING,
        "The start date or the start time cannot be read.",
        "1 January 1985 or midnight was written instead. Take the start from the hospital's records.",
    ),
    FindingKind(
        "edf-dates-differ",
        Severity.WARNING,
        "The header states two different start dates.",
        "The one in the start date field was used. Compare it with the hospital's records.",
    ),
    FindingKind(
        "edf-date-floored",
        Severity.WARNING,
        "The start date would be before 1985, which EDF cannot state.",
        "1 January 1985 was written, so the time between recordings is lost. Keep the true dates if you need it.",
    ),
    FindingKind(
        "edf-duration-zero",
        Severity.INFO,
        "The header states that a record lasts 0 seconds.",
        "Usual for files with annotations only. Otherwise the sampling rate is unknown.",
    ),
    FindingKind(
        "edf-records-unstated",
        Severity.INFO,
        "The header does not state how many records there are, as in a recording that was never closed.",
        "All records were searched and kept. Some programs refuse such a file.",
    ),
    FindingKind(
        "edf-records-missing",
        Severity.WARNING,
        "The file has fewer records than its header states.",
        "Copy it again from its source: it may be a partial copy.",
    ),
    FindingKind(
        "edf-records-surplus",
        Severity.WARNING,
        "The file has more records than its header states.",
        "They were searched and kept. Most programs do not show them.",
    ),
    FindingKind(
        "edf-record-cut",
        Severity.WARNING,
        "The last record ends early.",
        "Its bytes were searched and kept. The file may be a partial copy.",
    ),
    FindingKind(
        "edf-records-disordered",
        Severity.WARNING,
        "Records begin earlier than the one before them.",
        "They were left in the order of the file. Most programs take them to be in the order of time.",
    ),
    FindingKind(
        "edf-annotation-damaged",
        Severity.WARNING,
        "An annotation signal has bytes that are not an annotation.",
        "They were searched as a text. Look at the annotations before you share the file.",
    ),
    FindingKind(
        "edf-annotation-cut",
        Severity.WARNING,
        "An annotation ends without its end mark, so its text may continue elsewhere.",
        "A word that a record's end cuts was removed. Look at the annotations before you share the file.",
    ),
    FindingKind(
        "edf-annotations-too-large",
        Severity.ERROR,
        "The header states more than 16 MiB of annotations in one record.",
        "Export it again with shorter records.",
    ),
    FindingKind(
        "identity-removed",
        Severity.INFO,
        "Something that identifies a person was removed.",
        "Nothing to do. The place and the kind are recorded, the text is not.",
    ),
)
"""What can be said about one recording."""


def unfit(word: str) -> DamagedError:
    """Make the error for a file that cannot be read at all."""
    kind = EDF[word]
    return DamagedError(kind.sentence, kind=word, hint=kind.advice)
