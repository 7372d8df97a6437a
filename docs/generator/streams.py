"""The data streams of Beiwe and their columns."""

from __future__ import annotations

from docs.generator.text import code, page, table

from bondstore.domains.beiwe.streams import STREAMS, TIMESTAMP, UTC_TIME, Stream

INTRODUCTION = f"""Every table begins with `{TIMESTAMP}` (unix time in milliseconds, UTC) and `{UTC_TIME}` (the
same instant as a datetime). Where Android and iOS write other columns, the table has all of them; what a
platform does not write is null. `--stream` takes a stream's name or its raw name. Types are those of polars."""


def make() -> str:
    """Return the page."""
    rows = (
        (
            f"[{one.name}](#{one.name})" if one.is_table else one.name,
            code(one.raw_name),
            {"media": "files"}.get(one.kind, one.kind),
            ", ".join({"android": "Android", "ios": "iOS"}[name] for name in one.platforms),
            "raw only" if one.raw_only else "chunked and raw",
            "yes" if one.identifying else "",
        )
        for one in STREAMS.values()
    )
    return page(
        "Streams",
        INTRODUCTION,
        table(("stream", "raw name", "holds", "platforms", "stored", "can identify a person"), rows),
        "Media files are exported as they are. Raw-only streams come along with every export, whatever `--source`"
        " says.",
        "## Columns",
        *(_columns(one) for one in STREAMS.values() if one.is_table),
    )


def _columns(stream: Stream) -> str:
    by_platform = stream.columns
    rows = []
    for column in stream.table:
        only = [name for name, columns in by_platform.items() if column in columns]
        differs = len(only) < len(by_platform)
        rows.append((code(column.name), column.type, {"android": "Android", "ios": "iOS"}[only[0]] if differs else ""))
    return f"### {stream.name}\n\n" + table(("column", "type", "only on"), rows)
