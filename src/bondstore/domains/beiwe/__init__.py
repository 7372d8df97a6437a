"""Beiwe: phone-sensor studies, sealed object by object."""

from bondstore.runs.domain import Domain

DOMAIN = Domain(
    "beiwe",
    "Beiwe studies: look, read, export, reconcile.",
    {
        "participants": "Participants of a study: objects, bytes, first and last time.",
        "streams": "Data streams of a study: objects, bytes, first and last time.",
        "surveys": "Surveys of a study: objects, bytes, first and last time.",
        "coverage": "Which hours have data: heat maps, a table, gaps.",
        "ls": "List objects.",
        "read": "Decrypt objects in memory and show them as a table.",
        "export": "Decrypt a study, or a part of it, into a folder.",
        "reconcile": "What raw holds and chunked lacks; rebuild it from raw.",
    },
    package="bondstore.cli.beiwe",
    jobs="bondstore.domains.beiwe.jobs",
    private="bondstore.domains.beiwe.layout:private_prefixes",
    checks="bondstore.domains.beiwe.checks:of_case",
    scope="bondstore.domains.beiwe.access:scope",
    findings={
        "bondstore.domains.beiwe.findings:DAMAGE": ("Damage to an object", ""),
        "bondstore.domains.beiwe.findings:ARRIVAL": ("Fetching", ""),
        "bondstore.domains.beiwe.findings:KINDS": (
            "Quirks and damage seen while making tables",
            "The bytes of `--format original` stay exact. Tables and `--format forest` are repaired.",
        ),
        "bondstore.domains.beiwe.findings:FOREST": ("Writing for forest", ""),
    },
)
