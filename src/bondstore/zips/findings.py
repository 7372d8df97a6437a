"""What can be wrong with a zip or a member of it."""

from __future__ import annotations

from dataclasses import dataclass

from bondstore.errors import DamagedError
from bondstore.findings import Finding, FindingKind, Severity, registry

_AGAIN = "Fetch or upload the object again; what could be read of it is in the output."
_REFUSED = "Nothing of it was unpacked. Look at where it came from; raise the limit if you trust it."
_LOOK = "Look at the member by hand where it is safe to do so; the others of its zip are in the output."

ZIPS = registry(
    FindingKind("not-a-zip", Severity.ERROR, "The object is no zip.", "Look at what was uploaded under this name."),
    FindingKind(
        "zip-truncated",
        Severity.ERROR,
        "The zip ends without its directory: it was cut. The members in front of the cut were salvaged.",
        _AGAIN,
    ),
    FindingKind(
        "zip-no-directory",
        Severity.ERROR,
        "The zip's directory is damaged or does not agree with itself. Members were salvaged without it.",
        _AGAIN,
    ),
    FindingKind("zip-bomb", Severity.ERROR, "The zip unpacks to more than the limit for one zip.", _REFUSED),
    FindingKind(
        "zip-overlap",
        Severity.ERROR,
        "Members of the zip share bytes with each other or with its directory, as in a zip bomb.",
        "Nothing of it was unpacked. Look at where it came from; damage can look like this too.",
    ),
    FindingKind("zip-too-many", Severity.ERROR, "The zip has more members than the limit.", _REFUSED),
    FindingKind("member-encrypted", Severity.ERROR, "The member is encrypted; it was not opened.", _LOOK),
    FindingKind("member-link", Severity.ERROR, "The member is a link or a special file; it was not followed.", _LOOK),
    FindingKind(
        "member-nested",
        Severity.ERROR,
        "The member is a zip that cannot be opened, or lies in a zip that is a member itself.",
        _LOOK,
    ),
    FindingKind("member-damaged", Severity.ERROR, "The member is damaged or cut.", _AGAIN),
    FindingKind("member-too-large", Severity.ERROR, "The member unpacks to more than the limit for one.", _LOOK),
    FindingKind("member-method", Severity.ERROR, "The member is compressed in a way that is not read here.", _LOOK),
    FindingKind(
        "member-name",
        Severity.WARNING,
        "The member's name is not a plain relative path; only its harmless base name is used.",
        "Nothing to do, unless such names are not expected from this source.",
    ),
    FindingKind(
        "member-repeated",
        Severity.WARNING,
        "An earlier member of the zip has the same name; both are read.",
        "Nothing to do, unless one was meant to replace the other.",
    ),
)
"""Every kind by its word."""


@dataclass(frozen=True, slots=True)
class ZipPlace:
    """A zip, or a member of it, that something is to be said about."""

    key: str
    where: str = ""  # the member, as its findings name it; empty for the zip

    def __str__(self) -> str:
        return f"{self.key}, {self.where}" if self.where else self.key

    def finding(self, word: str, detail: str = "") -> Finding:
        """Make a finding of a kind in `ZIPS`; `detail` is a sentence to stand in place of the kind's own."""
        return ZIPS[word].about(self.key, where=self.where, message=detail)

    def damaged(self, word: str, detail: str = "") -> DamagedError:
        """Make the error of a kind in `ZIPS`; `detail` is a sentence to stand in place of the kind's own."""
        kind = ZIPS[word]
        return DamagedError(f"{self}: {detail or kind.sentence}", kind=word, hint=kind.advice)


def member_place(zip_place: ZipPlace, number: int) -> ZipPlace:
    """Return the place of a member, counted from 1 there; not its name, which may hold anything."""
    outer = f"{zip_place.where}, " if zip_place.where else ""
    return ZipPlace(zip_place.key, f"{outer}member {number + 1}")
