"""The files that make a vault a bag, which other programs verify: BagIt 1.0 (RFC 8493)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bondstore.runs.pipeline import Group, Product
from bondstore.vault.chain import chain_at
from bondstore.version import TOOL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.work import Work

BAG = "bag"
PATHS = ("bagit.txt", "bag-info.txt", "manifest-sha256.txt")


@dataclass(frozen=True, slots=True)
class BagFiles(Product):
    """Writes them after each upload: they follow from the manifests, and say nothing more."""

    kinds: ClassVar[tuple[str, ...]] = (BAG,)

    def groups(self, ledger: Ledger, context: RunContext, holder: Holder) -> Iterator[Group]:  # noqa: ARG002
        """Yield one group, which is stale once there is a new manifest; none where a checksum is not known."""
        chain = chain_at(context.dest)
        if chain.number and all(entry.sha256 for entry, _ in chain.entries().values()):
            yield Group(BAG, PATHS, chain.newest)

    def make(self, group: Group, work: Work) -> None:
        """Write them, the checksums last."""
        entries = [entry for _, (entry, _) in sorted(chain_at(work.dest).entries().items())]
        total = sum(entry.size for entry in entries)
        version = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
        info = f"Bag-Software-Agent: {TOOL}\nPayload-Oxum: {total}.{len(entries)}\n"
        lines = "".join(f"{entry.sha256}  {_escaped(entry.object)}\n" for entry in entries)
        for path, text in zip(PATHS, (version, info, lines), strict=True):
            work.write(path, [text.encode()], kind=BAG, made_by=group.digest)


def _escaped(path: str) -> str:
    """Write a line end in a name, and the sign that this is written with, as the standard wants it."""
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
