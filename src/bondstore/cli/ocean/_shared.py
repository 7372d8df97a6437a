"""Options that the commands over ocean profiles share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Columns = Annotated[
    Path | None, typer.Option(metavar="TOML", help="Which column is what, for CSVs that are no sensor's own.")
]
Metadata = Annotated[
    Path | None,
    typer.Option(metavar="CSV", help="Deployments: serial number, dates supplied and returned, vessel."),
]
ExclusionList = Annotated[
    str | None,
    typer.Option(metavar="FILE|URL", help="Argo's list of sensors not to be used (ar_greylist.txt), for test 15."),
]
DestProfile = Annotated[
    str | None, typer.Option(metavar="NAME", help="Named settings to open DEST with; else those of SRC.")
]
