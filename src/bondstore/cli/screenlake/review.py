"""``bondstore screenlake review``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bondstore.cli import options, output

EXAMPLES = (
    "bondstore screenlake review /data/phones",
    "bondstore screenlake review /data/phones --decisions ~/Downloads/decisions-ID.json",
    "bondstore screenlake review /data/phones --cover 3f9c02ab7e --confirm 51d0aa93c4,9be7714f20 --clear 77ab01c9d2",
    "bondstore screenlake review /data/phones --query-id ID --add-box img_1.jpg@120,400,80,96 --json",
)


def command(
    dest: Annotated[str, typer.Argument(metavar="DEST", help="Where the results are: a folder, or a store's URL.")],
    *,
    query_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Which results, where the folder holds those of several queries.")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=5000, help="Most boxes that the sheet shows.")] = 100,
    decisions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What you decided on the sheet, as it saved it.")
    ] = None,
    sample: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=3000,
            help="Images drawn at random, to look for faces that were missed: 59 say under 5 %, 299 under 1 %.",
        ),
    ] = 59,
    confirm: Annotated[
        list[str] | None,
        typer.Option("--confirm", metavar="ID[,ID]", help="Right as it is, covered or not; may be repeated."),
    ] = None,
    cover: Annotated[
        list[str] | None,
        typer.Option("--cover", metavar="ID[,ID]", help="A face, and not covered: cover it; may be repeated."),
    ] = None,
    clear: Annotated[
        list[str] | None,
        typer.Option("--clear", metavar="ID[,ID]", help="Covered, but no face: leave it open; may be repeated."),
    ] = None,
    add_box: Annotated[
        list[str] | None,
        typer.Option(
            "--add-box",
            metavar="IMAGE@X,Y,W,H",
            help="Cover this box too: left, top, width, height in pixels of the image; may be repeated.",
        ),
    ] = None,
    dest_profile: options.DestProfile = None,
    group: options.Group = None,
    follow_links: options.FollowLinks = False,
    json: options.Json = False,
) -> None:
    """Write a sheet of what the detector was unsure of, as small crops, worst first; and write down what you decide.

    The sheet is DEST/QUERY-ID/review.html: first boxes that were not covered, then covered ones with low scores, then a
    random sample of the images. Open it in a browser, decide by key or by click, draw boxes where a face was missed,
    save, and hand the file over with --decisions; or type ids. Decisions are added to decisions.jsonl beside it; the
    next `bondstore screenlake process` carries them out, and decided boxes are no longer on the sheet.
    """
    from bondstore.domains.screenlake.review.sheet import box_of, review
    from bondstore.runs.destinations import open_destination
    from bondstore.stores.address import dest_spec

    done = review(
        open_destination(dest_spec(dest, dest_profile, group=group, follow_links=follow_links)),
        query_id,
        limit=limit,
        confirm=_ids(confirm),
        cover=_ids(cover),
        clear=_ids(clear),
        add_box=[box_of(text) for text in add_box or ()],
        decisions=None if decisions is None else decisions.expanduser(),
        sample=sample,
    )
    if json:
        output.display(done.shown, (), json=True)
        output.display_one(done, json=True)
        return
    output.display_one(
        {"sheet": done.path, "not covered": done.not_covered, "covered": done.covered, "left": done.left}
    )
    for line in done.told():
        output.note(line)


def _ids(some: list[str] | None) -> list[str]:
    return [one for text in some or () for one in text.split(",") if one.strip()]
