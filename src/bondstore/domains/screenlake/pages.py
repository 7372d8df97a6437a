"""The reports, one for each panelist and one over all: what a summary says, laid out for ``templates/report.html``."""

from __future__ import annotations

import struct
import warnings
import zlib
from base64 import b64encode
from io import BytesIO
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bondstore.deid.findings import PICTURES
from bondstore.deid.images import formats
from bondstore.domains.screenlake.findings import KINDS
from bondstore.domains.screenlake.paths import content_of
from bondstore.domains.screenlake.review.boxes import FILE, WITH_BOXES, images_in
from bondstore.domains.screenlake.summary import WORST_FIRST, PanelistSummary, summary_of
from bondstore.errors import ConfigurationError
from bondstore.pages import render, stream
from bondstore.text import counted, number_text
from bondstore.zips import ZIPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.findings import FindingKind
    from bondstore.runs.destination import Destination

_TEMPLATE = "bondstore.domains.screenlake/report.html"
_EXAMPLES = 6
"""So many covered images are shown over all."""
_EACH = 2
"""Of one panelist no more than these."""
_TRIES = 24
"""So many images are tried, should some not be readable."""
_WIDE = 240
"""Pixels that an example is wide."""
_NAMED = 100
"""So many of the panelists that were asked for are named."""
# Whatever Pillow raises for a file that it cannot read: an example is left out, the report is not.
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
)

_WRITTEN = {"redacted": "covered", "kept": "clear", "unlooked": "bare"}
"""Outcomes of images that are in the results, with their colours."""
_ELSEWHERE = ("repeated", "outside")
"""Outcomes of images that were left out on purpose."""
_OUTCOMES = {
    "redacted": "A face was found and covered",
    "kept": "Looked at, and no face was found",
    "unlooked": "Nobody looked for faces in them",
    "repeated": "The same image came in an earlier zip too, and is written once",
    "outside": "Captured outside the days asked for",
    "face-stays": "Looked at, and a face was still found after covering",
    "image-undecodable": "Could not be looked at: damaged, cut short, or of a format that is not read here",
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
    "drop": "Text columns emptied, and words in columns that are not known",
}
_EFFORT = {"fast": "fast (misses more)", "default": "default", "careful": "careful (slower, finds more)"}
_BADGES = {"error": "something is missing", "warning": "to know", "info": "handled"}
_STAYS = PICTURES["face-stays"].advice.replace(
    "bondstore screenlake review --add-box", "`bondstore screenlake review DEST --add-box`"
)


def panelist_report(summary: PanelistSummary, examples: Sequence[tuple[str, bytes | None]]) -> bytes:
    """Return the report of one panelist; an example (name, content) that could not be read is left out."""
    rows = sum(one.rows for one in summary.tables.values())
    images = sum(summary.images.values())
    return render(
        _TEMPLATE,
        title=f"Panelist {summary.panelist}",
        what="Panelist",
        who=summary.panelist,
        lead=f"{counted(images, 'image')} and {counted(rows, 'row')} out of {counted(summary.zips, 'zip')}.",
        failed=0,
        facts=_facts(summary),
        panelists=None,
        examples=[_example(label, jpeg) for label, data in examples if (jpeg := thumbnail(data)) is not None],
        files=("redactions.jsonl", "summary.json", "metadata/", "images/"),
    ).encode()


def overall_report(query: str, dest: Destination, folders: Sequence[str], failed: int) -> Iterator[bytes]:
    """Yield the report over the panelists' folders, each with its ``summary.json``; `failed` zips were not fetched.

    Summaries are read one by one, twice, so that memory does not grow with the panelists.
    """
    total = PanelistSummary("")
    for folder in folders:
        total.add_panelist(_summary(dest, folder))
    zips, images = counted(total.zips, "zip"), counted(sum(total.images.values()), "image")
    return stream(
        _TEMPLATE,
        title=f"Screenlake {query}",
        what="Query",
        who=query,
        lead=f"{zips} of {counted(len(folders), 'panelist')}, {images} in them.",
        failed=failed,
        facts=_facts(total) if folders else None,
        panelists=(_panelist(folder.rpartition("/")[2], _summary(dest, folder)) for folder in folders),
        examples=islice(_examples(dest, folders), _EXAMPLES),
        files=("combined/panelists/",),
    )


