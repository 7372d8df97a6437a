"""What each handler needs to run, as measured by what it imports (`tests/aws/test_packing_real.py` keeps it true)."""

from __future__ import annotations

from collections.abc import Mapping

REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    "participants": ("obstore>=0.12,<0.13",),
    "profile": (
        "obstore>=0.12,<0.13",
        "numpy>=2,<2.4",
        # later ones weigh 60 MB more, and would not leave room for the others
        "polars>=1.30,<1.31",
        "gsw>=3.6.19",
        "jinja2>=3.1.5",
    ),
}
"""By handler. boto3 is part of Lambda's own runtimes. pandas and pyarrow are never imported by a handler that tests,
writes, draws and mails."""

EXTRAS: Mapping[str, tuple[str, ...]] = {
    # from 3.11 on it imports fontTools (23 MB) even to draw a PNG
    "plots": ("matplotlib>=3.9,<3.11",),
    "netcdf": ("netCDF4>=1.7.2",),
}
"""More for the profile handler: pictures, and profiles that arrive as netCDF."""

UNUSED = frozenset({"fonttools", "pytz", "tzdata", "pip", "setuptools", "certifi"})
"""Wheels that the above name as theirs and that no handler imports, by normalised name."""

PYTHONS = {"3.11": 26, "3.12": 34, "3.13": 34, "3.14": 34}
"""Lambda's Python runtimes that Bondstore runs on, with the minor version of their glibc (2.x)."""
ARCHITECTURES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""As Lambda calls them, and as wheels do."""


def platforms(python: str, architecture: str) -> list[str]:
    """Return the tags of wheels that run there, the best first.

    Parameters
    ----------
    python : str
        One of `PYTHONS`.
    architecture : str
        One of `ARCHITECTURES`.
    """
    machine = ARCHITECTURES[architecture]
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(PYTHONS[python], 16, -1)]
    return [*tags, f"manylinux2014_{machine}"]
