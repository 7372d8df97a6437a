"""What a person should know about objects of a vault."""

from __future__ import annotations

from bondstore.findings import FindingKind, Severity, registry

NOT_PROVED = FindingKind(
    "not-proved",
    Severity.ERROR,
    "The object is not what the signed manifest says of it; nothing of it was written.",
    "Somebody or something changed it in the store. Restore it from another copy, or upload the file again.",
)
NOT_IN_MANIFEST = FindingKind(
    "not-in-manifest",
    Severity.ERROR,
    "No manifest of the vault names the object; nothing of it was written.",
    "Uploads that go on, or were stopped, have such objects: run them again. Otherwise somebody else put it there.",
)
MISSING = FindingKind(
    "missing",
    Severity.ERROR,
    "The signed manifest names the object, and the vault does not have it.",
    "Somebody removed it. Restore it from another copy, or upload the file again.",
)
WRONG_RECIPIENT = FindingKind(
    "wrong-recipient",
    Severity.ERROR,
    "The object was encrypted for others: your key does not decrypt it.",
    "Use a key that it was encrypted for, or ask its owner to add yours.",
)
ARRIVED = FindingKind(
    "arrived",
    Severity.WARNING,
    "An upload has brought the object, and its manifest is not signed yet: nothing proves the object.",
    "Wait for the upload to end; if it was stopped, run the same bondstore put again. Then verify once more.",
)
UNFINISHED = FindingKind(
    "unfinished",
    Severity.WARNING,
    "An upload of the object has begun, and is not whole.",
    "Wait for the upload to end; if it was stopped, run the same bondstore put again: it sends what is missing.",
)
ARCHIVED = FindingKind(
    "archived",
    Severity.WARNING,
    "The object is archived and cannot be read now.",
    "Ask for it with: bondstore restore URL. Then run the same command again, or add --wait to bondstore get.",
)
NAME_NOT_KEPT = FindingKind(
    "name-not-kept",
    Severity.ERROR,
    "The object's name cannot be kept at the destination; it was not copied.",
    "Rename it, or copy it elsewhere: folders and some stores cannot have every name.",
)
FINDINGS = registry(NOT_PROVED, NOT_IN_MANIFEST, MISSING, WRONG_RECIPIENT, ARRIVED, UNFINISHED, ARCHIVED, NAME_NOT_KEPT)
INTEGRITY = frozenset({NOT_PROVED.word, NOT_IN_MANIFEST.word, MISSING.word})
"""What a command ends with exit code 7 for."""
