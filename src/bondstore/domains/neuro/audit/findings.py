"""What an audit can find."""

from __future__ import annotations

from bondstore.domains.neuro.audit.files import DOUBT, PICTURE
from bondstore.domains.neuro.audit.recordings import CANNOT, IDENTIFICATION
from bondstore.domains.neuro.audit.sought import BIRTH, NAME, NUMBER
from bondstore.domains.neuro.audit.videos import TAGS
from bondstore.findings import FindingKind, Severity, registry

_AGAIN = "Do not share it. Take identity out of the original again, with this name in the list of names."

AUDIT = registry(
    FindingKind("name-left", Severity.ERROR, "A name that was looked for is there.", _AGAIN),
    FindingKind("birth-date-left", Severity.ERROR, "A day of birth that was looked for is there.", _AGAIN),
    FindingKind("record-number-left", Severity.ERROR, "A record number that was looked for is there.", _AGAIN),
    FindingKind(
        "identification-left",
        Severity.ERROR,
        "A field of the header that identifies says more than a subject code and a start date.",
        "Do not share it. Take identity out of the original with bondstore neuro deidentify.",
    ),
    FindingKind(
        "tags-left",
        Severity.ERROR,
        "The video has tags, such as a title or the time it was made.",
        "Do not share it. Copy its streams without tags, as bondstore neuro deidentify does.",
    ),
    FindingKind(
        "not-looked-into",
        Severity.ERROR,
        "The file, or a part of it, could not be looked into: its bytes were searched, and what they mean is unknown.",
        "Look at it yourself, or remove it. Compressed files and those of recorders can hide names from a search.",
    ),
    FindingKind(
        "still-encrypted",
        Severity.ERROR,
        "The file is encrypted, and no key for it was given.",
        "Name the key that decrypts it: --key NAME.",
    ),
    FindingKind(
        "not-read",
        Severity.ERROR,
        "The file could not be read to its end.",
        "Run the same command again; bondstore doctor says what is wrong with the store.",
    ),
    FindingKind(
        "name-to-review",
        Severity.WARNING,
        "A common word is there that is also somebody's name.",
        "Look at it: only a person can tell whether it is meant as a name.",
    ),
    FindingKind(
        "picture-and-sound",
        Severity.WARNING,
        "The picture and the sound of a video identify people, and were not looked at.",
        "Share it only with those who may see who it shows.",
    ),
)
WORDS = {
    NAME: "name-left",
    BIRTH: "birth-date-left",
    NUMBER: "record-number-left",
    IDENTIFICATION: "identification-left",
    TAGS: "tags-left",
    CANNOT: "not-looked-into",
    DOUBT: "name-to-review",
    PICTURE: "picture-and-sound",
}
"""The finding of each kind of what a look finds."""
UNSEEN = frozenset(("not-looked-into", "still-encrypted", "not-read"))
