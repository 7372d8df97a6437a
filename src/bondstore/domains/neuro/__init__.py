"""Hospital recordings: EDF and BDF, the video beside them, and what recorders write besides."""

from bondstore.runs.domain import Domain

DOMAIN = Domain(
    "neuro",
    "Hospital recordings: plan, take identity out, look, audit.",
    {
        "plan": "Patients, recordings and their new names, and what cannot be cleaned.",
        "deidentify": "Write recordings under subject codes, without identity.",
        "ingest": "Take identity out, look again, encrypt and upload, in one go.",
        "show": "Show a recording: signals, annotations, and whether identity is in it.",
        "audit": "Look again, independently, for people in everything that left.",
        "rename": "Name files after people for a viewer, and back after codes.",
    },
    package="bondstore.cli.neuro",
    jobs="bondstore.domains.neuro.jobs",
    ending="bondstore.cli.neuro._ending",
    findings={
        "bondstore.domains.neuro.findings:KINDS": (
            "Hospital recordings",
            "From `bondstore neuro deidentify`, besides those of EDF and BDF. Files are told by aliases, as their "
            "names often hold the patient's.",
        ),
        "bondstore.domains.neuro.audit.findings:AUDIT": (
            "Hospital recordings: audit",
            "From `bondstore neuro audit`. With *error* the exit code is 6. Parts of a path that name somebody are "
            "hidden.",
        ),
    },
)
