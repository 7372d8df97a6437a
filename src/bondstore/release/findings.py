"""The kinds of findings of a release: why something did not leave."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bondstore.findings import FindingKind, Severity, registry

KINDS = registry(
    FindingKind(
        "not-recorded",
        Severity.WARNING,
        "There is no release record beside the file: nobody vouches for it, and it was not released.",
        "Make the file with a command that writes release records, or leave it: it stays private.",
    ),
    FindingKind(
        "record-alone",
        Severity.WARNING,
        "There is JSON here, but no file that it could be the record of.",
        "If the file was removed on purpose, remove its record too.",
    ),
    FindingKind(
        "record-damaged",
        Severity.ERROR,
        "The release record cannot be read; the file was not released.",
        "Make the file anew.",
    ),
    FindingKind(
        "record-of-another",
        Severity.ERROR,
        "The release record names another file; this one was not released.",
        "Publish from the folder that the files were written to, and do not rename files.",
    ),
    FindingKind(
        "record-contradicts",
        Severity.ERROR,
        "The release record contradicts itself: its grade is better than the levels it counts. Not released.",
        "Make the file anew.",
    ),
    FindingKind(
        "hash-differs",
        Severity.ERROR,
        "The bytes are not those the release record vouches for; the file was not released.",
        "Make the file anew.",
    ),
    FindingKind(
        "claims-more",
        Severity.ERROR,
        "The file's own flags do not bear out what its release record says; it was not released.",
        "Make the file anew.",
    ),
    FindingKind(
        "not-inspected",
        Severity.ERROR,
        "The file could not be looked into, so it was not released.",
        "Run again with --debug, or make the file anew.",
    ),
    FindingKind(
        "changed-meanwhile",
        Severity.ERROR,
        "The file changed between the look and the copy; it was not released.",
        "Run the same command again once nothing writes there.",
    ),
    FindingKind(
        "names-private-place",
        Severity.ERROR,
        "The release record would publish the address of the private store; the file was not released.",
        "Leave addresses out of titles and settings, and make the file anew.",
    ),
    FindingKind(
        "names-person",
        Severity.ERROR,
        "The release record would publish a mail address; the file was not released.",
        "Leave addresses out of names, titles and settings, and make the file anew.",
    ),
    FindingKind(
        "odd-path",
        Severity.ERROR,
        "The path is hidden, leads through a link, or holds signs that a public name may not have. Not released.",
        "Give the file a plain name.",
    ),
    FindingKind(
        "too-large",
        Severity.ERROR,
        "The file is larger than what can be vouched for in memory; it was not released.",
        "Split it.",
    ),
    FindingKind(
        "unreadable",
        Severity.ERROR,
        "The object could not be read; it was not released.",
        "Run the same command again.",
    ),
    FindingKind(
        "plot-refused",
        Severity.WARNING,
        "A plot of the file is no plain PNG or SVG, holds an address, or is missing; the file went without it.",
        "Make the plots anew.",
    ),
    FindingKind(
        "plot-shared",
        Severity.WARNING,
        "The plot also belongs to a file that was not released; the file went without it.",
        "Make a plot for each file.",
    ),
    FindingKind(
        "recalled",
        Severity.INFO,
        "These very bytes were released before and taken back; they were not released again.",
        "To release them all the same: --again.",
    ),
    FindingKind(
        "below-requirement",
        Severity.INFO,
        "The file does not meet the requirement and stays private.",
        "See what its flags say: bondstore ocean show.",
    ),
)
"""Every kind of finding that a publication makes, by its word."""
WHY: Mapping[str, str] = MappingProxyType(
    {
        "not-recorded": "no release record",
        "record-damaged": "the release record is damaged",
        "record-of-another": "the release record names another file",
        "record-contradicts": "the release record contradicts itself",
        "hash-differs": "the bytes are not those of the release record",
        "claims-more": "the file's own flags are worse than its record says",
        "not-inspected": "it could not be looked into",
        "changed-meanwhile": "it changed while it was copied",
        "names-private-place": "its record names a private store",
        "names-person": "its record holds a mail address",
        "odd-path": "its path is odd",
        "too-large": "it is too large",
        "unreadable": "it could not be read",
        "recalled": "recalled before",
        "below-requirement": "below the requirement",
    }
)
"""Why a file is held back, in a few words, by the kind of the finding."""
