"""The manifests of a vault, read and proved: every signature, every link, and that none is missing at the end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.errors import BondstoreError, IntegrityError, NotFoundError, PolicyError
from bondstore.runs.store_destination import StoreDestination
from bondstore.stores import open_store
from bondstore.vault.keys import fingerprint, is_signed, recipients
from bondstore.vault.known import known_manifest, note_seen, seen
from bondstore.vault.manifest import FOLDER, Entry, Manifest, digest, manifest_path, signature_path

if TYPE_CHECKING:
    from bondstore.runs.destination import Destination
    from bondstore.stores import Store

_NAME = re.compile(r"manifests/(\d{6,})\.jsonl", re.ASCII)


@dataclass(frozen=True, slots=True)
class Chain:
    """The manifests of a vault, in their order."""

    manifests: tuple[Manifest, ...]
    digests: tuple[str, ...]
    """SHA-256 of each."""

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.manifests)

    @property
    def newest(self) -> str:
        """SHA-256 of the last one; empty where there is none."""
        return self.digests[-1] if self.digests else ""

    def entries(self) -> dict[str, tuple[Entry, Manifest]]:
        """Return what there is now, by object: a later manifest's word is the one that holds.

        They come in the order in which they were put; another header leaves an object at its place.
        """
        found: dict[str, tuple[Entry, Manifest]] = {}
        for one in self.manifests:
            for entry in one.entries:
                if not entry.put:
                    found.pop(entry.object, None)
                found[entry.object] = entry, one
        return found


def chain_at(dest: Destination) -> Chain:
    """Read and prove the manifests of the vault that a run writes to."""
    if isinstance(dest, StoreDestination):
        return read_chain(dest.spec, dest.store)
    return read_chain(StoreSpec(Path(dest.shown).as_uri(), Profile()))


def read_chain(spec: StoreSpec, store: Store | None = None) -> Chain:
    """Read and prove the manifests of a vault, which may be open as a store, and note the newest one.

    Raises
    ------
    IntegrityError
        One is missing, was changed, or an older state was put back.
    PolicyError
        One was signed by somebody who is not trusted.
    """
    store = store or open_store(spec)
    before = seen(spec)  # first: an upload that ends meanwhile may note a newer one
    chain = _proved(store)
    if before is not None and before.number > chain.number:
        anew = "" if chain.number else f" If you removed the vault yourself, move {known_manifest(spec)} away first."
        raise _broken(store, before.number, "is missing, and was there before", anew)
    if before is not None and chain.digests[before.number - 1] != before.sha256:
        raise _broken(store, before.number, "is not the one that was there before")
    note_seen(spec, chain.number, chain.newest)
    return chain


def trusted_signers() -> dict[str, bytes]:
    """Return the keys by which signatures are checked, by their fingerprints."""
    return {fingerprint(one.signing): one.signing for one in recipients() if one.signing is not None}


def _proved(store: Store) -> Chain:
    numbers = sorted(_numbers(store))
    if numbers != list(range(1, len(numbers) + 1)):
        missing = next(one for one in range(1, len(numbers) + 2) if one not in numbers)
        raise _broken(store, missing, "is missing")
    signers = trusted_signers()
    found: list[Manifest] = []
    digests: list[str] = []
    before = ""
    for number in numbers:
        content = _fetched(store, number, manifest_path(number))
        signature = _fetched(store, number, signature_path(manifest_path(number)))
        one = Manifest.parse(content, f"{store.url}/{manifest_path(number)}")
        if one.signer not in signers:
            raise PolicyError(
                f"{store.url}/{manifest_path(number)} was signed by {one.signer}, whom you do not trust.",
                hint="Ask the uploader for both public files, then: bondstore keys trust NAME FILE.pub --signing FILE",
            )
        if not is_signed(signers[one.signer], content, signature):
            raise _broken(store, number, "was changed: its signature does not match")
        if one.number != number or one.previous != before:
            raise _broken(store, number, "is not the one that belongs there")
        before = digest(content)
        digests.append(before)
        found.append(one)
    return Chain(tuple(found), tuple(digests))


def _numbers(store: Store) -> list[int]:
    matches = (_NAME.fullmatch(one.key) for one in store.list(FOLDER))
    return [int(match[1]) for match in matches if match]


def _fetched(store: Store, number: int, key: str) -> bytes:
    try:
        return bytes(store.get(key).data)
    except NotFoundError:
        raise _broken(store, number, f"has no {key.rpartition('.')[2]}") from None


def _broken(store: Store, number: int, what: str, anew: str = "") -> BondstoreError:
    return IntegrityError(
        f"The manifest {number} of {store.url} {what}.",
        hint=f"Somebody changed the vault. Nothing of it is proved: compare it with a backup of its manifests.{anew}",
    )
