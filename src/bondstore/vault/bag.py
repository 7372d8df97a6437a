"""The files that make a vault a bag, which other programs verify: BagIt 1.0 (RFC 8493)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bondstore.runs.pipeline import Group, Product
from bondstore.vault.chain import chain_at
from bondstore.version import TOOL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.work import Work
    from bondstore.vault.manifest import Entry

BAG = "bag"
PATHS = ("bagit.txt", "bag-info.txt", "manifest-sha256.txt")


@dataclass(frozen=True, slots=True)
class Bag(Group):
    """The files, to be written."""

    content: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class BagFiles(Product):
    """Writes them after each upload: they follow from the manifests, and say nothing more."""

    kinds: ClassVar[tuple[str, ...]] = (BAG,)

    def groups(self, ledger: Ledger, context: RunContext, holder: Holder) -> Iterator[Group]:  # noqa: ARG002
        """Yield one group, which is stale once there is a new manifest; none where a checksum is not known."""
        chain = chain_at(context.dest)
        if chain.number and all(entry.sha256 for entry, _ in chain.entries().values()):
            yield Bag(BAG, PATHS, chain.newest, content=_content([entry for entry, _ in chain.entries().values()]))

    def make(self, group: Group, work: Work) -> None:
        """Write them, the checksums last."""
        if not isinstance(group, Bag):
            raise TypeError(group)
        for path, content in zip(group.paths, group.content, strict=True):
            work.write(path, [content], kind=BAG, made_by=group.digest)


def _content(entries: Sequence[Entry]) -> tuple[bytes, ...]:
    """Return what is in the files of `PATHS`."""
    total = sum(entry.size for entry in entries)
    version = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    info = f"Bag-Software-Agent: {TOOL}\nPayload-Oxum: {total}.{len(entries)}\n"
    lines = sorted((entry.object, entry.sha256) for entry in entries)
    sums = "".join(f"{sha256}  {_escaped(name)}\n" for name, sha256 in lines)
    return version.encode(), info.encode(), sums.encode()


def _escaped(path: str) -> str:
    """Write a line end in a name, and the sign that this is written with, as the standard wants it."""
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
