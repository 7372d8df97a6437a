"""What the commands over a study have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bondstore.cli import options, output
from bondstore.text import moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from bondstore.config.secrets import SecretRef
    from bondstore.domains.beiwe.listing import StudyPart
    from bondstore.domains.beiwe.study import Study


def open_study(store: str | None, profile: str | None, study: str | None, key: SecretRef | None = None) -> Study:
    """Open the study that the options and the settings name."""
    from bondstore.domains.beiwe import study as service

    return service.open_study(store, study, key=key, profile=profile)


def counting(by: str, first_line: str) -> Callable[..., None]:
    """Make the command that counts a study's objects by participant, stream or survey."""

    def command(
        *,
        store: options.Store = None,
        profile: options.Profile = None,
        study: options.Study = None,
        participant: options.Participants = None,
        json: options.Json = False,
    ) -> None:
        _show_overview(open_study(store, profile, study), by, participant, json=json)

    command.__doc__ = f"""{first_line}

    Made from the listing alone: nothing is read or decrypted. Device keys are never counted.
    """
    return command


def _show_overview(study: Study, by: str, participants: list[str] | None, *, json: bool) -> None:
    counted = study.overview(by, participants or ())
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
