"""Where the outputs of quality control lie below a destination."""

from __future__ import annotations

from itertools import pairwise

RECORD = ".json"
STATUS = "status.csv"
TABLES = "parquet/"
DEPLOYMENTS = "deployments/"
_DRAWN = tuple(f"_{what}.{form}" for what in ("map", "section", "ts") for form in ("png", "svg"))


def record_path(path: str) -> str:
    """Return where the release record of a file lies: beside it."""
    return path + RECORD


def plot_path(path: str) -> str:
    """Return where the picture of a file lies: beside it."""
    return path.removesuffix(".nc") + ".png"


def deployment_path(name: str) -> str:
    """Return where the file of a deployment lies."""
    return f"{DEPLOYMENTS}{name}_qc.nc"


def part_path(name: str, path: str) -> str:
    """Return what an object is filed under whose profiles go into the file of a deployment: no file lies there."""
    return f"{DEPLOYMENTS}{name}/{path}"


def deployment_of(path: str) -> str:
    """Return the deployment that an object is filed under; empty where it has a file of its own."""
    folder, _, rest = path.removeprefix(DEPLOYMENTS).partition("/")
    return folder if rest and path.startswith(DEPLOYMENTS) else ""


def month_path(month: str) -> str:
    """Return where the table of a month (``YYYY/MM``) lies."""
    year, number = month.split("/")
    return f"{TABLES}year={year}/month={number}/profiles.parquet"


def is_by_product(path: str) -> bool:
    """Tell whether quality control or the drawing of maps wrote this, with no release record, as it should be."""
    return path == STATUS or path.startswith(TABLES) or path.endswith(_DRAWN)


def month_of(path: str) -> str:
    """Return the month of an output as ``YYYY/MM``, of the plain or of the AODN layout; empty where it has none."""
    parts = path.split("/")
    for year, month in pairwise(parts):
        if len(year) == 4 and len(month) == 2 and (year + month).isdigit():
            return f"{year}/{month}"
    return ""
