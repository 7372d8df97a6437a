"""What publishing and taking back would do, and what they did."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bondstore.findings import Finding
    from bondstore.runs.plan import Plan
    from bondstore.runs.tally import Tally


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """What a publication would do.

    Parameters
    ----------
    release : str
        Id of the release.
    files, bytes : int
        What would be released, in files and their bytes.
    copies, copy_bytes : int
        Objects that are not in the public store yet, and their bytes; plots among them.
    gone : int
        Files of the release that holds which this one has no more. Their objects stay for those who cite them.
    held : int
        Files that do not meet the requirement.
    same : bool
        Whether this very release holds already.
    findings : tuple of Finding
        Why others are not released; their keys are private.
    counts : Plan
        Every file of the private store: to be copied (todo), released before or held back by a rule (skipped), not as
        its record says (quarantined).
    """

    release: str
    files: int
    bytes: int
    copies: int
    copy_bytes: int
    gone: int
    held: int
    same: bool
    findings: tuple[Finding, ...]
    counts: Plan

    def record(self) -> dict[str, Any]:
        """Return the fields for output."""
        fields = {"unchanged" if name == "same" else name: value for name, value in _fields(self).items()}
        return {"kind": "release-plan", **fields}


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did.

    Parameters
    ----------
    release : str
        Id of the release that holds now.
    changed : bool
        Whether anything was written.
    files, bytes : int
        What it holds.
    copied, copied_bytes : int
        Objects written, and their bytes.
    findings : tuple of Finding
        Why others were not released.
    tally : Tally
        What became of every file of the private store: copied (done), released before or held back by a rule
        (skipped), not as its record says (quarantined), not read or changed meanwhile (failed).
    """

    release: str
    changed: bool
    files: int
    bytes: int
    copied: int
    copied_bytes: int
    findings: tuple[Finding, ...]
    tally: Tally

    def record(self) -> dict[str, Any]:
        """Return the fields for output."""
        return {"kind": "release", **_fields(self)}


@dataclass(frozen=True, slots=True)
class RecallPlan:
    """What taking back would do.

    Parameters
    ----------
    id : str
        What was named.
    files, plots : int
        How many are taken back.
    latest : int
        How many of the files are in the release that holds.
    left : int
        Files that stay released.
    releases : tuple of str
        Ids of releases that get a tombstone.
    done : bool
        Whether all of it was taken back before.
    """

    id: str
    files: int
    plots: int
    latest: int
    left: int
    releases: tuple[str, ...]
    done: bool

    def record(self) -> dict[str, Any]:
        """Return the fields for output."""
        return {"kind": "recall-plan"} | dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was taken back.

    Parameters
    ----------
    id : str
        What was named.
    files, plots : int
        How many were taken back, now or before.
    deleted : int
        Objects deleted this time.
    tombstones : int
        Releases taken down this time.
    release : str
        Id of the release that holds now.
    """

    id: str
    files: int
    plots: int
    deleted: int
    tombstones: int
    release: str | None

    def record(self) -> dict[str, Any]:
        """Return the fields for output."""
        return {"kind": "recalled"} | dataclasses.asdict(self)


def _fields(result: ReleasePlan | Published) -> dict[str, Any]:
    names = (one.name for one in dataclasses.fields(result))
    return {name: getattr(result, name) for name in names if name not in ("findings", "counts", "tally")}
