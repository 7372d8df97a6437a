"""Announcements: manifests that say, before it is so, which headers some objects of a vault are about to get.

While a vault is rekeyed, each of its objects has its old header or the one that is announced: either is proved. An
announcement has the number that the next manifest will have, so it says nothing any more of objects that this one, or a
later one, names. Anybody can put one back; none can be made up, as it is signed like a manifest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.errors import IntegrityError, NotFoundError
from bondstore.vault.chain import trusted_signers
from bondstore.vault.keys import is_signed
from bondstore.vault.manifest import FOLDER, Manifest, digest, signature_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bondstore.runs.destination import Destination
    from bondstore.stores import Store
    from bondstore.vault.keys import OwnKey
    from bondstore.vault.manifest import Entry

ANNOUNCED = f"{FOLDER}/announced"


def announce(dest: Destination, manifest: Manifest, own: OwnKey) -> str:
    """Write an announcement, its signature first; return its name."""
    content = manifest.to_bytes()
    name = digest(content)
    dest.put(signature_path(announced_path(name)), [own.sign(content)])
    dest.put(announced_path(name), [content])
    return name


def announced_path(name: str) -> str:
    """Return where an announcement is kept."""
    return f"{ANNOUNCED}/{name}.jsonl"


def announcements(store: Store) -> Iterator[tuple[str, Manifest]]:
    """Yield the announcements of a vault with their names. One that nobody you trust has signed says nothing."""
    signers = trusted_signers()
    for key in [one.key for one in store.list(ANNOUNCED)]:
        name = key.removeprefix(f"{ANNOUNCED}/").removesuffix(".jsonl")
        if key != announced_path(name):
            continue
        try:
            content, signature = bytes(store.get(key).data), bytes(store.get(signature_path(key)).data)
            found = Manifest.parse(content, key)
        except (NotFoundError, IntegrityError):
            continue
        if digest(content) == name and found.signer in signers and is_signed(signers[found.signer], content, signature):
            yield name, found


def announced(
    store: Store, entries: Mapping[str, tuple[Entry, Manifest]]
) -> dict[str, tuple[tuple[Entry, Manifest], ...]]:
    """Return what announcements say of objects, of which the manifests say what is in `entries`."""
    found: dict[str, tuple[tuple[Entry, Manifest], ...]] = {}
    for _, manifest in announcements(store):
        for entry in manifest.entries:
            known = entries.get(entry.object)
            if known is not None and known[1].number < manifest.number:
                found[entry.object] = (*found.get(entry.object, ()), (entry, manifest))
    return found
