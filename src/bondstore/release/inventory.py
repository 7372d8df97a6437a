"""What a public store holds: its releases, and what is in one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bondstore.errors import NotFoundError
from bondstore.release import site
from bondstore.release.pointer import read_latest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.release.manifest import Entry, Manifest
    from bondstore.stores import Store


@dataclass(frozen=True, slots=True)
class Release:
    """One release of a store.

    Parameters
    ----------
    release : str
        Its id.
    state : str
        ``latest``, ``earlier`` or ``recalled``.
    files, bytes : int or None
        What it holds; None where it was taken back.
    at : str or None
        When it became the latest, or was taken back; None where that is not kept.
    reason : str
        Why it was taken back.
    """

    release: str
    state: str
    files: int | None
    bytes: int | None
    at: str | None
    reason: str = ""

    def record(self) -> dict[str, Any]:
        """Return the fields for output."""
        return {"kind": "release"} | dataclasses.asdict(self)


def releases(store: Store) -> Iterator[Release]:
    """Yield every release that ever held, the newest first."""
    latest, _ = read_latest(store)
    for release in reversed(latest.releases):
        manifest = site.read_manifest(store, release)
        if manifest is None:
            tombstone = site.read_tombstone(store, release)
            yield Release(release, "recalled", None, None, tombstone.get("at"), tombstone.get("reason", ""))
            continue
        holds = release == latest.release
        size = sum(entry.size for entry in manifest.entries)
        yield Release(
            release, "latest" if holds else "earlier", len(manifest.entries), size, latest.at if holds else None
        )


def files_of(store: Store, release: str | None = None) -> tuple[str, tuple[Entry, ...]]:
    """Return a release's id and its files; raises as `manifest_of`."""
    manifest = manifest_of(store, release)
    return manifest.id, manifest.entries


def manifest_of(store: Store, release: str | None = None) -> Manifest:
    """Return the manifest of a release, of the one that holds by default; `NotFoundError` when it was taken back."""
    latest, _ = read_latest(store)
    wanted = release or latest.release
    if wanted is None:
        raise NotFoundError(f"Nothing was released in {store.url} yet.", hint="See: bondstore release publish --help")
    manifest = site.read_manifest(store, wanted) if wanted in latest.releases else None
    if manifest is None:
        gone = wanted in latest.releases
        message = f"The release {wanted} was taken back." if gone else f"There is no release {wanted!r} in {store.url}."
        raise NotFoundError(message, hint=f"See: bondstore release list {store.url}")
    return manifest
