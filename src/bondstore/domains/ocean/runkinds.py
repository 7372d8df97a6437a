"""Kinds of findings that a quality-control run gives rise to, beside those of the reader."""

from __future__ import annotations

from bondstore.findings import FindingKind, Severity, registry

RUN_KINDS = registry(
    FindingKind(
        "gone",
        Severity.ERROR,
        "The object was listed, and gone when it was to be read.",
        "Run the same command again: what is there is done.",
    ),
    FindingKind(
        "not-fetched",
        Severity.ERROR,
        "The object could not be fetched.",
        "Run the same command again; bondstore doctor says what is wrong with the store.",
    ),
    FindingKind(
        "unevaluated",
        Severity.WARNING,
        "Tests could not be evaluated; what they should have looked at does not count as good.",
        "See which, and why: bondstore ocean show FILE",
    ),
    FindingKind(
        "graded-bad",
        Severity.WARNING,
        "Tests call levels of it bad.",
        "See which, and why: bondstore ocean show FILE",
    ),
    FindingKind(
        "graded-suspect",
        Severity.INFO,
        "Tests call levels of it suspect.",
        "See which, and why: bondstore ocean show FILE",
    ),
    FindingKind(
        "no-date",
        Severity.WARNING,
        "No level has a time: the file is filed under undated, and is in no monthly table.",
        "Look at the object: bondstore ocean show KEY",
    ),
)
"""Every kind by its word."""
