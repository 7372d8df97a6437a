"""Survey answers: raw only, one file for each time that a survey was submitted.

Its rows are not as those of other streams: they carry no time, free text may go on in the next line, and Android writes
the place of a radio answer among the options in place of the answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.reading.parse_repair import LINE_BREAK, SEPARATOR, Repaired, decoded

if TYPE_CHECKING:
    from bondstore.domains.beiwe.layout import BeiweObject

_INDEX_ANSWERS_SINCE_MS = 1_480_982_400_000  # 2016-12-06: Android writes the position of a radio answer, not its text
_FIELDS = 5
_ANDROID_TYPE = re.compile(r"[A-Z].* ")  # "Radio Button Question"; iOS writes "radio_button"
_OPEN = frozenset({"free_response", "open_response"})
_TYPES = _OPEN | {"checkbox", "date", "date_time", "info_text_box", "radio_button", "slider", "time"}
_I = re.compile(r"I\b")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


def answer_rows(obj: BeiweObject, plain: bytes) -> Repaired:
    """Read the rows of one object: the file's time becomes that of each, the survey id the first column."""
    repaired = Repaired()
    stamp = str(obj.time_ms or 0)
    if not obj.survey_id:
        repaired.note("empty-survey-id", 0)
    rows: list[list[str]] = []
    blank, is_whole = 0, True
    for number, line in enumerate(plain.splitlines()[1:], 1):
        if not line:
            blank += 1
            continue
        text = decoded(line)
        if text is None:
            repaired.lost.append(number)
            is_whole = False  # what follows may belong to it
        elif is_whole and rows and _goes_on(rows[-1], text):
            rows[-1][-1] += LINE_BREAK * (blank + 1) + text
            repaired.note("line-break-in-answer", number)
        else:
            rows.append(_fields(repaired, number, text, obj.time_ms or 0))
            is_whole = True
        blank = 0
    for row in rows:
        as_text = answer_text(row[3], row[4]) if _is_option_index(row[1], row[4], obj.time_ms or 0) else row[4]
        repaired.rows.append(SEPARATOR.join((stamp, obj.survey_id or "", *row, as_text)))
    return repaired


def _fields(repaired: Repaired, number: int, text: str, time_ms: int) -> list[str]:
    fields = text.split(",", _FIELDS - 1)
    if len(fields) < _FIELDS or "," in fields[-1]:
        repaired.note("ragged-rows", number)
        fields += [""] * (_FIELDS - len(fields))
    if _is_option_index(fields[1], fields[-1], time_ms):
        repaired.note("option-index-answers", number)
    return fields


def _goes_on(before: list[str], text: str) -> bool:
    """Whether a line is no row of its own, but goes on with the free text of the row before."""
    if _type(before[1]) not in _OPEN:
        return False
    fields = text.split(",")
    return not (_ID.fullmatch(fields[0]) or (len(fields) > 1 and _type(fields[1]) in _TYPES))


def _type(words: str) -> str:
    return words.lower().removesuffix(" question").replace(" ", "_")


def _is_option_index(question_type: str, answer: str, time_ms: int) -> bool:
    """Whether an answer is a position among the options rather than the option's text."""
    return (
        time_ms >= _INDEX_ANSWERS_SINCE_MS
        and _ANDROID_TYPE.match(question_type) is not None
        and "Radio" in question_type
        and answer.strip().isdecimal()
    )


def answer_text(options: str, answer: str) -> str:
    """Return the option at a position (from 0); nothing where options cannot be told apart for sure.

    A comma of an option became `;`, which also parts options: in a list in brackets (Android) with a blank behind it,
    else without. What looks like the end of a sentence (a blank where none parts options, an empty option, one in small
    letters behind one in capitals) is taken for such a comma.
    """
    inside = options.strip()
    is_list = inside.startswith("[") and inside.endswith("]")
    inside = inside[1:-1] if is_list else inside
    choices = inside.split("; " if is_list else ";")
    place = int(answer)
    starts = [one[:1] for one in choices]
    doubtful = not all(starts) or any(one.isspace() for one in starts)
    doubtful = doubtful or (starts[0].isupper() and any(one.islower() for one in starts))
    doubtful = doubtful or (not _I.match(choices[0]) and any(_I.match(one) for one in choices))  # "Yes, I do"
    return "" if doubtful or place >= len(choices) else choices[place]
