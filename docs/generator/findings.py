"""Every kind of finding: how bad, what it means, what to do."""

from __future__ import annotations

from collections.abc import Iterable

from docs.generator.text import code, markdown, page, table

from bondstore.domains.beiwe.arrival import ARRIVAL
from bondstore.domains.beiwe.damage import DAMAGE
from bondstore.domains.beiwe.kinds import KINDS
from bondstore.findings import FindingKind
from bondstore.runs.proof import FILES

INTRODUCTION = (
    "A finding is anything a person should know about an object. It names the object and the place inside it, and "
    "never repeats a value from the data. `bondstore run show last --dest FOLDER` shows the findings of a run; "
    "with `--json` "
    "each is one line. An object with a finding of severity *error* goes to quarantine, or counts as failed, and the "
    "run ends with exit code 5."
)
SEVERITIES = (
    ("error", "Something is missing or could not be vouched for."),
    ("warning", "Handled, but a person should know before drawing conclusions."),
    ("info", "A quirk that was handled; nothing is missing."),
)


def make() -> str:
    """Return the page."""
    text_only = [kind for word, kind in KINDS.items() if word not in DAMAGE]
    return page(
        "Findings",
        INTRODUCTION,
        table(("severity", ""), SEVERITIES),
        "## Damage to an object",
        _kinds(DAMAGE.values()),
        "## Fetching",
        _kinds(ARRIVAL.values()),
        "## Quirks and damage seen while making tables",
        "The bytes of `--form original` and `forest` stay exact. Repairs are made in tables only.",
        _kinds(text_only),
        "## Files that changed after a run",
        "From `bondstore audit verify --dest FOLDER --files`.",
        _kinds(FILES.values()),
    )


def _kinds(kinds: Iterable[FindingKind]) -> str:
    rows = ((code(one.word), one.severity.value, markdown(one.sentence), markdown(one.advice)) for one in kinds)
    return table(("kind", "severity", "what it means", "what to do"), rows)
