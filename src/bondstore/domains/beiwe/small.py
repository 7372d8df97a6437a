"""Parsing a few rows in Python: for one small object this takes less time than waking Arrow's reader threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from bondstore.domains.beiwe.streams import TIMESTAMP, UTC_TIME, HeaderMatch

_MILLISECONDS = pa.timestamp("ms")


def parse_small(buffer: pa.Buffer, match: HeaderMatch, *, utc: pa.DataType | None, separator: str) -> pa.Table | None:
    """Parse rows as `healthy.parse_text` does.

    Parameters
    ----------
    buffer, match, utc, separator
        As there.

    Returns
    -------
    pyarrow.Table or None
        None when anything is not plain: Arrow's own reader shall decide then.
    """
    text = buffer.to_pybytes().decode("utf-8", "replace")
    if not text.endswith("\n"):
        return None
    rows = [line.split(separator) for line in text[:-1].split("\n")]
    width = len(match.names)
    if any(len(row) != width for row in rows):
        return None
    types = {column.name: column.type for column in match.variant.columns} | {TIMESTAMP: "Int64"}
    columns: dict[str, Any] = {}
    try:
        for name, values in zip(match.names, zip(*rows, strict=True), strict=True):
            if name == UTC_TIME and utc == _MILLISECONDS:
                columns[name] = pa.array(np.array(_plain(values), "datetime64[ms]"))
            else:
                columns[name] = _array(values, types.get(name, "String"))
    except (ValueError, OverflowError):  # pyarrow's errors are ValueErrors too
        return None
    return pa.table(columns)


def _array(values: Sequence[str], kind: str) -> Any:
    """Convert one column; an empty field is null."""
    if kind == "Int64":
        return pa.array([int(text) if text else None for text in _plain(values)], pa.int64())
    if kind == "Float64":
        return pa.array([float(text) if text else None for text in _plain(values)], pa.float64())
    return pa.array([text or None for text in values], pa.string())


def _plain(values: Sequence[str]) -> Sequence[str]:
    """Refuse numbers and times of a form that Python knows and Arrow does not: ``+1``, ``1_000``, zones."""
    joined = "".join(values)
    if "+" in joined or "_" in joined or "Z" in joined:
        raise ValueError
    return values
