"""What a run tells whoever watches it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bondstore.runs.tally import Count


NOTHING: Mapping[str, int] = MappingProxyType({})


class Progress(Protocol):
    """Somebody who watches a run. Called from one thread only."""

    def listing(self, seen: Count) -> None:
        """So much was listed so far."""

    def begin(self, total: Count) -> None:
        """The plan stands: so much is to be done."""

    def advance(self, step: Count, inside: Mapping[str, int] = NOTHING) -> None:
        """So much more is done, quarantined or failed; inside of it were so many images, say."""

    def end(self) -> None:
        """Nothing more will come, for whatever reason."""


class Quiet:
    """Nobody watches."""

    def listing(self, seen: Count) -> None:
        """Do nothing."""

    def begin(self, total: Count) -> None:
        """Do nothing."""

    def advance(self, step: Count, inside: Mapping[str, int] = NOTHING) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""
