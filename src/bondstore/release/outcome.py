"""What publishing and taking back would do, and what they did."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bondstore.findings import Finding
    from bondstore.runs.plan import Plan
    from bondstore.runs.tally import Tally


_SHOWN = 10
"""Reasons that the text names; the record has all."""


class HeldBack:
    """What publishing and its plan both know of the files that do not leave."""

    __slots__ = ()
    files: int
    held_back: Mapping[str, int]

    @property
    def is_all_held(self) -> bool:
        """Whether the private store has files, and not one of them may leave."""
        return not self.files and bool(self.held_back)

    @property
    def is_nothing_there(self) -> bool:
        """Whether the private store has no file that could leave."""
        return not self.files and not self.held_back

    def held_lines(self, verb: str = "released") -> list[str]:
        """Return how many files are held back and why, in words; no line where none is."""
        if not self.held_back:
            return []
        held = sum(self.held_back.values())
        said = f"{self.files:,} of {self.files + held:,} {verb}: held back {held:,}"
        ranked = sorted(self.held_back.items(), key=lambda one: (-one[1], one[0]))
        if len(ranked) == 1:
            return [f"{said} ({ranked[0][0]})."]
        lines = [f"  {number:,}  {why}" for why, number in ranked[:_SHOWN]]
        if len(ranked) > _SHOWN:
            lines.append(f"  {sum(number for _, number in ranked[_SHOWN:]):,}  for other reasons; --json names all")
        return [f"{said}:", *lines]


@dataclass(frozen=True, slots=True)
class ReleasePlan(HeldBack):
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
    held_back : mapping of str to int
        How many files do not leave, by why; more than `held`, as it also counts those with which something is wrong.
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
    held_back: Mapping[str, int] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Return the fields for output."""
        fields = {"unchanged" if name == "same" else name: value for name, value in _fields(self).items()}
        return {"kind": "release-plan", **fields}


@dataclass(frozen=True, slots=True)
class Published(HeldBack):
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
    held_back : mapping of str to int
        How many files were not released, by why.
    kept : int
        Files of the release before, where every file was held back and it therefore still holds; `files` is 0 then.
    """

    release: str
    changed: bool
    files: int
    bytes: int
    copied: int
    copied_bytes: int
    findings: tuple[Finding, ...]
    tally: Tally
    held_back: Mapping[str, int] = field(default_factory=dict)
    kept: int = 0

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
    fields = {name: getattr(result, name) for name in names if name not in ("findings", "counts", "tally", "held_back")}
    return fields | {
        "held_back": [{"reason": why, "files": number} for why, number in sorted(result.held_back.items())]
    }
