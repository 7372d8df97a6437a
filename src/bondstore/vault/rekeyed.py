"""What follows once objects have their new headers: manifests that say so, and the end of what is needed no more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bondstore.runs.destination import PRIVATE
from bondstore.runs.pipeline import Group, Step
from bondstore.runs.store_destination import StoreDestination
from bondstore.vault.announced import ANNOUNCED, announced_path, announcements
from bondstore.vault.bag import PATHS
from bondstore.vault.chain import chain_at
from bondstore.vault.keys import fingerprint, unlocked
from bondstore.vault.manifest import LISTS, PAYLOAD, Entry, Manifest, digest, list_path, manifest_path, signature_path
from bondstore.vault.manifests import MOST, Manifests, Written
from bondstore.vault.records import follow, forget_everywhere
from bondstore.vault.rekeying import REKEYS
from bondstore.vault.sending import abort_all
from bondstore.version import TOOL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.pipeline import Shard
    from bondstore.vault.chain import Chain

_Known = dict[str, tuple[Entry, Manifest]]


@dataclass(frozen=True, slots=True)
class RekeyManifests(Manifests):
    """Writes what was announced of the objects that came so far into manifests, one for each set of recipients."""

    def groups(self, ledger: Ledger, context: RunContext, holder: Holder) -> Iterator[Group]:  # noqa: ARG002
        """Yield the manifests there are, as they are, and those that are missing."""
        chain = chain_at(context.dest)
        for one in chain.manifests:
            path = manifest_path(one.number)
            yield Group(path, (path, signature_path(path)), "")
        number, before = chain.number, chain.newest
        for recipients, found in sorted(self._finished(ledger, context, chain).items()):
            pairs = list(found.values())
            for start in range(0, len(pairs), MOST):
                number += 1
                content = self._of(number, before, recipients, pairs[start : start + MOST]).to_bytes()
                before, path = digest(content), manifest_path(number)
                yield Written(path, (path, signature_path(path)), before, content=content)

    def _finished(self, ledger: Ledger, context: RunContext, chain: Chain) -> Mapping[tuple[str, ...], _Known]:
        """Return the objects that have their new headers and no manifest that says so, by recipients."""
        entries, found = chain.entries(), dict[tuple[str, ...], _Known]()
        outputs = {one.path: one for one in ledger.outputs.under(context.job, f"{PAYLOAD}/", written=False)}
        for _, manifest in announcements(context.store):
            for entry in _open(manifest, entries):
                written = outputs.get(entry.object)
                if written is not None and written.made_by == entry.list:
                    whole = replace(entry, sha256=written.sha256.hex())
                    found.setdefault(tuple(manifest.recipients), {})[entry.object] = whole, manifest
        return found

    def _of(
        self, number: int, before: str, recipients: tuple[str, ...], pairs: Sequence[tuple[Entry, Manifest]]
    ) -> Manifest:
        own = unlocked(self.recipients.key, self.recipients.passphrase)
        return Manifest(
            number,
            before,
            datetime.now(UTC).isoformat(timespec="seconds"),
            TOOL,
            fingerprint(own.signing),
            recipients,
            {entry.list: manifest.lists[entry.list] for entry, manifest in pairs},
            {name: key for _, manifest in pairs for name, key in manifest.keys.items()},
            tuple(entry for entry, _ in pairs),
        )


@dataclass(frozen=True, slots=True)
class Settled(Step):
    """Proves the manifests, lets the records of uploads follow them, and removes what they name no more."""

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Do it; nothing is left for workers."""
        chain = chain_at(context.dest)
        follow(ledger, context, chain)
        entries, dest = chain.entries(), context.dest
        needed = {entry.list for entry, _ in entries.values()}
        dropped = {name for manifest in chain.manifests for name in manifest.lists}
        kept = set[str]()
        for name, manifest in announcements(context.store):
            if any(_open(manifest, entries)):
                needed.update(manifest.lists)
                kept.update((announced_path(name), signature_path(announced_path(name))))
            else:
                dropped.update(manifest.lists)
        gone = [one.key for one in context.store.list(ANNOUNCED) if one.key not in kept]
        there = {one.key for one in context.store.list(LISTS)}
        gone += [path for path in map(list_path, sorted(dropped - needed)) if path in there]
        if not all(entry.sha256 for entry, _ in entries.values()):
            gone += PATHS  # a bag names the checksum of each file as a whole
        forget_everywhere(ledger, context, gone)
        if isinstance(dest, StoreDestination):
            abort_all(dest.store, (dest.corner / REKEYS).glob("*.jsonl"))
            dest.remove([one.key for one in dest.store.list(f"{PRIVATE}/{REKEYS}")])
        yield from ()


def _open(manifest: Manifest, entries: Mapping[str, tuple[Entry, Manifest]]) -> Iterator[Entry]:
    """Yield those entries of an announcement of which no manifest says anything yet."""
    for entry in manifest.entries:
        known = entries.get(entry.object)
        if known is not None and known[1].number < manifest.number:
            yield entry
