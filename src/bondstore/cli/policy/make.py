"""``bondstore policy make``."""

from __future__ import annotations

import json as jsonlib
import sys
from contextlib import nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.access.grants import Grant, Rights, Scope, Share, joined
from bondstore.cli import options, output
from bondstore.cli.from_model import Bundle, with_settings
from bondstore.config.profiles import BUCKET_NAME
from bondstore.errors import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.access.plan import PolicyPlan

EXAMPLES = (
    "bondstore policy make beiwe --study STUDY --bucket BUCKET --participant 1ab2cd3e",
    "bondstore policy make beiwe --study STUDY --bucket BUCKET --participants people.txt --out policies",
    "bondstore policy make --bucket BUCKET --prefix images/ --for role",
    "bondstore policy make release --bucket lab-qc --into s3://lab-public",
)
JOBS = ("release", "lambda")
"""Kinds of work that read one bucket and write into another."""


@dataclass(frozen=True, slots=True)
class ScopeOptions(Bundle):
    """What is opened."""

    study: options.Study = None
    participant: options.Participants = None
    participants: Annotated[
        Path | None, typer.Option("--participants", metavar="FILE", help="Also these participants, one id per line.")
    ] = None
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also", metavar="WHAT", help="Also open keys or problem-uploads, closed by default; may be repeated."
        ),
    ] = None
    prefix: Annotated[
        list[str] | None,
        typer.Option("--prefix", metavar="PREFIX/", help="Open all keys that begin with it; may be repeated."),
    ] = None

    def scope(self, kind: str | None, profile: str | None) -> Scope:
        """Return the prefixes that are meant."""
        from bondstore.access.plan import read_names
        from bondstore.config.resolve import resolve_study
        from bondstore.domains import scope_of, scope_of_prefixes

        if kind is None:
            if self.study or self.participant or self.participants or self.also:
                raise UsageError("A study needs its kind.", hint="Write: bondstore policy make beiwe --study STUDY")
            for one in self.prefix or []:
                if one.startswith("/"):
                    output.note(f"{one} begins with a slash: it opens no object whose key begins without one.")
                if {*"*?"} & {*one}:
                    output.note(f"In {one}, * and ? stand for themselves, not for other characters.")
            return scope_of_prefixes(self.prefix or [])
        if self.prefix:
            raise UsageError("A study has prefixes of its own.", hint="Leave out --prefix, or the kind.")
        ids = [*(self.participant or []), *(read_names(self.participants) if self.participants else [])]
        return scope_of(kind, resolve_study(self.study, profile), ids, self.also or [])


@dataclass(frozen=True, slots=True)
class GrantOptions(Bundle):
    """Where it is, and what may be done with it."""

    bucket: Annotated[
        str | None, typer.Option("--bucket", metavar="NAME", help="The bucket. Default: that of the store.")
    ] = None
    store: options.Store = None
    profile: options.Profile = None
    read_only: Annotated[bool, typer.Option("--read-only", help="List and read. The default.")] = False
    write: Annotated[bool, typer.Option("--write", help="List, read, write and remove.")] = False
    put_only: Annotated[bool, typer.Option("--put-only", help="Write, without reading or listing.")] = False
    into: Annotated[
        str | None,
        typer.Option(
            "--into", metavar="URL", help="Of release and lambda: where results are written, s3://BUCKET/PREFIX."
        ),
    ] = None
    partition: Annotated[str, typer.Option("--partition", metavar="NAME", help="aws, aws-cn or aws-us-gov.")] = "aws"

    def grant(self, scope: Scope) -> Grant:
        """Return what may be done with a part of the bucket."""
        told = {Rights.READ: self.read_only, Rights.WRITE: self.write, Rights.PUT: self.put_only}
        chosen = [right for right, is_told in told.items() if is_told] or [Rights.READ]
        if len(chosen) > 1:
            raise UsageError("--read-only, --write and --put-only exclude each other.", hint="Write one of them.")
        if self.bucket and self.store:
            raise UsageError("A store is given, and a bucket too.", hint="Leave out --bucket, or --store.")
        if self.bucket and not BUCKET_NAME.fullmatch(self.bucket):
            raise UsageError(
                f"{self.bucket!r} is not the name of a bucket.",
                hint="Name it without s3:// and without a path, or write --store s3://BUCKET/PREFIX.",
            )
        return _grant(self._url, scope, chosen[0], self.partition)

    @property
    def _url(self) -> str:
        from bondstore.config.resolve import resolve_store

        return f"s3://{self.bucket}" if self.bucket else resolve_store(self.store, self.profile).url

    def copying(self) -> dict[str, Any]:
        """Return the policy that reads the bucket and writes into another one."""
        from bondstore.config.profiles import Profile, StoreSpec
        from bondstore.runs.policy import refuse_overlap

        if self.into is None:
            raise UsageError("Results go from one bucket into another.", hint="Add --into s3://BUCKET/PREFIX.")
        everything = Scope([Share("all", ("",))])
        into, source = _grant(self.into, everything, Rights.WRITE, self.partition), self.grant(everything)
        refuse_overlap(StoreSpec(self._url, Profile()), StoreSpec(self.into, Profile()))
        return joined(source=source, into=into)


