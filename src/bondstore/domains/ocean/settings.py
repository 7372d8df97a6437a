"""What is asked of a quality-control run, as a value that can be recorded and built again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from bondstore.domains.ocean.qc.suite import Suite, load_suite, parse_suite, suite_names
from bondstore.errors import UsageError
from bondstore.version import TOOL

Form = Literal["netcdf", "parquet", "both"]
Style = Literal["plain", "aodn"]
Per = Literal["profile", "deployment"]
LAYOUT = 5
"""Counted up when the same settings come to write other files."""


@dataclass(frozen=True, slots=True)
class QcSettings:
    """How profiles are tested and written.

    Parameters
    ----------
    suite : str
        The tests: a name, or the whole text of a TOML file of one's own.
    form : {"netcdf", "parquet", "both"}
        What is written.
    style : {"plain", "aodn"}
        How files are named.
    plots : bool
        Draw each profile beside its file.
    per : {"profile", "deployment"}
        Whether each object has a netCDF file of its own, or each deployment of a sensor.
    metadata : str
        The text of the table of deployments, without its contact columns; empty for none.
    attributes : str
        The text of the TOML with licence, creator and so on; empty for none.
    columns : str
        The text of the TOML that maps the columns of plain CSVs; empty for none.
    folder : str
        Where the TOML of the tests lay: names of files in it start from there. It decides nothing that is written; what
        those files hold does.
    exclusion_list : str
        The text of Argo's list of sensors that must not be used; empty for none.
    """

    suite: str
    form: Form = "netcdf"
    style: Style = "plain"
    plots: bool = False
    metadata: str = ""
    attributes: str = ""
    columns: str = ""
    folder: str = ""
    per: Per = "profile"
    exclusion_list: str = ""

    def __post_init__(self) -> None:
        if self.form not in ("netcdf", "parquet", "both"):
            raise UsageError(f"The form {self.form!r} is unknown.", hint="Choose one of: netcdf, parquet, both.")
        if self.style not in ("plain", "aodn"):
            raise UsageError(f"The style {self.style!r} is unknown.", hint="Choose one of: plain, aodn.")
        if self.per not in ("profile", "deployment"):
            raise UsageError(f"There are no files per {self.per!r}.", hint="Choose one of: profile, deployment.")
        if self.per == "deployment" and (self.style == "aodn" or self.plots):
            raise UsageError(
                "AODN's names and pictures are for files per profile.",
                hint="Leave them out; bondstore ocean plot draws what is in files per deployment.",
            )

    @property
    def files(self) -> bool:
        """Whether each object becomes a netCDF file."""
        return self.form in ("netcdf", "both") and self.per == "profile"

    @property
    def gathered(self) -> bool:
        """Whether each deployment becomes a netCDF file."""
        return self.form in ("netcdf", "both") and self.per == "deployment"

    @property
    def tables(self) -> bool:
        """Whether there is a Parquet table for each month."""
        return self.form in ("parquet", "both")

    def load(self) -> Suite:
        """Return the tests.

        Raises
        ------
        ConfigurationError
            They cannot be used.
        """
        if self.suite in suite_names():
            return load_suite(self.suite)
        return parse_suite(self.suite, "of your own", Path(self.folder) if self.folder else None)

    def params(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    def digest(self) -> str:
        """Return sha256 in hex of all that decides what is written for an object."""
        asked = {**asdict(self), "suite": self.load().digest, "folder": "", "layout": LAYOUT, "tool": TOOL}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def from_params(params: Mapping[str, Any]) -> QcSettings:
    """Return settings as `QcSettings.params` gave them."""
    return QcSettings(**params)  # a run that an earlier version recorded lacks what came later: the defaults
