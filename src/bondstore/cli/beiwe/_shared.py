"""What the commands over a study have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from bondstore.cli import options, output
from bondstore.cli.from_model import Bundle, Without, with_settings
from bondstore.errors import Exit
from bondstore.text import moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from bondstore.domains.beiwe.listing import Overview, StudyPart
    from bondstore.domains.beiwe.study import Study
    from bondstore.findings import Finding


@dataclass(frozen=True, slots=True)
class StudyOptions(Bundle):
    """Which study is meant, and how its store and objects are opened."""

    store: options.Store = None
    profile: options.Profile = None
    study: options.Study = None
    key: options.Key = None

    def open(self) -> Study:
        """Open the study that the options and the settings name."""
        from bondstore.domains.beiwe.opening import open_study

        return open_study(self.store, self.study, key=self.key, profile=self.profile)


def counting(by: str, first_line: str) -> Callable[..., None]:
    """Make the command that counts a study's objects by participant, stream or survey."""

    def command(
        *,
        study: Annotated[StudyOptions, Without("key")],
        participant: options.Participants = None,
        json: options.Json = False,
    ) -> None:
        show_overview(by, study.open().overview(by, participant or ()), json=json)

    command.__doc__ = f"""{first_line}

    Made from the listing alone: nothing is read or decrypted. Device keys are never counted.
    """
    return with_settings(command)


def show_overview(by: str, counted: Overview, *, json: bool) -> None:
    """Show what was counted by participant, stream or survey."""
    columns = (
        output.Column("name", by),
        output.number("chunked"),
        output.number("raw"),
        output.size("bytes"),
        output.time("first"),
        output.time("last"),
    )
    output.display(
        (_record(by, part) for part in counted.parts),
        columns,
        json=json,
        empty=f"No {by} has any object in this study. Check the study's id and the store.",
    )
    output.note_left_out(counted.left_out)


def _record(by: str, part: StudyPart) -> dict[str, Any]:
    return {
        "kind": by,
        "name": part.name,
        "chunked": part.chunked,
        "raw": part.raw,
        "bytes": part.bytes,
        "first": moment(part.first_ms),
        "last": moment(part.last_ms),
    }


def tell(findings: list[Finding]) -> int:
    """Tell on stderr what was found, each kind once with the first objects; return the exit code."""
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(finding.kind, []).append(finding)
    for kind, group in kinds.items():
        more = f" (and {len(group) - 1} more objects)" if len(group) > 1 else ""
        where = f", {group[0].where}" if group[0].where else ""
        output.note(f"{group[0].severity.value}: {kind}: {group[0].key}{where}{more}: {group[0].message}")
    bad = any(finding.severity == "error" for finding in findings)
    return int(Exit.INCOMPLETE if bad else Exit.DONE)
