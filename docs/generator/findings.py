"""Every kind of finding: how bad, what it means, what to do."""

from __future__ import annotations

from collections.abc import Iterable

from docs.generator.text import code, markdown, page, table

from bondstore.deid.kinds import PICTURES
from bondstore.domains.beiwe.arrival import ARRIVAL
from bondstore.domains.beiwe.damage import DAMAGE
from bondstore.domains.beiwe.kinds import KINDS
from bondstore.domains.screenlake.kinds import KINDS as PHONES
from bondstore.findings import FindingKind
from bondstore.runs.proof import FILES
from bondstore.zips.kinds import ZIPS

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
        "## Zips",
        "A zip that is refused or partial stays in the store as it is; what could be had of it comes out.",
        _kinds(ZIPS.values()),
        "## Images",
        "An image with a finding of severity *error* is not written at all.",
        _kinds(PICTURES.values()),
        "## Zips of phones",
        "From `bondstore screenlake process`, besides those of zips and images.",
        _kinds(PHONES.values()),
        "## Files that changed after a run",
        "From `bondstore audit verify --dest FOLDER --files`.",
        _kinds(FILES.values()),
    )


def _kinds(kinds: Iterable[FindingKind]) -> str:
    rows = ((code(one.word), one.severity.value, markdown(one.sentence), markdown(one.advice)) for one in kinds)
    return table(("kind", "severity", "what it means", "what to do"), rows)
