"""What the reports say: outcomes, findings and settings in plain words. Computed from a summary; nothing is read."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from bondstore.deid.kinds import PICTURES
from bondstore.domains.screenlake.findings import KINDS
from bondstore.domains.screenlake.markup import Content, Markup, element, joined, prose
from bondstore.domains.screenlake.pages import Tile, counted, name, notice, number
from bondstore.zips import ZIPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bondstore.domains.screenlake.summary import PanelistSummary
    from bondstore.findings import FindingKind

WRITTEN = ("redacted", "kept", "unlooked")
"""Outcomes of images that stand in the results."""
ELSEWHERE = ("repeated", "outside")
"""Outcomes of images that were left out on purpose."""
_OUTCOMES = {
    "redacted": "A face was found and covered",
    "kept": "Looked at, and no face was found",
    "unlooked": "Nobody looked for faces in them",
    "repeated": "The same image came in an earlier zip too, and is written once",
    "outside": "Captured outside the days asked for",
    "face-stays": "Looked at, and a face was still found after covering",
    "image-undecodable": "Could not be looked at: damaged, cut short, of an unknown format or with several frames",
    "image-too-large": "Could not be looked at: too large to be opened",
    "could-not-look": "Could not be looked at: the detector failed on it",
    "image-gone": "Written by an earlier run, and gone from the folder since",
}
_REDACT = {
    "fill": "Filled with black",
    "blur": "Blurred",
    "none": "Nobody looked for faces; nothing was covered",
}
_TEXT = {
    "keep": "Kept as it came",
    "patterns": "Addresses and numbers replaced by marks such as [EMAIL]",
    "drop": "Text columns emptied; addresses and numbers elsewhere replaced by marks",
}
_EFFORT = {"fast": "fast (misses more)", "default": "default", "careful": "careful (slower, finds more)"}


def kind_of(word: str) -> FindingKind | None:
    """Return the kind of finding behind a word; None where no registry knows it."""
    return KINDS.get(word) or PICTURES.get(word) or ZIPS.get(word)


def outcome(word: str, handling: Mapping[str, Any]) -> str:
    """Say what became of an image."""
    if word == "redacted" and handling.get("ocr"):
        return "A face, or text with an address or a number, was found and covered"
    if word in _OUTCOMES:
        return _OUTCOMES[word]
    kind = kind_of(word)
    said = kind.sentence if kind else word
    return f"Could not be looked at: {said[:1].lower()}{said[1:].rstrip('.')}"


def written(summary: PanelistSummary) -> int:
    """Return the number of images in the results."""
    return sum(summary.images.get(word, 0) for word in WRITTEN)


def withheld(summary: PanelistSummary) -> dict[str, int]:
    """Return the images that are not in the results though they belong there, by reason."""
    return {word: count for word, count in summary.images.items() if word not in (*WRITTEN, *ELSEWHERE)}


def headline(summary: PanelistSummary) -> list[Tile]:
    """Return the numbers that stand on top of a report."""
    held, images = sum(withheld(summary).values()), summary.images
    unlooked = images.get("unlooked", 0)
    nobody = "nobody looked for faces" if summary.handling.get("redact") == "none" else ""
    faces = f"in {counted(images.get('redacted', 0), 'image')}" if summary.boxes else nobody
    unsure = "not covered; look at them" if summary.unsure else nobody
    rows = sum(one.rows for one in summary.tables.values())
    return [
        Tile("zips", summary.zips),
        Tile("images written", written(summary), f"{number(unlooked)} of them not looked at" if unlooked else ""),
        Tile("faces covered", summary.boxes, faces),
        Tile("unsure boxes", summary.unsure, unsure, "warn" if summary.unsure else ""),
        Tile("images withheld", held, "not in the results" if held else "", "bad" if held else ""),
        Tile("rows", rows, f"in {counted(len(summary.tables), 'table')}"),
    ]


def warnings(summary: PanelistSummary) -> Iterator[Markup]:
    """Yield what a person must know before using the results."""
    redact, text = summary.handling.get("redact"), summary.handling.get("text")
    unlooked, images = summary.images.get("unlooked", 0), written(summary)
    if redact == "none":
        yield notice(
            "Nobody looked for faces",
            "Faces were neither looked for nor covered (--redact none): the images show everybody who was on the "
            "screen. Nothing in this report says that an image has no face.",
            tone="bad",
        )
    elif unlooked:
        yield notice(
            f"Nobody looked for faces in {counted(unlooked, 'image')}",
            "They stem from an earlier run with --redact none whose zips could not be done anew.",
            tone="bad",
        )
    held = withheld(summary)
    stays, gone = held.get("face-stays", 0), held.get("image-gone", 0)
    unseen = sum(held.values()) - stays - gone
    if unseen:
        yield notice(
            f"{counted(unseen, 'image')} could not be looked at",
            "Could not look is not the same as no face: nothing of these images was written. They are named, with the "
            "reason, in ",
            element("code", "redactions.jsonl"),
            ".",
            tone="bad",
        )
    if gone:
        yield notice(
            f"{counted(gone, 'image')} gone from the folder",
            "An earlier run wrote them, and their zips cannot be fetched now.",
            tone="bad",
        )
    if stays:
        yield notice(
            f"{counted(stays, 'image')} withheld, as a face was still found",
            prose(PICTURES["face-stays"].advice.replace("bondstore screenlake review --add-box", _BOX)),
            tone="bad",
        )
    if summary.tables:
        yield _of_text(str(text), summary)
    if images:
        yield _of_pixels(summary)


_BOX = "`bondstore screenlake review DEST --add-box`"


def _of_text(text: str, summary: PanelistSummary) -> Markup:
    if text == "drop":
        emptied = summary.marks.get("DROPPED", 0)
        return notice(
            "Text columns were emptied",
            f"{counted(emptied, 'value')} were taken out of the tables' text columns. ",
            "Columns that are not known to hold text were searched for addresses and numbers: ",
            _marks(summary),
            ". Names in such columns stay.",
        )
    if text == "patterns":
        return notice(
            "Most on-screen text is still in the tables",
            "Addresses and numbers in the tables' text columns were replaced by marks: ",
            _marks(summary),
            ". Patterns miss names, and whatever is not written the usual way: everything else that was on the screen "
            "is still there.",
        )
    return notice(
        "On-screen text is still in the tables",
        "Everything that was on the screen is still in the tables' text columns: messages, names, addresses, numbers. "
        "Covering faces in images does not change them. To take text out, process with ",
        element("code", "--text patterns"),
        " or ",
        element("code", "--text drop"),
        ".",
    )


def _marks(summary: PanelistSummary) -> Markup:
    found = [(mark, count) for mark, count in summary.marks.items() if mark != "DROPPED"]
    if not found:
        return joined("none was found")
    parts = [joined((number(count), " ", element("code", f"[{mark}]"))) for mark, count in found]
    return joined((parts[0], *(joined((", ", one)) for one in parts[1:])))


def _of_pixels(summary: PanelistSummary) -> Markup:
    searched = summary.handling.get("ocr")
    said = (
        "Text with addresses and numbers was looked for in the images and covered; all other text on the screen can be "
        "read in them."
        if searched
        else "Only faces were covered. Whatever was written on the screen, names and messages too, can be read in the "
        "images."
    )
    if summary.handling.get("redact") == "none" and not searched:
        said = "Whatever was written on the screen, names and messages too, can be read in the images."
    return notice("On-screen text is still in the images", said)


def settings(summary: PanelistSummary) -> Iterator[tuple[str, Content]]:
    """Yield what was asked for, in words."""
    handling = summary.handling
    redact, effort = str(handling.get("redact", "")), str(handling.get("effort", ""))
    yield "Faces", _REDACT.get(redact, redact)
    if redact != "none":
        yield "Effort", _EFFORT.get(effort, effort)
        yield "Detector", (name(str(handling.get("detector") or "unknown")[:12]), " (start of its digest)")
    if handling.get("model"):
        yield "Model", name(PurePath(str(handling["model"])).name)
    yield "Text in images", "addresses and numbers covered" if handling.get("ocr") else "not looked for"
    text = str(handling.get("text", ""))
    yield "Text in tables", _TEXT.get(text, text)
    yield "Tables", "CSV and Parquet" if handling.get("parquet") else "CSV"
    window = handling.get("window") or {}
    yield "Days", _days(window)
    if window.get("panelists"):
        yield "Panelists", f"only {counted(len(window['panelists']), 'named one')}"


def _days(window: Mapping[str, Any]) -> str:
    since, until = window.get("since"), window.get("until")
    by, zone = str(window.get("by", "uploaded")), str(window.get("zone", "UTC"))
    what = f"by the day of {'capture' if by == 'captured' else 'upload'} in {zone}"
    if since and until:
        return f"{since} to {until}, both included, {what}"
    if since or until:
        return f"{f'from {since}' if since else f'up to {until}'}, that day included, {what}"
    return "all"
