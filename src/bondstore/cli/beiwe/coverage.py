"""``bondstore beiwe coverage``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.cli.beiwe._shared import StudyOptions, tell
from bondstore.cli.from_model import with_settings
from bondstore.errors import NotFoundError
from bondstore.text import counted as counted_text

if TYPE_CHECKING:
    from bondstore.domains.beiwe.coverage.page import PersonPage

EXAMPLES = (
    "bondstore beiwe coverage coverage.html --study STUDY --tz America/New_York",
    "bondstore beiwe coverage days.csv --study STUDY --since 2024-01-01 --until 2024-03-31",
    "bondstore beiwe coverage gaps.parquet --gaps --gap-hours 12 --study STUDY --json",
)


@with_settings
def command(
    dest: Annotated[str, typer.Argument(metavar="FILE", help="What to write: FILE.html, FILE.csv or FILE.parquet.")],
    *,
    study: StudyOptions,
    participant: options.Participants = None,
    stream: options.Streams = None,
    source: options.Source = "chunked",
    since: options.Since = None,
    until: options.Until = None,
    tz: Annotated[
        str, typer.Option("--tz", metavar="ZONE", help="Time zone of the days, and of --since and --until.")
    ] = "UTC",
    rows: Annotated[bool, typer.Option("--rows", help="Read and decrypt every object, and count its rows.")] = False,
    gaps: Annotated[bool, typer.Option("--gaps", help="Write the gaps as CSV or Parquet, not the days.")] = False,
    gap_hours: Annotated[
        int, typer.Option("--gap-hours", metavar="N", min=1, help="A gap is so many hours in a row without data.")
    ] = 24,
    replace: Annotated[bool, typer.Option("--replace", help="Write over FILE if it is there.")] = False,
    json: options.Json = False,
) -> int:
    """Show which hours have data, by participant, stream and day: as a page with heat maps, or as a table.

    Made from the listing alone: the key is needed only for --rows. An hour has data where an object of it is there;
    with --rows, where it holds a row. An hour belongs to the day in which it begins, so a day on which clocks change
    has 23 or 25. Shown here is a line for each participant.
    """
    from bondstore.cli.progress import reporter
    from bondstore.domains.beiwe.coverage.page import people_of
    from bondstore.domains.beiwe.coverage.write import file_named, refuse_misplaced, write_page, write_table
    from bondstore.domains.beiwe.selection import select
    from bondstore.timebounds import window_ms

    file = file_named(dest, gaps=gaps, replace=replace)
    opened = study.open()
    refuse_misplaced(file, opened.store)
    selection = select(participant or (), stream or (), source, *window_ms(since, until, tz))
    counted = opened.counted(selection, tz, rows=rows, progress=reporter())
    if counted.is_empty:
        raise NotFoundError("The selection has no data in this window.", hint="Give other times, or leave them out.")
    if file.suffix.lower() == ".html":
        write_page(file, counted, opened.id, source, gap_hours)
    else:
        write_table(file, counted.gaps(gap_hours) if gaps else counted.days())
    columns = (
        "participant",
        "first",
        "last",
        output.number("days"),
        output.Column("share", "sensor hours", right=True, show="{} %".format),
        output.number("gaps"),
        output.number("longest_gap"),
        output.size("bytes"),
    )
    output.display(map(_record, people_of(counted, gap_hours)), columns, json=json)
    output.note_left_out(counted.left_out)
    if counted.too_short:
        output.note(f"{counted_text(counted.too_short, 'object')} that hold nothing count for no hour.")
    return tell(counted.findings)


def _record(one: PersonPage) -> dict[str, Any]:
    return {
        "kind": "coverage",
        "participant": one.name,
        "first": one.first,
        "last": one.last,
        "days": one.days,
        "share": one.share,
        "gaps": len(one.gaps),
        "longest_gap": one.longest,
        "bytes": one.bytes,
    }
