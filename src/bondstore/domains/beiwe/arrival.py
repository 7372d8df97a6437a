"""Every kind of finding about how a Beiwe object came, or did not: how bad, what it means, what to do."""

from __future__ import annotations

from bondstore.findings import FindingKind, Severity, registry

ARRIVAL = registry(
    FindingKind(
        "vanished",
        Severity.ERROR,
        "The object was listed, but is gone now, and so is its compressed twin.",
        "Run the same export again: it lists anew.",
    ),
    FindingKind(
        "fetch-failed",
        Severity.ERROR,
        "The object could not be fetched, after all tries.",
        "Later: `bondstore run retry last --dest FOLDER`",
    ),
    FindingKind(
        "moved-to-twin",
        Severity.INFO,
        "The key vanished between listing and reading; the object was found under its twin's name.",
        "Nothing to do.",
    ),
    FindingKind(
        "superseded",
        Severity.WARNING,
        "The object lies there twice, plain and compressed; the one that was written last was taken.",
        "Nothing to do, unless the contents differ: then ask the server's administrator which one is right.",
    ),
)
"""Every kind by its word."""
