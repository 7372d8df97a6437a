"""Options that the commands over ocean profiles share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Columns = Annotated[
    Path | None, typer.Option(metavar="TOML", help="Which column is what, for CSVs that are no sensor's own.")
]
DestProfile = Annotated[
    str | None, typer.Option(metavar="NAME", help="Named settings to open DEST with; else those of SRC.")
]
