"""``bondstore neuro plan``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import with_settings
from bondstore.cli.neuro._shared import CrosswalkOptions, Names, Source
from bondstore.errors import Exit
from bondstore.text import counted, number_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.neuro.service import PlannedPatient

EXAMPLES = (
    "bondstore neuro plan ./export",
    "bondstore neuro plan ./export --show-names",
    "bondstore neuro plan s3://incoming/export --json",
)


@with_settings
def command(
    source: Source,
    *,
    names: Names = None,
    show_names: Annotated[
        bool,
        typer.Option("--show-names", help="Also show patients' names, the files' own names, and what runs call them."),
    ] = False,
    crosswalk: CrosswalkOptions,
    profile: options.Profile = None,
    json: options.Json = False,
) -> int:
    """Show patients, their recordings by start, new names, and what cannot be cleaned. Nothing is changed.

    Patients are told by numbers, in the order of their folders' names. Codes are those of the crosswalk; where a
    patient has none yet, CODE stands for the one that will be drawn. New names are those in an empty destination. The
    exit code is 8 where a patient may be in the crosswalk under another spelling.
    """
    from bondstore.cli.progress import reporter
    from bondstore.domains.neuro import service
    from bondstore.domains.neuro.permissions import permissions_of
    from bondstore.stores.address import parse_address, store_spec

    reference = crosswalk.reference() if crosswalk.is_given else None
    watch = reporter(things="files")
    planned = service.plan(source, names=names, crosswalk=reference, profile=profile, progress=watch)
    shown = ["name", "file", "alias"] if show_names else []
    columns: list[str | output.Column] = [
        output.number("patient"),
        "code",
        *shown,
        "file_kind",
        "start",
        "by",
        "new_name",
        "reason",
        "remark",
    ]
    output.display(_records(planned, show_names=show_names), columns, json=json)
    files = [file for one in planned for file in one.files]
    refused = sum(bool(file.reason) for file in files)
    numbers = f"{counted(len(planned), 'patient')}, {counted(len(files), 'file')}"
    output.note(f"Nothing was changed. {numbers}; {number_text(refused)} would not be copied.")
    if (folder := parse_address(store_spec(source, profile).url).folder) is not None:
        permissions = permissions_of(Path(folder))
        output.note(*permissions.lines)
        if json:
            output.display_one({"kind": "permissions", **asdict(permissions)}, json=True)
    doubtful = [one for one in planned if one.candidates]
    for one in doubtful:
        output.note(f"Patient {one.number} may be {' or '.join(one.candidates)}: bondstore crosswalk add")
    return Exit.WAITING if doubtful else Exit.DONE


def _records(planned: list[PlannedPatient], *, show_names: bool) -> Iterator[dict[str, Any]]:
    for one in planned:
        for file in one.files:
            named = {"name": "; ".join(one.names), "file": file.key} if show_names else {}
            yield {
                "kind": "file",
                "patient": one.number,
                "code": one.code,
                **named,
                "alias": file.alias,
                "file_kind": file.kind,
                "start": None if file.start is None else file.start.isoformat(" ", "seconds"),
                "by": file.by,
                "new_name": file.path,
                "reason": file.reason,
                "remark": file.remark,
            }
