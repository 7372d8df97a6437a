"""``bondstore screenlake panelists``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bondstore.cli import options, output
from bondstore.cli.screenlake._shared import StoreUrl
from bondstore.text import moment

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
        output.number("zips"),
        output.size("bytes"),
        output.time("first"),
        output.time("last"),
        # the last one: on a narrow terminal only the long names are broken
        output.Column("panelist"),
    )
    output.display(
        map(_record, found.panelists),
        columns,
        json=json,
        empty="No zip of any panelist lies there. Check the bucket and the prefix.",
    )
    output.note_left_out(found.left_out)


def _record(one: Panelist) -> dict[str, Any]:
    return {
        "kind": "panelist",
        "panelist": one.name,
        "zips": one.zips,
        "bytes": one.bytes,
        "first": moment(one.first_ms),
        "last": moment(one.last_ms),
    }
