"""What the commands of releases share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bondstore.findings import Finding
    from bondstore.stores import Store

DestUrl = Annotated[
    str,
    typer.Argument(
        metavar="DEST-URL",
        help="The public store: s3://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER.",
        show_default=False,
    ),
]
DestProfile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        autocompletion=options.profile_names,
        help="Named settings to open the public store with; see: bondstore profile list.",
    ),
]
SHOWN = 20
"""Findings that the text names; --json has all."""


def open_url(url: str | None, profile: str | None) -> Store:
    """Open a store by its address and a profile's name."""
    from bondstore.config.resolve import resolve_store
    from bondstore.stores import open_store

    return open_store(resolve_store(url, profile))


def tell_findings(findings: Iterable[Finding], *, json: bool) -> bool:
    """Say why something was not released; returns whether a person must care."""
    from bondstore.findings import Severity

    told = [one for one in findings if one.severity is not Severity.INFO or json]
    if json:
        output.display(
            ({**output.as_record(one), "finding": one.kind, "kind": "finding"} for one in told), (), json=True
        )
    for one in told[:SHOWN] if not json else ():
        output.note(f"{one.severity.value}: {one.key}: {one.message}")
    if not json and len(told) > SHOWN:
        output.note(f"… and {len(told) - SHOWN:,} more; --json names all.")
    return any(one.severity is Severity.ERROR for one in told)
