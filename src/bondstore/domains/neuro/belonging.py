"""Which crosswalk the codes of a destination are of: those of two crosswalks in one place could not be told apart."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bondstore.errors import NotFoundError, PolicyError
from bondstore.runs.pipeline import Group, Product
from bondstore.runs.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.deid.crosswalk import Crosswalk
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work

MARK, _KIND = "records/crosswalk.json", "crosswalk"


class CrosswalkOpener(Protocol):
    """A crosswalk that is not open yet; workers get it as well."""

    def open(self) -> Crosswalk:
        """Open it."""


@dataclass(frozen=True, slots=True)
class Belonging(Product):
    """The mark of the crosswalk. It comes before all else: another crosswalk is refused before anything is done."""

    crosswalk: CrosswalkOpener
    kinds = (_KIND,)

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:  # noqa: ARG002
        """Refuse a destination that has the mark of another crosswalk."""
        marks = set() if ledger is None else {one.made_by for one in ledger.outputs.walk() if one.kind == _KIND}
        if marks - {self._mark()}:
            raise PolicyError(
                f"{context.dest.shown} has codes of another crosswalk.",
                hint="Name that crosswalk with --crosswalk, or choose another destination.",
            )
        return Plan()

    def groups(self, ledger: Ledger, context: RunContext, holder: Holder) -> Iterator[Group]:  # noqa: ARG002
        """Yield it."""
        yield Group(_KIND, (MARK,), self._mark())

    def make(self, group: Group, work: Work) -> None:
        """Write it."""
        work.write(MARK, [json.dumps({"crosswalk": group.digest}).encode() + b"\n"], kind=_KIND, made_by=group.digest)

    def _mark(self) -> str:
        """Return what tells this crosswalk from all others; nothing of it follows from that. Empty for a new one."""
        try:
            return hmac.digest(self.crosswalk.open().secret(), b"destination", hashlib.sha256).hex()[:32]
        except NotFoundError:
            return ""
