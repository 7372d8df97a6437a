"""Where the outputs of quality control lie below a destination."""

from __future__ import annotations

from itertools import pairwise

RECORD = ".json"
STATUS = "status.csv"
TABLES = "parquet/"


def record_path(path: str) -> str:
    """Return where the release record of a file lies: beside it."""
    return path + RECORD


def plot_path(path: str) -> str:
    """Return where the picture of a file lies: beside it."""
    return path.removesuffix(".nc") + ".png"


def month_of(path: str) -> str:
    """Return the month of an output as ``YYYY/MM``, of the plain or of the AODN layout; empty where it has none."""
    parts = path.split("/")
    for year, month in pairwise(parts):
        if len(year) == 4 and len(month) == 2 and (year + month).isdigit():
            return f"{year}/{month}"
    return ""
