"""``bondstore words count``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options

EXAMPLES = ("bondstore words count ./texts ./counted",)


def command(
    source: Annotated[str, typer.Argument(metavar="SRC", help="Where the texts are: a store's URL, or a folder.")],
    dest: Annotated[str, typer.Argument(metavar="DEST", help="Where the counts go: a store's URL, or a folder.")],
    *,
    lower: Annotated[bool, typer.Option("--lower", help="Do not tell capitals from small letters.")] = False,
    jobs: options.Jobs = None,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> int:
    """Count the words of each text file, and of each group of them."""
    from bondstore.cli import runs_shared
    from bondstore.config.resolve import resolve_store
    from bondstore_words.job import CountSettings, WordsJob

    job = WordsJob(resolve_store(source), CountSettings(lower))
    return runs_shared.execute(job, runs_shared.destination_at(dest), jobs=jobs, json=json, dry_run=dry_run)
