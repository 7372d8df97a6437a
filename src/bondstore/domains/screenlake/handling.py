"""What is done to what the zips hold: faces covered, text kept or taken out, further forms."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast, get_args

from bondstore.errors import UsageError

Redact = Literal["fill", "blur", "none"]
Text = Literal["keep", "patterns", "drop"]
Effort = Literal["fast", "default", "careful"]
REVISION = 1
"""Counted up when the same zip would give other pictures or rows: then all zips are done again."""


@dataclass(frozen=True, slots=True)
class Handling:
    """How zips are handled.

    Parameters
    ----------
    redact : {"fill", "blur", "none"}
        What covers faces. With ``none`` nobody looks for faces; images still lose EXIF, GPS and thumbnails.
    text : {"keep", "patterns", "drop"}
        Whether text of the screen stays in the tables, loses addresses and numbers, or is taken out.
    effort : {"fast", "default", "careful"}
        How hard faces are looked for.
    model : str or None
        Another detector's ONNX file.
    ocr : bool
        Whether addresses and numbers are looked for in the images as well.
    parquet : bool
        Whether tables are written as Parquet too.

    Raises
    ------
    UsageError
        A word that is none of these.
    """

    redact: Redact = "fill"
    text: Text = "keep"
    effort: Effort = "default"
    model: str | None = None
    ocr: bool = False
    parquet: bool = False

    def __post_init__(self) -> None:
        for what, value, known in (
            ("--redact", self.redact, get_args(Redact)),
            ("--text", self.text, get_args(Text)),
            ("the effort", self.effort, get_args(Effort)),
        ):
            if value not in known:
                raise UsageError(f"{value!r} is unknown for {what}.", hint=f"Choose one of: {', '.join(known)}.")

    def params(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    def digest(self, detector: str) -> str:
        """Return the digest of all that decides what becomes of a zip.

        Parameters
        ----------
        detector : str
            The detector's own digest; empty where nobody looks.
        """
        said = json.dumps([REVISION, detector, self.redact, self.text, self.ocr])
        return hashlib.sha256(said.encode()).hexdigest()


def from_params(params: Mapping[str, Any]) -> Handling:
    """Build what `Handling.params` returned."""
    return Handling(
        cast("Redact", params["redact"]),
        cast("Text", params["text"]),
        cast("Effort", params["effort"]),
        params["model"],
        params["ocr"],
        params["parquet"],
    )
