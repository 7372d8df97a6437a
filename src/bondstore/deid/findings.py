"""What can be found about pictures."""

from __future__ import annotations

from collections.abc import Mapping

from bondstore.errors import DamagedError
from bondstore.findings import FindingKind, Severity, registry

PICTURES: Mapping[str, FindingKind] = registry(
    FindingKind(
        "image-undecodable",
        Severity.ERROR,
        "The picture could not be looked at: it is cut short, damaged, or of a format that is not read here.",
        "Nothing of it was written. Fetch it again from its source; if it stays so, look at the original in the store.",
    ),
    FindingKind(
        "image-too-large",
        Severity.ERROR,
        "The picture says it has more pixels than are looked at, so it was not opened.",
        "Nothing of it was written. Scale it down at its source, or leave it out.",
    ),
    FindingKind(
        "face-stays",
        Severity.ERROR,
        "A face was still found after the picture had been redacted several times, so it was withheld.",
        "Look at the original in the store, and cover the face by hand: bondstore screenlake review --add-box.",
    ),
    FindingKind(
        "no-face",
        Severity.INFO,
        "The picture was looked at and no face was found.",
        "A detector can miss a face: look through a sample of these before you share them.",
    ),
)
"""What can be said about one picture. ``no-face`` is only ever said of a picture that was really looked at."""


def unfit(word: str, sentence: str = "") -> DamagedError:
    """Make the error for a picture that cannot be given out; a sentence never says what is to be seen in it."""
    kind = PICTURES[word]
    return DamagedError(sentence or kind.sentence, kind=word, hint=kind.advice)
