"""Screenlake: screenshots and logs of phones, in zips."""

from bondstore.runs.domain import Domain

DOMAIN = Domain(
    "screenlake",
    "Screenshots and phone logs: cover faces, gather tables.",
    {
        "process": "Zips into images with faces covered, and whole tables.",
        "panelists": "Panelists of a store: zips, bytes, first and last upload.",
        "review": "What the detector was unsure of, as a sheet of small crops.",
    },
    package="bondstore.cli.screenlake",
    guided="Without a verb, in a terminal, it asks step by step, and shows the plan before it begins.",
    jobs="bondstore.domains.screenlake.job",
    ending="bondstore.cli.screenlake._ending",
    findings={
        "bondstore.domains.screenlake.findings:KINDS": (
            "Zips of phones",
            "From `bondstore screenlake process`, besides those of zips and images.",
        ),
    },
)