def _panelist(folder: str, summary: PanelistSummary) -> dict[str, Any]:
    numbers = (
        summary.zips,
        _written(summary),
        summary.boxes,
        summary.unsure,
        sum(_withheld(summary).values()),
        sum(one.rows for one in summary.tables.values()),
    )
    return {"folder": quote(folder), "name": summary.panelist, "numbers": numbers}


def _examples(dest: Destination, folders: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield covered images of the first panelists that have some."""
    tries = 0
    for folder in folders:
        if not _summary(dest, folder).boxes:
            continue
        shown: set[str] = set()
        for image in images_in(dest, f"{folder}/{FILE}", holding=WITH_BOXES):
            if len(shown) == _EACH or tries == _TRIES:
                break
            if not image.image or not image.covered or image.image in shown:
                continue
            tries += 1
            data = content_of(dest, f"{folder}/images/{image.image}")
            jpeg = thumbnail(data)
            if jpeg is not None:
                shown.add(image.image)
                yield _example(image.image, jpeg)
        if tries == _TRIES:
            return


def _example(label: str, jpeg: bytes) -> dict[str, str]:
    return {"name": label, "source": f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"}


def _summary(dest: Destination, folder: str) -> PanelistSummary:
    path = f"{folder}/summary.json"
    try:
        return summary_of(dest.read(path))
    except (OSError, ValueError, KeyError, TypeError) as error:  # one that is gone is an OSError too
        raise ConfigurationError(
            f"{dest.shown}/{path} cannot be read as it was written.",
            hint="Remove the file and run the same `bondstore screenlake process` again: it is made anew.",
        ) from error


def thumbnail(data: bytes | None) -> bytes | None:
    """Return a shrunk copy of an image as JPEG, or None where it cannot be read."""
    from PIL import Image

    if data is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=formats()) as image:
                image.draft("RGB", (_WIDE, _WIDE * image.height // max(1, image.width)))
                image.thumbnail((_WIDE, 4 * _WIDE))
                out = BytesIO()
                image.convert("RGB").save(out, "JPEG", quality=72, subsampling=2)
                return out.getvalue()
    except (*_UNREADABLE, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None


def _facts(summary: PanelistSummary) -> dict[str, Any]:
    """Return what a report shows of a summary."""
    images, held = summary.images, _withheld(summary)
    stays, gone = held.get("face-stays", 0), held.get("image-gone", 0)
    return {
        "tiles": _tiles(summary),
        "images": sum(images.values()),
        "written": _written(summary),
        "kept": images.get("kept", 0),
        "unlooked": images.get("unlooked", 0),
        "unseen": sum(held.values()) - stays - gone,
        "gone": gone,
        "stays": stays,
        "stays_advice": _STAYS,
        "unsure": summary.unsure,
        "bar": [*((colour, images.get(word, 0)) for word, colour in _WRITTEN.items()), ("held", sum(held.values()))],
        "outcomes": [
            (title, [_outcome(word, summary) for word in words if images.get(word)])
            for title, words in (
                ("Written", tuple(_WRITTEN)),
                ("Withheld: not in the results", tuple(held)),
                ("Left out on purpose", _ELSEWHERE),
            )
        ],
        "tables": sorted(summary.tables.items()),
        "repaired": summary.repaired,
        "aside": any(one.aside for one in summary.tables.values()),
        "dropped": summary.marks.get("DROPPED", 0),
        "marks": [(mark, number) for mark, number in summary.marks.items() if mark != "DROPPED"],
        "findings": _findings(summary),
        **_settings(summary.handling),
    }


def _written(summary: PanelistSummary) -> int:
    return sum(summary.images.get(word, 0) for word in _WRITTEN)


def _withheld(summary: PanelistSummary) -> dict[str, int]:
    """Return the images that are not in the results though they belong there, by reason."""
    return {word: number for word, number in summary.images.items() if word not in (*_WRITTEN, *_ELSEWHERE)}


def _tiles(summary: PanelistSummary) -> list[dict[str, Any]]:
    held, images = sum(_withheld(summary).values()), summary.images
    unlooked = images.get("unlooked", 0)
    nobody = "nobody looked for faces" if summary.handling.get("redact") == "none" else ""
    faces = f"in {counted(images.get('redacted', 0), 'image')}" if summary.boxes else nobody
    unsure = "not covered; look at them" if summary.unsure else nobody
    rows = sum(one.rows for one in summary.tables.values())
    some = (
        ("zips", summary.zips, "", ""),
        ("images written", _written(summary), f"{number_text(unlooked)} of them not looked at" if unlooked else "", ""),
        ("faces covered", summary.boxes, faces, ""),
        ("unsure boxes", summary.unsure, unsure, "warn" if summary.unsure else ""),
        ("images withheld", held, "not in the results" if held else "", "bad" if held else ""),
        ("rows", rows, f"in {counted(len(summary.tables), 'table')}", ""),
    )
    return [dict(zip(("label", "number", "more", "tone"), one, strict=True)) for one in some]


def _outcome(word: str, summary: PanelistSummary) -> dict[str, Any]:
    colour = _WRITTEN.get(word, "none" if word in _ELSEWHERE else "held")
    return {"colour": colour, "said": _outcome_said(word, summary.handling), "number": summary.images[word]}


def _outcome_said(word: str, handling: Mapping[str, Any]) -> str:
    if word == "redacted" and handling.get("ocr"):
        return "A face, or text with an address or a number, was found and covered"
    if word in _OUTCOMES:
        return _OUTCOMES[word]
    kind = _kind_of(word)
    said = kind.sentence if kind else word
    return f"Could not be looked at: {said[:1].lower()}{said[1:].rstrip('.')}"


def _findings(summary: PanelistSummary) -> list[dict[str, Any]]:
    return [
        {
            "word": word,
            "severity": severity,
            "badge": _BADGES.get(severity, severity),
            "kind": _kind_of(word),
            "message": message,
            "zips": zips,
            "times": times,
        }
        for word, severity, message, zips, times in sorted(
            summary.findings, key=lambda one: (WORST_FIRST[one[1]], one[0])
        )
    ]


def _kind_of(word: str) -> FindingKind | None:
    return KINDS.get(word) or PICTURES.get(word) or ZIPS.get(word)


def _settings(handling: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked for, in words."""
    redact, effort, text = (str(handling.get(name, "")) for name in ("redact", "effort", "text"))
    selection = handling.get("selection") or {}  # as `Question.told` writes it
    panelists = sorted(selection.get("panelists") or ())
    return {
        "redact": redact,
        "faces": _REDACT.get(redact, redact),
        "effort": _EFFORT.get(effort, effort),
        "detector": str(handling.get("detector") or "unknown")[:12],
        "model": PurePath(str(handling["model"])).name if handling.get("model") else "",
        "ocr": handling.get("ocr"),
        "text": text,
        "text_said": _TEXT.get(text, text),
        "parquet": handling.get("parquet"),
        "days": _days(selection),
        "panelists": len(panelists),
        "panelists_named": panelists[:_NAMED],
        "panelists_more": len(panelists[_NAMED:]),
    }


def _days(selection: Mapping[str, Any]) -> str:
    since, until = selection.get("since"), selection.get("until")
    by, zone = str(selection.get("by", "uploaded")), str(selection.get("zone", "UTC"))
    what = f"by the day of {'capture' if by == 'captured' else 'upload'} in {zone}"
    if since and until:
        return f"{since} to {until}, both included, {what}"
    if since or until:
        return f"{f'from {since}' if since else f'up to {until}'}, that day included, {what}"
    return "all"
