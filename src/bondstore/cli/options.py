"""Options that several commands share, each defined once: its name, its type and its line of help.

A command takes them as ``store: options.Store = None``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, cast

import typer

from bondstore.config import profiles
from bondstore.config.model import fields_of
from bondstore.config.secrets import SecretRef
from bondstore.errors import BondstoreError
from bondstore.timebounds import Bound, read_bound, start_of


def bound(text: str) -> Bound:
    """Read a day or an instant; see `bondstore.timebounds`."""
    try:
        return read_bound(text)
    except BondstoreError as error:
        raise typer.BadParameter(error.hint or str(error)) from None


def moment(text: str) -> datetime:
    """Read an instant in UTC; a date is its first."""
    return cast("datetime", start_of(bound(text)))


def secret_reference(text: str | SecretRef) -> SecretRef:
    """Read a reference to a secret; a literal one is refused and not repeated."""
    if isinstance(text, SecretRef):
        return text
    try:
        return SecretRef.parse(text)
    except BondstoreError as error:
        raise typer.BadParameter(str(error)) from None


def profile_names(incomplete: str) -> list[str]:
    """Complete the names of profiles; a broken settings file completes nothing."""
    from bondstore.config.settings import list_profiles

    try:
        return [entry.name for entry in list_profiles() if entry.name.startswith(incomplete)]
    except BondstoreError:
        return []


_HELP = {one.name: one.setting.help for one in fields_of(profiles.Profile)}
Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="Where the objects are: s3://BUCKET/PREFIX, az://CONTAINER, file:///FOLDER. "
        "Else the profile, BONDSTORE_STORE or S3_BUCKET say so.",
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        autocompletion=profile_names,
        help="Named settings to open the store with; see: bondstore profile list.",
    ),
]
DestProfile = Annotated[
    str | None,
    typer.Option(
        "--dest-profile",
        metavar="NAME",
        autocompletion=profile_names,
        help="Named settings to open DEST with; else those of the store that is read.",
    ),
]
Group = Annotated[
    str | None, typer.Option("--group", metavar="NAME", help="A group that may read the results; else only you may.")
]
FollowLinks = Annotated[
    bool, typer.Option("--follow-links", help="Write to folders that are symbolic links; else they are refused.")
]
Study = Annotated[str | None, typer.Option("--study", metavar="ID", help=_HELP["study"])]
Key = Annotated[
    SecretRef | None,
    typer.Option(
        "--key",
        metavar="REF",
        parser=secret_reference,
        help=_HELP["decryption_key"],
    ),
]
Crosswalk = Annotated[
    str | None,
    typer.Option(metavar="FILE|URL", help="The crosswalk: a file, or an object of a store. Else one of your own."),
]
OwnKey = Annotated[
    str | None,
    typer.Option("--key", metavar="NAME", help="Your key, by its name or its .sec file; else your only one."),
]
Passphrase = Annotated[
    SecretRef | None,
    typer.Option(
        "--passphrase",
        metavar="REF",
        parser=secret_reference,
        help="Where its passphrase is kept: env:NAME, file:/path (mode 0600), keyring:service/name; else asked for.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON, for lists one object a line.")]
Participants = Annotated[
    list[str] | None,
    typer.Option("--participant", "-p", metavar="ID", help="Only this participant; may be repeated."),
]
Participant = Annotated[str | None, typer.Option("--participant", "-p", metavar="ID", help="Only this participant.")]
Streams = Annotated[
    list[str] | None, typer.Option("--stream", "-s", metavar="NAME", help="Only this data stream; may be repeated.")
]
Surveys = Annotated[
    list[str] | None, typer.Option("--survey", metavar="ID", help="Only of this survey; may be repeated.")
]
Stream = Annotated[str | None, typer.Option("--stream", "-s", metavar="NAME", help="Only this data stream.")]
_SOURCE = "Processed (chunked) objects, raw uploads, or both; streams that are never chunked always come along."
Source = Annotated[str, typer.Option("--source", metavar="chunked|raw|both", help=_SOURCE)]
SourceOrNone = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="chunked|raw|both",
        help=f"{_SOURCE} Else both for --format original, chunked for the others. With both, forest lacks no row.",
    ),
]
Since = Annotated[
    Bound | None,
    typer.Option(
        "--since",
        metavar="TIME",
        parser=bound,
        help="Start, inclusive: 2024-01-31 or 2024-01-31T12:00.",
    ),
]
Until = Annotated[
    Bound | None,
    typer.Option(
        "--until",
        metavar="TIME",
        parser=bound,
        help="End: a time is exclusive, a date alone means the whole day.",
    ),
]
TimeZone = Annotated[
    str,
    typer.Option("--tz", metavar="ZONE", help="Time zone of dates and times without an offset, such as Europe/Berlin."),
]
TableZone = Annotated[
    str,
    typer.Option(
        "--tz",
        metavar="ZONE",
        help="Time zone of dates and times without an offset; another than UTC adds the column 'local time' to tables.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Only show what would be done.")]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N",
        min=1,
        max=1024,
        help="Worker processes; 1 for one thing at a time. Else what suits the machine.",
    ),
]
