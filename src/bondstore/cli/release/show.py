"""``bondstore release show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.cli.release._shared import DestProfile, DestUrl, open_url

if TYPE_CHECKING:
    from bondstore.release.manifest import Entry

EXAMPLES = ("bondstore release show s3://PUBLIC", "bondstore release show s3://PUBLIC 3f9c02ab7e51d0aa --json")


def command(
    store: DestUrl,
    release: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="The release's id; else the one that holds.", show_default=False),
    ] = None,
    *,
    profile: DestProfile = None,
    json: options.Json = False,
) -> None:
    """List the files of a release, with hash, grade, and what each was made from."""
    from bondstore.release.inventory import files_of

    found, entries = files_of(open_url(store, profile), release)
    columns = (
        output.Column("sha256", show=lambda digest: str(digest)[:16]),
        output.size("bytes"),
        "grade",
        "first",
        "platform",
        "file",
    )
    output.display((_record(found, entry) for entry in entries), columns, json=json, empty="The release is empty.")


def _record(release: str, entry: Entry) -> dict[str, Any]:
    return {
        "kind": "released-file",
        "release": release,
        "file": entry.file,
        "path": entry.path,
        "sha256": entry.sha256,
        "bytes": entry.size,
        "grade": entry.grade,
        "platform": entry.platform,
        "title": entry.title,
        "first": entry.first,
        "last": entry.last,
        "source": entry.source,
        "settings": entry.settings,
        "levels": entry.levels,
        "plots": [plot.path for plot in entry.plots],
    }
