"""``bondstore release recall``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.questions import confirm
from bondstore.text import counted

if TYPE_CHECKING:
    from bondstore.release.outcome import RecallPlan

EXAMPLES = (
    "bondstore release recall 3f9c02ab7e51d0aa --store s3://PUBLIC --reason 'Position was wrong' --dry-run",
    "bondstore release recall 2024/05/MOANA_0012_1_240501_qc.nc --store s3://PUBLIC --yes",
)


def command(
    what: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="A release's id, a file's SHA-256 (its first 16 digits do), or its name in the release.",
            show_default=False,
        ),
    ],
    *,
    store: options.Store = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it becomes public.")] = "",
    profile: options.Profile = None,
    follow_links: options.FollowLinks = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Take a release back, or one file out of all releases; a tombstone stays.

    First nothing names the files any more, then they are deleted. Stopped at any moment, the same command finishes it;
    run again, it changes nothing. What was taken back is not released again, unless `release publish --again` is used.
    Copies that others made cannot be taken back.
    """
    from bondstore.release.recall import open_public, recall

    public = open_public(store, profile, follow_links=follow_links)

    def ask(plan: RecallPlan) -> bool:
        if plan.done:
            return True
        if not json:
            output.note(
                f"To take back: {counted(plan.files, 'file')} and {counted(plan.plots, 'plot')}; in the "
                f"release that holds: {plan.latest:,}. To stay there: {counted(plan.left, 'file')}. "
                f"Releases that get a tombstone: {', '.join(plan.releases) or 'none'}."
            )
        confirm(
            f"Take {counted(plan.files, 'file')} back from {public.url}? What is taken back is deleted there.",
            yes=yes,
        )
        return True

    output.display_one(recall(public, what, reason=reason, confirm=ask, dry_run=dry_run), json=json)
