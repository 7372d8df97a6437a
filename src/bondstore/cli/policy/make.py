"""``bondstore policy make``."""

from __future__ import annotations

import json as jsonlib
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.access.grants import Rights, Scope, Share
from bondstore.cli import options, output
from bondstore.cli.from_model import with_settings
from bondstore.errors import Exit, NotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.access.grants import Grant
    from bondstore.access.plan import PolicyPlan

EXAMPLES = (
    "bondstore policy make beiwe --study STUDY --bucket BUCKET --participant 1ab2cd3e",
    "bondstore policy make beiwe --study STUDY --bucket BUCKET --participants people.txt --out policies",
    "bondstore policy make --bucket BUCKET --prefix images/ --for role",
    "bondstore policy make release --bucket lab-qc --public s3://lab-public",
)


@with_settings
def command(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help="The kind of data, such as beiwe; else name prefixes.")
    ] = None,
    *,
    study: options.Study = None,
    participant: options.Participants = None,
    participants: Annotated[
        Path | None, typer.Option("--participants", metavar="FILE", help="Also these participants, an id a line.")
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", metavar="WHAT", help="Open what is shut else: keys, problem-uploads; may be repeated."),
    ] = None,
    prefix: Annotated[
        list[str] | None,
        typer.Option("--prefix", metavar="PREFIX/", help="Open all keys that begin so; may be repeated."),
    ] = None,
    bucket: Annotated[
        str | None, typer.Option("--bucket", metavar="NAME", help="The bucket; else that of the store.")
    ] = None,
    store: options.Store = None,
    profile: options.Profile = None,
    rights: Annotated[
        Rights, typer.Option("--rights", help="What may be done: read, write (read, put and remove), or put alone.")
    ] = Rights.READ,
    public: Annotated[
        str | None,
        typer.Option("--public", metavar="URL", help="Of release: where it publishes to, s3://BUCKET/PREFIX."),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", metavar="ARN", help="A DynamoDB table of participants, in place of a bucket."),
    ] = None,
    alone: Annotated[
        str | None,
        typer.Option(
            "--alone", metavar="ARN", help="Of a table: its own policy, which lets in this user or role alone."
        ),
    ] = None,
    to: Annotated[str, typer.Option("--for", metavar="user|role|group", help="Who gets the policies.")] = "user",
    inline: Annotated[
        bool, typer.Option("--inline", help="One policy to be put inside the user, role or group, not by name.")
    ] = False,
    taken: Annotated[
        int, typer.Option("--taken", metavar="N", min=0, help="Characters of inline policies that it has already.")
    ] = 0,
    attachments: Annotated[
        int | None,
        typer.Option("--attachments", metavar="N", min=1, help="How many policies it may have, if AWS raised it."),
    ] = None,
    partition: Annotated[str, typer.Option("--partition", metavar="NAME", help="aws, aws-cn or aws-us-gov.")] = "aws",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the plan and its policies into this folder.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", help="What the policies are called, before their number: one for each plan."
        ),
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Split all anew, though every policy may change.")] = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> int:
    """Make the IAM policies that open a study, some participants or prefixes, and nothing else.

    A prefix is opened with its closing slash, so that no other name that begins alike is opened too. Device keys and
    uploads that could not be decrypted stay shut. What is too large for one policy is split into several; made again
    into the same folder, one participant more or less changes one of them. Nothing is sent anywhere.
    """
    from bondstore.access import limits
    from bondstore.access.grants import joined
    from bondstore.access.plan import changing, make_plan, read_names, read_plan, write_plan

    if to not in limits.INLINE:
        raise UsageError(f"Nobody is a {to}.", hint="Write --for user, role or group.")
    meant = {"study": study, "participant": participant, "participants": participants, "also": also, "prefix": prefix}
    whole = {**meant, "out": out, "inline": inline, "rights": rights is not Rights.READ}
    if table or alone:
        _refuse("A table's policy", {**whole, "bucket": bucket, "public": public, "name": name})
        return _print(_table(table, alone), json=json)
    if kind == "release":
        _refuse("The policy of who releases", {**whole, "name": name})
        source = _grant(Scope([Share("all", ("",))]), bucket, (store, profile), Rights.READ, partition)
        return _print(joined(source=source, public=_public(public, partition)), json=json)
    ids = [*(participant or []), *(read_names(participants) if participants else [])]
    scope = _scope(kind, (study, profile), ids, also or [], prefix or [])
    grant = _grant(scope, bucket, (store, profile), rights, partition)
    limit = limits.INLINE[to] - taken if inline else limits.MANAGED
    name = name or "-".join(("bondstore", *([kind, study] if kind and study else [grant.bucket])))
    if inline and limit <= 0:
        raise UsageError(
            f"The inline policies of a {to} have {limits.INLINE[to]:,} characters in all: --taken {taken} leaves none.",
            hint="Leave out --inline.",
        )
    with changing(out) if out and not dry_run else nullcontext():
        before = read_plan(out) if out else None
        if before and before.name != name and not anew:
            raise UsageError(
                f"{out} contains the plan {before.name}, and this would be {name}.",
                hint=f"Add --name {before.name} to go on with it, name another folder, or replace it with --anew.",
            )
        plan = make_plan(name, grant, limit=limit, before=before, anew=anew)
        if inline and len(plan.policies) > 1:
            raise UsageError(
                f"This takes {plan.best} policies of {limit:,} characters, and only one can be inline.",
                hint="Leave out --inline.",
            )
        if out and not dry_run:
            write_plan(plan, out)
    _show(plan, out, json=json)
    return _tell(plan, to, attachments or limits.ATTACHED, inline=inline)


