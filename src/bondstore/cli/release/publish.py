"""``bondstore release publish``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.questions import confirm
from bondstore.cli.release._shared import DestProfile, DestUrl, tell_findings
from bondstore.domains import inspectors, is_by_product
from bondstore.errors import Exit
from bondstore.text import bytes_text, counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from bondstore.release.checks import Seen
    from bondstore.release.outcome import Published, ReleasePlan

EXAMPLES = (
    "bondstore release publish s3://PUBLIC --from s3://PRIVATE/qc --dry-run",
    "bondstore release publish s3://PUBLIC --from s3://PRIVATE/qc --about about.toml --require good:0.9 --stac --yes",
    "bondstore release publish az://public --from s3://PRIVATE/qc --from-profile lab --profile azure",
)


NOTHING = "There is no file that could be released: --from names a place that quality control wrote to."


def command(
    dest: DestUrl,
    *,
    source: Annotated[
        str, typer.Option("--from", metavar="SRC-URL", help="The private store, as quality control wrote it.")
    ],
    require: Annotated[
        str,
        typer.Option(
            metavar="good|good:SHARE|suspect",
            help="What a file must be: every level good or probably good; at least this share of every variable's "
            "levels (good:0.9); or nothing bad. Never what was not evaluated.",
        ),
    ] = "good",
    about: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            help="What the landing page says: title, description, licence, licence_url, citation, institution, "
            "contact_url.",
        ),
    ] = None,
    overview: Annotated[
        str | None, typer.Option("--map", metavar="KEY", help="A PNG or SVG in SRC-URL: the map on the landing page.")
    ] = None,
    stac: Annotated[bool, typer.Option("--stac", help="Write a STAC item for every file too.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Release even what was taken back.")] = False,
    source_may_be_public: Annotated[
        bool, typer.Option("--source-may-be-public", help="Go on though everybody may read SRC-URL.")
    ] = False,
    require_public: Annotated[
        bool, typer.Option("--require-public", help="Go on only if everybody can read DEST-URL.")
    ] = False,
    profile: DestProfile = None,
    from_profile: Annotated[
        str | None,
        typer.Option(
            "--from-profile",
            metavar="NAME",
            autocompletion=options.profile_names,
            help="Named settings to open the private store with; else those of --profile.",
        ),
    ] = None,
    follow_links: options.FollowLinks = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> int:
    """Copy what passed quality control from a private store to a public one, with manifest, index and landing page.

    Only files leave whose release record vouches for the very bytes that are copied, and whose flags meet the
    requirement; their plots go along. Nothing else does. What is released is always whole: stopped at any moment, the
    old or the new release holds. Published again, nothing changes.

    What was held back, and why, is always said. Ends with 5 when a file was held back because something is wrong with
    it (not for its flags), or every file was: then the release before, if there is one, still holds. Ends with 3 when
    there is no file that could be released; and with 6 when there is none and something is released, or when the
    private store can be read by everybody, or that could not be told.
    """
    from bondstore.release.publish import Places, publish_between
    from bondstore.release.settings import About, Order

    order = Order(
        requirement=require,
        about=About.load(about) if about else About(),
        inspectors=inspectors(),
        by_product=is_by_product,
        overview=overview,
        stac=stac,
        again=again,
    )
    places = Places(dest, source, profile, from_profile, source_may_be_public, require_public, follow_links)
    done = publish_between(
        places,
        order,
        seen=lambda seen: _seen(seen, json=json),
        confirm=_asker(dest, yes=yes, json=json),
        dry_run=dry_run,
    )
    return _told(done, planned=dry_run, json=json)


def _seen(seen: Seen, *, json: bool) -> None:
    if not json and seen.exposure not in ("public", "local"):
        output.note(seen.message)


def _asker(dest: str, *, yes: bool, json: bool) -> Callable[[ReleasePlan], bool]:
    """Ask with the plan; a release that holds already needs no yes."""

    def ask(plan: ReleasePlan) -> bool:
        if plan.same or not plan.files:
            return True
        if not json:
            output.note(_plan_text(plan))
        files = counted(plan.files, "file")
        confirm(f"Release {files} ({bytes_text(plan.bytes)}) to everybody in {dest}?", yes=yes)
        return True

    return ask


def _plan_text(plan: ReleasePlan) -> str:
    parts = [
        f"Release {plan.release}: {counted(plan.files, 'file')}, {bytes_text(plan.bytes)}.",
        f"To copy: {counted(plan.copies, 'object')}, {bytes_text(plan.copy_bytes)}.",
        f"Held back for their flags: {plan.held:,}.",
    ]
    if plan.gone:
        parts.append(f"Not in it, of the last release: {counted(plan.gone, 'file')}.")
    return " ".join(parts)


def _told(done: ReleasePlan | Published, *, planned: bool, json: bool) -> int:
    wrong = tell_findings(done.findings, json=json)
    output.display_one(done, json=json, hide=("kind", "held_back", "kept"))
    said = [NOTHING] if done.is_nothing_there else done.held_lines("would be released" if planned else "released")
    if not json:
        output.note(*said)
    kept = getattr(done, "kept", 0)  # a plan keeps nothing
    if kept and not json:
        output.note(f"The release before still holds, with {counted(kept, 'file')}.")
    if done.is_nothing_there:
        return int(Exit.NOT_FOUND)
    return int(Exit.INCOMPLETE if wrong or done.is_all_held else Exit.DONE)
