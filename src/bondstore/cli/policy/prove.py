"""``bondstore policy prove``."""

from __future__ import annotations

from collections import deque
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.errors import Exit, UsageError
from bondstore.text import number_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.access.prove import Proof

EXAMPLES = (
    "bondstore policy prove FOLDER --against s3://BUCKET --expect FOLDER/expect.csv",
    "bondstore policy prove policy.json --against inventory.csv.gz --principal arn:aws:iam::123456789012:user/NAME",
    "bondstore policy prove policy.json --against s3://BUCKET --action s3:ListBucket --keys --json",
)


def command(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE…]", help="Policies in JSON, attached together; a folder stands for all policies of a plan."
        ),
    ] = None,
    *,
    against: Annotated[
        str,
        typer.Option(
            "--against",
            metavar="URL|INVENTORY.csv",
            help="The keys: a store's URL, which is listed, an S3 Inventory in CSV, or a CSV with a column key.",
            show_default=False,
        ),
    ],
    expect: Annotated[
        Path | None,
        typer.Option("--expect", metavar="EXPECT.csv", help="What is meant to be granted: a CSV with a column prefix."),
    ] = None,
    keys: Annotated[
        bool, typer.Option("--keys", help="Show each key and the statement that decides it, not the folders.")
    ] = False,
    action: Annotated[
        list[str] | None,
        typer.Option("--action", metavar="ACTION", help="What is asked for; may be repeated. Else s3:GetObject."),
    ] = None,
    principal: Annotated[
        str | None,
        typer.Option("--principal", metavar="ARN", help="Who asks: a user, a role, or anonymous. Else a made-up user."),
    ] = None,
    bucket_policy: Annotated[
        Path | None, typer.Option("--bucket-policy", metavar="FILE", help="The policy of the bucket.")
    ] = None,
    boundary: Annotated[
        Path | None, typer.Option("--boundary", metavar="FILE", help="The permissions boundary of who asks.")
    ] = None,
    owner: Annotated[
        str, typer.Option("--owner", metavar="ACCOUNT", help="The account of the bucket. Else that of who asks.")
    ] = "",
    context: Annotated[
        list[str] | None,
        typer.Option(
            "--context",
            metavar="KEY=VALUE",
            help="What is known of requests, such as aws:SecureTransport=true; KEY= is absent; may be repeated.",
        ),
    ] = None,
    bucket: Annotated[
        str, typer.Option("--bucket", metavar="NAME", help="The bucket's name, where --against does not say it.")
    ] = "",
    profile: options.Profile = None,
    json: options.Json = False,
) -> int:
    """Say who may read what, key by key, and what should not be granted.

    Answers as IAM does, for each key that is listed: a Deny wins, and what nobody can say is unknown. With --expect,
    keys that are granted and not meant are extra, and those that are meant and not granted are missing. Nothing is sent
    but what it takes to list a store. Ends with 4 where anything differs or is unknown, and with 3 where no key is
    listed.
    """
    from bondstore.access.inventory import read_prefixes
    from bondstore.access.prove import Proof, asked_of, made_up, policies_of
    from bondstore.cli.progress import reporter
    from bondstore.domains import private_prefixes
    from bondstore.policies import keys_of, named_bucket
    from bondstore.runs.tally import Count

    if not files and bucket_policy is None:
        raise UsageError("No policy is named.", hint="Name files, or the bucket's policy with --bucket-policy FILE.")
    policies = policies_of(files or [], boundary, bucket_policy)
    prefixes = read_prefixes(expect) if expect else None
    progress = reporter(things="keys")
    with closing(keys_of(against, profile)) as found:
        place = named_bucket(found, bucket)
        names = dict.fromkeys(action or ["s3:GetObject"])
        asked = [asked_of(place, one, principal or made_up(owner, policies), owner, context or ()) for one in names]
        proof = Proof(asked, policies, prefixes, private_prefixes)
        answers = proof.answers(found.pages, lambda count, size: progress.listing(Count(count, size)))
        try:
            if keys:
                _show_keys(proof, (one.record() for one in answers), json=json)
            else:
                deque(answers, maxlen=0)
        finally:
            progress.end()
    return _tell(proof, principal, keys=keys, json=json)


def _show_keys(proof: Proof, records: Iterator[dict[str, Any]], *, json: bool) -> None:
    columns = ["permission", *(["difference"] if proof.meant else []), "key", "document", "statement", "line"]
    output.display(records, [*(["action"] if len(proof.asked) > 1 else []), *columns], json=json, empty="")


def _tell(proof: Proof, principal: str | None, *, keys: bool, json: bool) -> int:
    if not keys and proof.keys:
        numbers = ["granted", "denied", "unknown", *(["extra", "missing"] if proof.meant else [])]
        first = ["action", "folder"] if len(proof.asked) > 1 else ["folder"]
        records = proof.rows() if json else map(_named, proof.rows())
        output.display(records, [*first, *map(output.number, numbers)], json=json)
    if json:
        output.display_one(proof.record(), json=True)
    else:
        if principal is None:
            output.note("No --principal: a made-up user asks. Statements about single users may answer otherwise.")
        output.note(*proof.sentences())
    if not proof.is_as_meant:
        return int(Exit.CONFIGURATION)
    return int(Exit.NOT_FOUND if proof.shows_nothing else Exit.DONE)


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """Name what a row is about in words."""
    folder = row["folder"]
    parts = {"others": f"{folder} ({number_text(row['folders'])} others)", "directly": f"{folder} (keys in it)"}
    return {**row, "folder": parts.get(row["part"], folder or "(all)").strip()}
