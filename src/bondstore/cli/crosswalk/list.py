"""``bondstore crosswalk list``."""

from __future__ import annotations

from bondstore.cli import options, output
from bondstore.cli.crosswalk import _shared
from bondstore.cli.from_model import with_settings

EXAMPLES = ("bondstore crosswalk list", "bondstore crosswalk list --crosswalk s3://BUCKET/crosswalk.c4gh --json")


@with_settings
def command(*, reveal: _shared.Reveal = False, crosswalk: _shared.CrosswalkOptions, json: options.Json = False) -> None:
    """List the subject codes, in the order in which they were added.

    Names are shown with --reveal only. Each read is noted in your own audit log: bondstore audit show.
    """
    records = (_shared.record_of(one, reveal=reveal) for one in crosswalk.open().entries())
    output.display(records, _shared.columns(reveal=reveal), json=json, empty="The crosswalk has no subjects.")
