"""``bondstore notify send``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import with_settings
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


@with_settings
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
    mail: _shared.MailOptions,
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

    opened, store = mail.open(rate), open_url(source, mail.profile)
    news, findings = find_news(store, keys or [])
    way, key = opened.transport(), opened.secret()

    def run(*, dry: bool) -> Notified:
        sending = SendOptions(tuple(topic or ()), again=retry, dry_run=dry)
        return notify(
            news, lambda at: read_plot(store, at), opened.subscribers, opened.deliveries, way,
            settings=opened.settings, secret=key, options=sending,
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
