"""Every kind of finding that drawing gives rise to."""

from __future__ import annotations

from bondstore.findings import FindingKind, Severity, registry

PLOT_KINDS = registry(
    FindingKind(
        "not-drawn",
        Severity.ERROR,
        "The picture could not be drawn.",
        "Look at the profile: bondstore ocean show FILE; and report it if nothing is odd about it.",
    ),
)
"""Every kind by its word."""
