"""``bondstore screenlake panelists``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bondstore.cli import options, output
from bondstore.cli.screenlake._shared import StoreUrl, note_left_out

if TYPE_CHECKING:
    from bondstore.domains.screenlake.people import Panelist

EXAMPLES = (
    "bondstore screenlake panelists s3://screenlake-zip-prod",
    "bondstore screenlake panelists s3://screenlake-zip-prod/academia --profile lab --json",
)


def command(store: StoreUrl, *, profile: options.Profile = None, json: options.Json = False) -> None:
    """Count every panelist's zips, with bytes, and the first and the last upload (UTC).

    Made from the listing alone: no zip is read. Both shapes of keys are known, with images and without; objects that
    are no phone's zip are counted apart.
    """
    from bondstore.domains.screenlake import service

    found = service.panelists(store, profile=profile)
    columns = (
        output.Column("zips", right=True, show=output.number_text),
        output.Column("bytes", right=True, show=output.bytes_text),
        output.Column("first", show=output.time_text),
        output.Column("last", show=output.time_text),
        # the last one: on a narrow terminal only the long names are broken
        output.Column("panelist"),
    )
    output.display(
        map(_record, found.panelists),
        columns,
        json=json,
        empty="No zip of any panelist lies there. Check the bucket and the prefix.",
    )
    note_left_out(found.left_out)


def _record(one: Panelist) -> dict[str, Any]:
    from datetime import UTC, datetime

    return {
        "kind": "panelist",
        "panelist": one.name,
        "zips": one.zips,
        "bytes": one.bytes,
        "first": datetime.fromtimestamp(one.first_ms / 1000, UTC),
        "last": datetime.fromtimestamp(one.last_ms / 1000, UTC),
    }
