"""Survey answers: raw-only files without a time column, one file for each time a survey was submitted."""

from __future__ import annotations

import re

from bondstore.domains.beiwe.layout import BeiweObject
from bondstore.domains.beiwe.quirks import SEPARATOR, Repaired, decode

INDEX_ANSWERS_SINCE_MS = 1_480_982_400_000
"""2016-12-06: since then Android writes the position of a radio answer, not its text."""
_FIELDS = 5
_ANDROID_TYPE = re.compile(r"[A-Z].* ")  # "Radio Button Question"; iOS writes "radio_button"


def answer_rows(obj: BeiweObject, plain: bytes) -> Repaired:
    """Read the rows of one survey_answers object.

    Parameters
    ----------
    obj : BeiweObject
        Its file time becomes the timestamp of every row, its survey id the first column.
    plain : bytes
        The text, header included.
    """
    repaired = Repaired()
    stamp = str(obj.time_ms or 0)
    if not obj.survey_id:
        repaired.note("empty-survey-id", 0)
    for number, line in enumerate(plain.splitlines()[1:], 1):
        if not line:
            continue
        text = decode(line)
        if text is None:
            repaired.lost.append(number)
            continue
        fields = text.split(",", _FIELDS - 1)
        if len(fields) < _FIELDS or "," in fields[-1]:
            repaired.note("ragged-rows", number)
            fields += [""] * (_FIELDS - len(fields))
        if is_option_index(fields[1], fields[-1], obj.time_ms or 0):
            repaired.note("option-index-answers", number)
        repaired.rows.append(SEPARATOR.join((stamp, obj.survey_id or "", *fields)))
    return repaired


def is_option_index(question_type: str, answer: str, time_ms: int) -> bool:
    """Whether an answer is a position among the options rather than the option's text."""
    return (
        time_ms >= INDEX_ANSWERS_SINCE_MS
        and _ANDROID_TYPE.match(question_type) is not None
        and "Radio" in question_type
        and answer.strip().isdecimal()
    )
