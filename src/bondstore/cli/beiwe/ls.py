"""``bondstore beiwe ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.cli.beiwe._shared import StudyOptions
from bondstore.cli.from_model import Without, with_settings
from bondstore.text import moment
from bondstore.timebounds import window

if TYPE_CHECKING:
    from bondstore.domains.beiwe.listing import Listed

EXAMPLES = (
    "bondstore beiwe ls --study STUDY --participant 1ab2cd3e --stream gps --since 2024-01-01 --until 2024-01-31",
    "bondstore beiwe ls --study STUDY --stream survey_answers --json",
    "bondstore beiwe ls --study STUDY --unknown",
)


@with_settings
def command(
    *,
    study: Annotated[StudyOptions, Without("key")],
    participant: options.Participants = None,
    stream: options.Streams = None,
    survey: options.Surveys = None,
    source: options.Source = "both",
    since: options.Since = None,
    until: options.Until = None,
    tz: options.TimeZone = "UTC",
    unknown: Annotated[
        bool, typer.Option("--unknown", help="List objects that are not understood, and problem uploads, instead.")
    ] = False,
    json: options.Json = False,
) -> None:
    """List a study's objects: key, size, time, and what the key says.

    A processed (chunked) object is listed when its hour overlaps the window, a raw one when its own time lies in it.
    With --survey, old hours that hold several surveys are listed, too.
    """
    opened = study.open()
    bounds = window(since, until, tz)
    found = opened.unknown_objects() if unknown else opened.objects(participant, stream, *bounds, source, survey=survey)
    columns = (
        "key",
        output.number("size"),
        output.time("time"),
        output.time("modified"),
    )
    output.display(map(_record, found), columns, json=json, empty="No object belongs to the selection.")


def _record(one: Listed) -> dict[str, Any]:
    obj = one.object
    return {
        "kind": "object",
        "key": obj.key,
        "size": one.size,
        "participant": obj.participant or None,
        "stream": obj.stream or None,
        "source": obj.source or None,
        "survey": obj.survey_id,
        "time": moment(obj.time_ms),
        "modified": moment(one.modified_ms),
        "etag": one.version,
    }
