"""A look at one recording as a page: verdict, a few seconds of each signal, header and annotations without identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bondstore.domains.neuro.drawing import LEFT, RIGHT, TALL, TOP, WIDTH, draw
from bondstore.errors import UsageError
from bondstore.pages.render import render
from bondstore.text import counted, duration_text, number_text

if TYPE_CHECKING:
    from bondstore.domains.neuro.drawing import Drawing
    from bondstore.domains.neuro.show import Shown

MOST = 1000
"""Annotations on a page."""
_LATEST = 1e9
VERDICTS = {
    "identified": "Identity found",
    "doubtful": "Possible names found",
    "nothing-found": "No identity found",
}


def page_of(shown: Shown, start_s: float = 0.0, seconds: float = 10.0) -> str:
    """Return the page.

    Parameters
    ----------
    shown : Shown
        The recording.
    start_s, seconds : float
        From which second on signals are drawn, and how many seconds.

    Raises
    ------
    UsageError
        Nothing can be drawn of no time, or of more than an hour.
    """
    if not (0 < seconds <= 3600 and 0 <= start_s <= _LATEST):
        raise UsageError("Between 0 and 3600 seconds can be drawn, from 0 on.", hint="Such as: --from 60 --seconds 10")
    recording = shown.recording
    drawing = draw(recording, start_s, seconds)
    return render(
        "bondstore.domains.neuro/recording.html",
        name=shown.name,
        facts=facts_of(shown),
        verdict=VERDICTS[shown.verdict],
        tone={"identified": "bad", "doubtful": "warn"}.get(shown.verdict, "plain"),
        told=verdict_text(shown),
        identity=[(place, words(kind), count) for (place, kind), count in sorted(shown.identity.items())],
        drawing=drawing,
        lines=[
            (one, shown.masked(recording.signals[one.number].label), shown.masked(one.unit)) for one in drawing.lines
        ],
        marks=_marks(shown, drawing),
        undrawn=len(recording.signals) - len(drawing.lines),
        left=LEFT,
        width=WIDTH,
        right=RIGHT,
        tall=TALL,
        top=TOP,
        fields=[(one.place, _listed(one.before), _listed(one.after)) for one in shown.fields],
        signals=[signal_row(shown, number) for number in range(len(recording.signals))],
        annotations=[
            (f"{one.onset:.3f}", "" if one.duration is None else f"{one.duration:g}", _worded(one.parts))
            for one in shown.annotations[:MOST]
        ],
        more=max(0, len(shown.annotations) - MOST),
        findings=[(one.severity.value, one.kind, one.where, one.message, one.count) for one in recording.findings],
    )


def facts_of(shown: Shown) -> list[tuple[str, str]]:
    """Return what the header says of the whole recording, as words."""
    one = shown.recording
    length = "unknown"
    if one.stop_s is not None:
        length = duration_text(one.stop_s) + (f" ({one.stop_s:g} s)" if one.stop_s >= 60 else "")
    records = counted(one.records, "record") + ("" if one.record_s is None else f" of {one.record_s:g} s")
    return [
        ("format", one.kind),
        ("start", "unknown" if one.start is None else one.start.isoformat(" ")),
        ("length", length + (", with gaps" if one.kind.endswith("D") else "")),
        ("records", records),
        ("signals", number_text(len(one.signals))),
        ("annotations", number_text(len(shown.annotations))),
    ]


def verdict_text(shown: Shown) -> str:
    """Return what was looked at, and what cannot be seen."""
    others = f"names of {counted(shown.known, 'person', 'people')}" if shown.known else "no name (none is known)"
    doubts = f" {counted(shown.doubtful, 'annotation')} may have a name: read them." if shown.doubtful else ""
    return (
        f"Searched in the header, all annotations and the file's name: {others}, dates of birth, record numbers, phone "
        f"and social security numbers, email addresses.{doubts} A name that is neither in the header nor in --names is "
        "not recognized."
    )


def words(kind: str) -> str:
    """Return a kind as words."""
    return kind.replace("-", " ")


def signal_row(shown: Shown, number: int) -> tuple[str, ...]:
    """Return what the header says of a signal: label, unit, rate, range."""
    one = shown.recording.signals[number]
    lowest, highest = one.physical
    scale = "unknown" if one.scale is None else f"{lowest:g} to {highest:g}"
    rate = "unknown" if one.rate is None else f"{one.rate:g}"
    return shown.masked(one.label), shown.masked(one.unit), rate, scale


def _listed(kinds: tuple[str, ...]) -> str:
    return ", ".join(map(words, kinds)) or "nothing"


def _worded(parts: Any) -> list[tuple[str, str]]:
    return [(part.text, words(part.hidden)) for part in parts]


def _marks(shown: Shown, drawing: Drawing) -> list[tuple[float, int, bool]]:
    """Return where annotations are in the drawing, their rows, and whether something of them is hidden."""
    return [
        (drawing.across(one.onset), row, any(part.hidden for part in one.parts))
        for row, one in enumerate(shown.annotations[:MOST], 1)
        if drawing.start_s <= one.onset < drawing.stop_s
    ]