@dataclass(frozen=True, slots=True)
class TablePolicyOptions(Bundle):
    """A table in place of a bucket."""

    table: Annotated[
        str | None,
        typer.Option("--table", metavar="ARN", help="A DynamoDB table of participants, instead of a bucket."),
    ] = None
    alone: Annotated[
        str | None,
        typer.Option(
            "--alone", metavar="ARN", help="With --table: its own policy, which admits this user or role only."
        ),
    ] = None

    def policy(self) -> dict[str, Any]:
        """Return the policy of the table, or of who keeps it."""
        from bondstore.access.dynamodb import table_policy, user_policy

        if self.table is None:
            raise UsageError("--alone is about a table.", hint="Add --table ARN.")
        return table_policy(self.table, self.alone) if self.alone else user_policy(self.table)


@dataclass(frozen=True, slots=True)
class HolderOptions(Bundle):
    """Who gets the policies, and how many fit."""

    to: Annotated[str, typer.Option("--for", metavar="user|role|group", help="Who gets the policies.")] = "user"
    inline: Annotated[bool, typer.Option("--inline", help="One inline policy, instead of managed ones.")] = False
    taken: Annotated[
        int, typer.Option("--taken", metavar="N", min=0, help="Characters of the inline policies that are there.")
    ] = 0
    attachments: Annotated[
        int | None,
        typer.Option("--attachments", metavar="N", min=1, help="How many policies may be attached, if AWS raised it."),
    ] = None

    def limit(self) -> int:
        """Return how many characters a policy may have."""
        from bondstore.access import limits

        if self.to not in limits.INLINE:
            raise UsageError(f"Policies cannot be for {self.to}.", hint="Write --for user, role or group.")
        if self.taken and not self.inline:
            raise UsageError("--taken is about inline policies.", hint="Add --inline, or leave it out.")
        if self.attachments and (self.inline or self.to == "group"):
            what = "One inline policy is attached to nobody" if self.inline else "A group takes 10 policies, always"
            raise UsageError(f"{what}: --attachments changes nothing.", hint="Leave it out.")
        if not self.inline:
            return limits.MANAGED
        if (left := limits.INLINE[self.to] - self.taken) <= 0:
            raise UsageError(
                f"The inline policies of a {self.to} have {limits.INLINE[self.to]:,} characters in all: "
                f"--taken {self.taken} leaves none.",
                hint="Leave out --inline.",
            )
        return left


@dataclass(frozen=True, slots=True)
class PlanOptions(Bundle):
    """Where the policies are written, and what they are called."""

    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the plan and its policies into this folder.")
    ] = None
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="The policies' name, before their number: another for each plan."),
    ] = None
    again: Annotated[
        bool, typer.Option("--again", help="Split everything again, or replace another plan: every policy may change.")
    ] = False


