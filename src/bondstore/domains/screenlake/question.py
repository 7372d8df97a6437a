"""What is asked for: which zips, what is done to them, and the digests of all that decides what comes of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bondstore.deid.faces import open_detector

if TYPE_CHECKING:
    from bondstore.deid.faces import Detector
    from bondstore.domains.screenlake.handling import Handling
    from bondstore.domains.screenlake.selection import Selection


@dataclass(frozen=True, slots=True)
class Digests:
    """What decides what comes of a zip; those of the detector are empty where nobody is to look for faces."""

    detector: str  # of the detector and its settings
    model: str  # SHA-256 of its weights, in hex
    work: str  # of all that decides what becomes of a zip, but for decisions about its images


@dataclass(frozen=True, slots=True)
class Question:
    """A question by its id, which is the folder of the results."""

    query: str
    selection: Selection
    handling: Handling

    def detector(self) -> Detector | None:
        """Return what looks for faces; None where nobody is to look.

        Raises
        ------
        ConfigurationError
            A part is not installed, or the model is none.
        """
        handling = self.handling
        if handling.redact == "none":
            return None
        return open_detector(handling.effort, Path(handling.model) if handling.model else None)

    def digests(self) -> Digests:
        """Return all digests; raises as `detector`."""
        found = self.detector()
        detector, model = (found.digest, found.weights) if found is not None else ("", "")
        asked = f"{self.handling.digest(detector)} {self._ocr_digest()} {self.selection.captured_window()}"
        return Digests(detector, model, hashlib.sha256(asked.encode()).hexdigest())

    def _ocr_digest(self) -> str:
        if not self.handling.ocr:
            return ""
        from bondstore.deid.ocr import ocr_digest

        return ocr_digest()

    def told(self, digests: Digests) -> dict[str, Any]:
        """Return how zips were handled, as results tell it."""
        return {**self.handling.params(), "detector": digests.detector, "selection": self.selection.params()}
