"""Survey answers turned round: a row for each submission, a column for each question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.domains.beiwe.reading.localtime import LOCAL_TIME
from bondstore.domains.beiwe.streams import ANSWER_TEXT, TIMESTAMP, UTC_TIME

if TYPE_CHECKING:
    import polars as pl

_QUESTION, _TEXT = "question id", "question text"


def submissions(rows: pl.DataFrame) -> pl.DataFrame:
    """Turn rows of answers, with a column ``participant``, round; questions in the order they first come in."""
    import polars as pl

    fixed = [name for name in ("participant", TIMESTAMP, UTC_TIME, LOCAL_TIME) if name in rows.columns]
    asked = rows.filter(pl.col(_QUESTION).is_not_null())
    names = _names(asked)
    values = asked.select(
        *fixed,
        pl.col(_QUESTION).replace_strict(names, default=None, return_dtype=pl.String).alias(_QUESTION),
        pl.coalesce(ANSWER_TEXT, "answer").alias("answer"),
    )
    wide = values.pivot(_QUESTION, index=fixed, values="answer", aggregate_function="last")
    # a submission in which nothing was asked is one, too
    everyone = rows.select(fixed).unique(maintain_order=True)
    return everyone.join(wide, on=fixed, how="left", maintain_order="left")


def _names(asked: pl.DataFrame) -> dict[str, str]:
    """Name the column of each question: its last text, and its id where another question has the same."""
    import polars as pl

    last = asked.sort(TIMESTAMP, maintain_order=True).group_by(_QUESTION, maintain_order=True)
    texts = dict(last.agg(pl.col(_TEXT).drop_nulls().last()).iter_rows())
    number: dict[str, int] = {}
    for text in texts.values():
        number[text or ""] = number.get(text or "", 0) + 1
    taken = {"participant", TIMESTAMP, UTC_TIME, LOCAL_TIME}
    return {
        one: text if text and number[text] == 1 and text not in taken else f"{text or ''} ({one})".strip()
        for one, text in texts.items()
    }
