"""``bondstore beiwe read``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.beiwe._shared import StudyOptions, tell
from bondstore.cli.from_model import with_settings
from bondstore.errors import Exit, UsageError
from bondstore.timebounds import window, zone_named

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from bondstore.domains.beiwe.selection import StudySelection
    from bondstore.domains.beiwe.study import Study
    from bondstore.findings import Finding

EXAMPLES = (
    "bondstore beiwe read --study STUDY --participant 1ab2cd3e --stream gps --since 2024-01-01 --until 2024-01-01",
    "bondstore beiwe read CHUNKED_DATA/STUDY/1ab2cd3e/gps/2024-01-01T12:00:00.csv.zst --study STUDY --format csv",
    "bondstore beiwe read --study STUDY -p 1ab2cd3e -s gps --format parquet > gps.parquet",
)


@with_settings
def command(
    name: Annotated[str | None, typer.Argument(metavar="[KEY]", help="One object's key.", show_default=False)] = None,
    *,
    study: StudyOptions,
    participant: options.Participant = None,
    stream: options.Stream = None,
    survey: options.Surveys = None,
    source: options.Source = "chunked",
    since: options.Since = None,
    until: options.Until = None,
    tz: options.TableZone = "UTC",
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="table|csv|json|parquet|original",
            help="What to write to stdout: a table for people, rows in a format, or one object's exact bytes.",
        ),
    ] = "table",
    rows: Annotated[int, typer.Option("--rows", min=1, help="Rows that --format table shows.")] = 20,
    json: options.Json = False,
) -> int:
    """Decrypt in memory and show as a table; nothing is written to a disk.

    Either one object by its KEY, or a participant's stream, sorted and without repeated rows. Problems with the
    objects are told on stderr. Ends with 5 when rows were lost. Every read is noted in your own record: bondstore
    audit show.
    """
    from bondstore.cli.rows import writer_of
    from bondstore.domains.beiwe.matching import no_survey
    from bondstore.domains.beiwe.reading.localtime import with_local_time
    from bondstore.domains.beiwe.selection import selection_of

    zone_named(tz)
    form = "json" if json and form == "table" else form
    findings: list[Finding] = []
    opened = study.open()
    if form == "original":
        _original(opened, _one(name))
        return int(Exit.DONE)
    if name is None and not (participant and stream):
        raise UsageError("Nothing is named to read.", hint="Give an object's KEY, or --participant and --stream.")
    if name is not None and survey:
        raise UsageError("One object is read whole.", hint="Leave --survey out, or KEY.")
    writer = writer_of(form, rows)
    if name is not None:
        frames = _object(opened, name, findings)
    else:
        selection = selection_of(participant, stream, *window(since, until, tz), source, survey=survey)
        frames = _stream(opened, selection, findings)
    seen = 0
    for frame in frames:
        seen += frame.height
        writer.write(with_local_time(frame, tz, zoned=form in {"parquet", "json"}))
    if survey and not (seen or since or until):
        raise no_survey(", ".join(survey))
    writer.close()
    return tell(findings)


def _one(name: str | None) -> str:
    if name is None:
        raise UsageError("--format original writes one object.", hint="Give its KEY; bondstore beiwe ls lists them.")
    if sys.stdout.isatty():
        raise UsageError("The exact bytes do not belong on a terminal.", hint="Send them to a file: … > FILE")
    return name


def _original(study: Study, key: str) -> None:
    sys.stdout.buffer.write(study.read_bytes(key))


def _object(study: Study, key: str, findings: list[Finding]) -> Iterator[pl.DataFrame]:
    yield study.read(key, damaged="keep", findings=findings)


def _stream(study: Study, selection: StudySelection, findings: list[Finding]) -> Iterator[pl.DataFrame]:
    objects = study.ordered_objects(selection)
    if not objects:
        output.note("No object belongs to the selection.")
    for batch, frame in study.rows(objects, selection):
        findings += batch.told
        yield frame
