"""``bondstore neuro show``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.neuro.show import Shown

EXAMPLES = (
    "bondstore neuro show recording.edf",
    "bondstore neuro show recording.edf --html recording.html --from 60 --seconds 20",
    "bondstore neuro show 's3://VAULT/eeg#1ab2cd3e_edf/1ab2cd3e_1.edf' --names staff.txt --json",
)
MOST = 20
"""Annotations that are shown on a terminal."""


def command(
    file: Annotated[
        str, typer.Argument(metavar="FILE|URL[#PATH]", help="A file, an object, or with #PATH a file of a vault.")
    ],
    *,
    names: Annotated[
        str | None, typer.Option(metavar="FILE", help="People to look for besides those in the header, one a line.")
    ] = None,
    html: Annotated[str | None, typer.Option(metavar="FILE", help="Write a page with a plot of each signal.")] = None,
    start: Annotated[
        float, typer.Option("--from", metavar="SECONDS", min=0, help="Plot signals from this second on.")
    ] = 0.0,
    seconds: Annotated[float, typer.Option(metavar="SECONDS", help="Plot so many seconds.")] = 10.0,
    replace: Annotated[bool, typer.Option("--replace", help="Write over the page if it is there.")] = False,
    key: options.OwnKey = None,
    passphrase: options.Passphrase = None,
    profile: options.Profile = None,
    json: options.Json = False,
) -> int:
    """Show a recording (EDF, EDF+, BDF, BDF+): header, signals, annotations, and whether identity is in it.

    What identifies somebody is named by place and kind, and never shown. A name that is neither in the header nor in
    --names is not recognized: read the annotations. Files that other programs refuse are shown too, and what is odd in
    them is listed on stderr. The file is not changed; to find annotations, all of it is read once.
    """
    from bondstore.domains.neuro.page import page_of
    from bondstore.domains.neuro.show import show
    from bondstore.modes import write_private

    page = None if html is None else _page_named(html, replace=replace)
    shown = show(file, names=names, key=key, passphrase=passphrase, profile=profile)
    if page is not None:
        write_private(page, page_of(shown, start, seconds).encode(), new=not replace)
    if json:
        output.display(_records(shown), (), json=True)
    else:
        _print(shown)
    for finding in shown.recording.findings:
        where = f", {finding.where}" if finding.where else ""
        many = f" ({finding.count:,} times)" if finding.count > 1 else ""
        output.note(f"{finding.severity.value}: {finding.kind}{where}: {finding.message}{many}")
    if page is not None:
        output.note(f"The page is {page}.")
    return 0


def _page_named(name: str, *, replace: bool) -> Path:
    """Return where the page goes; refuse what is there already, and what is no page's name."""
    path = Path(name)
    if path.suffix.lower() not in (".html", ".htm") or "://" in name:
        raise UsageError("A page is a file of this machine that ends in .html.", hint="Such as: --html recording.html")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UsageError(f"{path} is a folder, or in none.", hint="Name a file in a folder that exists.")
    if path.exists() and not replace:
        raise UsageError(f"{path} exists already.", hint="Name another file, or add --replace.")
    return path


def _records(shown: Shown) -> Iterator[dict[str, Any]]:
    one = shown.recording
    yield {
        "kind": "recording",
        "name": shown.name,
        "format": one.kind,
        "start": None if one.start is None else one.start.isoformat(),
        "seconds": one.stop_s,
        "records": one.records,
        "record_seconds": one.record_s,
        "signals": len(one.signals),
        "annotations": len(shown.annotations),
        "verdict": shown.verdict,
        "people_looked_for": shown.known,
        "doubtful_annotations": shown.doubtful,
    }
    for (place, what), count in sorted(shown.identity.items()):
        yield {"kind": "identity", "place": place, "what": what, "count": count}
    for field in shown.fields:
        yield {"kind": "field", "place": field.place, "before": field.before, "after": field.after}
    for number, signal in enumerate(one.signals):
        yield {
            "kind": "signal",
            "number": number,
            "label": shown.masked(signal.label),
            "unit": shown.masked(signal.unit),
            "rate": signal.rate,
            "physical": signal.physical,
            "digital": signal.digital,
        }
    for each in shown.annotations:
        hidden = [part.hidden for part in each.parts if part.hidden]
        yield {
            "kind": "annotation",
            "onset": each.onset,
            "duration": each.duration,
            "text": each.text,
            "hidden": hidden,
        }
    for finding in one.findings:
        yield {
            "kind": "finding",
            "finding": finding.kind,
            "severity": finding.severity.value,
            "where": finding.where,
            "count": finding.count,
            "message": finding.message,
        }


def _print(shown: Shown) -> None:
    from bondstore.domains.neuro.page import VERDICTS, facts_of, signal_row, verdict_text, words

    output.display_one({"file": shown.name, **dict(facts_of(shown))})
    for title, rows in (
        ("Header", [(one.place, _listed(one.before), _listed(one.after)) for one in shown.fields]),
        ("Signals", [signal_row(shown, number) for number in range(len(shown.recording.signals))]),
        ("Annotations", [_row(one.onset, one.duration, one.text) for one in shown.annotations[:MOST]]),
    ):
        if rows:
            _say(f"\n{title}")
            heads = _HEADS[title]
            output.display((dict(zip(heads, row, strict=True)) for row in rows), heads)
    if len(shown.annotations) > MOST:
        output.note(f"And {len(shown.annotations) - MOST:,} more annotations: --json shows all.")
    _say(f"\n{VERDICTS[shown.verdict]}")
    if shown.identity:
        found = [
            {"place": place, "kind": words(kind), "times": count}
            for (place, kind), count in sorted(shown.identity.items())
        ]
        output.display(found, ("place", "kind", output.number("times")))
    _say(verdict_text(shown))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


_HEADS = {
    "Header": ("field", "has", "without_identity"),
    "Signals": ("label", "unit", "per_second", "range"),
    "Annotations": ("seconds", "lasts", "text"),
}


def _listed(kinds: tuple[str, ...]) -> str:
    return ", ".join(kind.replace("-", " ") for kind in kinds) or "nothing"


def _row(onset: float, duration: float | None, text: str) -> tuple[str, str, str]:
    return f"{onset:.3f}", "" if duration is None else f"{duration:g}", text