def _refuse(what: str, given: Mapping[str, object]) -> None:
    """Refuse options that a policy does not go by: left out in silence, it would open more than was meant."""
    if names := [name for name, value in given.items() if value]:
        raise UsageError(f"{what} has no use for --{names[0]}.", hint="Leave it out. The policy is printed.")


def _print(document: Mapping[str, Any], *, json: bool) -> int:
    if json:
        output.display_one(document, json=True)
    else:
        sys.stdout.write(jsonlib.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return int(Exit.DONE)


def _table(table: str | None, alone: str | None) -> dict[str, Any]:
    from bondstore.access.dynamodb import table_policy, user_policy

    if table is None:
        raise UsageError("--alone is about a table.", hint="Add --table ARN.")
    return table_policy(table, alone) if alone else user_policy(table)


def _public(url: str | None, partition: str) -> Grant:
    if url is None:
        raise UsageError("A release goes from one bucket to another.", hint="Add --public s3://BUCKET/PREFIX.")
    return _grant(Scope([Share("all", ("",))]), None, (url, None), Rights.WRITE, partition)


def _scope(
    kind: str | None, study: tuple[str | None, str | None], ids: list[str], also: list[str], prefixes: list[str]
) -> Scope:
    from bondstore.config.resolve import resolve_study
    from bondstore.domains import find_domain
    from bondstore.runs.domain import load

    if kind is None:
        if study[0] or ids or also:
            raise UsageError("A study needs its kind.", hint="Write: bondstore policy make beiwe --study STUDY")
        if "" in prefixes:
            raise UsageError("A prefix is empty: it would open the whole bucket.", hint="Write --prefix PREFIX/")
        return Scope([Share(one, (one,)) for one in dict.fromkeys(prefixes)])
    domain = find_domain(kind)
    if domain is None or not domain.scope:
        raise NotFoundError(f"No policies are made for {kind}.", hint="Write beiwe, or name prefixes with --prefix.")
    if prefixes:
        raise UsageError("A study has prefixes of its own.", hint="Leave out --prefix, or the kind.")
    found: Scope = load(domain.scope)(resolve_study(*study), tuple(dict.fromkeys(ids)), also)
    return found


def _grant(
    scope: Scope, bucket: str | None, place: tuple[str | None, str | None], rights: Rights, partition: str
) -> Grant:
    from bondstore.access.grants import Grant
    from bondstore.config.resolve import resolve_store
    from bondstore.stores.address import parse_address

    if bucket and place[0]:
        raise UsageError("A store is given, and a bucket too.", hint="Leave out --bucket, or --store.")
    address = parse_address(f"s3://{bucket}" if bucket else resolve_store(*place).url)
    if address.kind != "s3":
        raise UsageError("There are IAM policies only for buckets of S3.", hint="Name a bucket: --bucket NAME.")
    return Grant(address.place, scope, rights, partition, f"{address.prefix}/" if address.prefix else "")


def _show(plan: PolicyPlan, out: Path | None, *, json: bool) -> None:
    if out:
        output.display(plan.records(), ("policy", output.number("characters"), "shares", "change"), json=json)
        return
    documents = plan.documents
    if json:
        for record in plan.records():
            output.display_one({**record, "document": documents[record["policy"]]}, json=True)
        return
    if len(documents) > 1:
        raise UsageError(f"This takes {len(documents)} policies.", hint="Add --out DIR, or --json.")
    for document in documents.values():
        _print(document, json=False)


def _tell(plan: PolicyPlan, to: str, attachments: int, *, inline: bool) -> int:
    """Say how the policies can reach who gets them; return the exit code."""
    from bondstore.access.plan import ways

    if plan.dropped:
        output.note(f"No longer needed: {', '.join(plan.dropped)}. Take them away from whom they are attached to.")
    if len(plan.policies) > plan.best + 1:
        output.note(f"{len(plan.policies)} policies; {plan.best} to {plan.best + 1} would do: --anew splits all anew.")
    if inline or len(plan.policies) <= attachments:
        return int(Exit.DONE)
    output.note(f"These are more policies than the {attachments} that a {to} may have attached. What would do:")
    found = ways(plan, to, attachments)
    output.note(*(f"  {one.name}: {one.message}" for one in found if one.fits))
    return int(Exit.DONE if any(one.fits for one in found if one.name == "groups") else Exit.CONFIGURATION)