@with_settings
def command(
    kind: Annotated[
        str | None,
        typer.Argument(metavar="[KIND]", help="beiwe, release or lambda. Without it, name prefixes or a table."),
    ] = None,
    *,
    scope: ScopeOptions,
    place: GrantOptions,
    table: TablePolicyOptions,
    holder: HolderOptions,
    plan: PlanOptions,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> int:
    """Make the IAM policies that open a study, some participants or prefixes, and nothing else.

    A prefix is opened with its closing slash, so that no other name that begins alike is opened too. Device keys and
    uploads that could not be decrypted stay closed. What is too large for one policy is split into several; made again
    into the same folder, one participant more or less changes one of them. Nothing is sent anywhere.
    """
    limit = holder.limit()
    if table.table or table.alone:
        _refuse("A table's policy", scope, place, plan, holder, but=("to", "attachments"))
        if kind:
            raise UsageError(f"{kind} has no table.", hint="Leave out the kind, or --table.")
        return _print(table.policy(), json=json)
    if kind in JOBS:
        but = ("bucket", "store", "profile", "into", "partition", "to", "attachments")
        _refuse(f"The policy for {kind}", scope, place, plan, holder, but=but)
        return _print(place.copying(), json=json)
    _refuse("This policy", place, but=tuple(one.name for one in fields(place) if one.name != "into"))
    grant = place.grant(scope.scope(kind, place.profile))
    name = plan.name or "-".join(("bondstore", *([kind, scope.study] if kind and scope.study else [grant.bucket])))
    made = _made(name, grant, limit, plan, inline=holder.inline, dry_run=dry_run)
    _show(made, plan.out, json=json)
    return _tell(made, holder, json=json)


def _refuse(what: str, *given: Bundle, but: tuple[str, ...] = ()) -> None:
    """Refuse options that a policy does not go by: left out in silence, it would open more than was meant."""
    for bundle in given:
        for one in fields(bundle):
            if one.name not in but and getattr(bundle, one.name) != one.default:
                raise UsageError(
                    f"{what} has no use for --{one.name.replace('_', '-')}.",
                    hint="Leave it out. The policy is printed.",
                )


def _grant(url: str, scope: Scope, rights: Rights, partition: str) -> Grant:
    from bondstore.stores.address import parse_address

    address = parse_address(url)
    if address.kind != "s3":
        raise UsageError("There are IAM policies only for buckets of S3.", hint="Name a bucket: --bucket NAME.")
    return Grant(address.place, scope, rights, partition, f"{address.prefix}/" if address.prefix else "")


def _made(name: str, grant: Grant, limit: int, target: PlanOptions, *, inline: bool, dry_run: bool) -> PolicyPlan:
    """Return the plan, and write it where that is asked for."""
    from bondstore.access.plan import changing, make_plan, read_plan, refuse_another, refuse_foreign, write_plan

    out = target.out
    with changing(out) if out and not dry_run else nullcontext():
        before = read_plan(out) if out else None
        if out and before and not target.again:
            refuse_another(before, name, grant, out)
        plan = make_plan(name, grant, limit=limit, before=before, again=target.again)
        if inline and len(plan.policies) > 1:
            raise UsageError(
                f"This takes {plan.best} policies of {limit:,} characters, and only one can be inline.",
                hint="Leave out --inline.",
            )
        if out:
            refuse_foreign(plan, out)
        if out and not dry_run:
            write_plan(plan, out)
    return plan


def _print(document: Mapping[str, Any], *, json: bool) -> int:
    if json:
        output.display_one(document, json=True)
    else:
        sys.stdout.write(jsonlib.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return int(Exit.DONE)


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


def _tell(plan: PolicyPlan, holder: HolderOptions, *, json: bool) -> int:
    """Say how the policies can reach who gets them; return the exit code."""
    from bondstore.access import limits
    from bondstore.access.plan import ways

    if plan.dropped:
        output.note(f"No longer needed: {', '.join(plan.dropped)}. bondstore policy attach detaches them.")
    for name in plan.dropped if json else ():
        output.display_one({"kind": "policy", "policy": name, "change": "no longer needed"}, json=True)
    number, most = len(plan.policies), holder.attachments or limits.ATTACHED
    if number > plan.best + 1:
        output.note(f"{number} policies; {plan.best} to {plan.best + 1} would do: --again splits everything again.")
    if holder.inline or number <= most:
        return int(Exit.DONE)
    output.note(f"A {holder.to} may have {most} policies attached, and these are {number}. What would do:")
    found = ways(plan, holder.to, most)
    output.note(*(f"  {one.name}: {one.message}" for one in found if one.fits))
    for one in found if json else ():
        output.display_one({"kind": "way", "way": one.name, "fits": one.fits, "message": one.message}, json=True)
    return int(Exit.DONE if any(one.fits for one in found if one.name == "groups") else Exit.CONFIGURATION)
