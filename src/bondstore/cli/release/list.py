"""``bondstore release list``."""

from __future__ import annotations

from bondstore.cli import options, output
from bondstore.cli.release._shared import DestProfile, DestUrl, open_url

EXAMPLES = ("bondstore release list s3://PUBLIC", "bondstore release list file:///srv/public --json")


def command(store: DestUrl, *, profile: DestProfile = None, json: options.Json = False) -> None:
    """List every release that a public store ever held, the newest first."""
    from bondstore.release.inventory import releases

    columns = (
        "release",
        "state",
        output.number("files"),
        output.size("bytes"),
        "at",
        "reason",
    )
    output.display(releases(open_url(store, profile)), columns, json=json, empty="Nothing was released there yet.")
