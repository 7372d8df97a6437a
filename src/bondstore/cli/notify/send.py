"""``bondstore notify send``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.cli.notify import _shared
from bondstore.cli.questions import confirm
from bondstore.cli.release._shared import open_url, tell_findings
from bondstore.errors import Exit

if TYPE_CHECKING:
    from bondstore.notify.deliveries import Notified

EXAMPLES = (
    "bondstore notify send s3://PRIVATE/qc --settings notify.toml --dry-run",
    "bondstore notify send s3://PUBLIC --transport ses://ap-southeast-2 --from data@example.org --yes",
)


def command(
    source: Annotated[str, typer.Argument(metavar="SRC-URL", help="What quality control wrote, or a published place.")],
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY]...", help="Only these files of it; else all.", show_default=False),
    ] = None,
    *,
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", metavar="TOPIC", help="Only news of platform:SERIAL or vessel:NAME; may be repeated."),
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try at once what failed, also what was refused or given up.")
    ] = False,
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="N", help="Messages a second at most; else 1.")
    ] = None,
    settings: _shared.SettingsFile = None,
    transport: _shared.Transport = None,
    sender: _shared.Sender = None,
    secret: _shared.Reference = None,
    database: _shared.Database = None,
    profile: options.Profile = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Mail a summary with plots to every confirmed subscriber who was not told yet.

    Each gets one message, with a link to unsubscribe. Run again, it sends what is new and tries again what failed; it
    never tells anybody twice what was taken on.

    Ends with 5 when something could not be sent.
    """
    from bondstore.notify import SendOptions, find_news, notify, read_plot
    from bondstore.notify.open import open_mail

    mail = open_mail(settings, profile, transport=transport, sender=sender, secret=secret, database=database, rate=rate)
    store = open_url(source, profile)
    news, findings = find_news(store, keys or [])
    way, key = mail.transport(), mail.secret()

    def run(*, dry: bool) -> Notified:
        sending = SendOptions(tuple(topic or ()), again=retry, dry_run=dry)
        return notify(
            news, lambda at: read_plot(store, at), mail.subscribers, mail.deliveries, way,
            settings=mail.settings, secret=key, options=sending,
        )  # fmt: skip

    try:
        done = run(dry=True)
        planned = done.counts.get("planned", 0)
        if planned and not dry_run:
            confirm(f"Send {planned:,} messages by {way.url}?", yes=yes)
        if not dry_run:
            done = run(dry=False)
    finally:
        way.close()
    wrong = tell_findings(findings, json=json)
    _tell(done, json=json)
    if done.stopped is not None:
        raise done.stopped
    return int(Exit.INCOMPLETE if wrong or not done.complete else Exit.DONE)


def _tell(done: Notified, *, json: bool) -> None:
    columns: tuple[Any, ...] = ("recipient", "state", output.Column("news", right=True), "attempts", "code", "receipt")
    output.display(done.outcomes, columns, json=json, empty="Everybody was told already.")
    if json:
        output.display_one(done.tally, json=True)
