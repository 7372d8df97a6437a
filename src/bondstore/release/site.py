"""What a release looks like in the public store, and the order in which it is written and taken down.

::

    data/<sha256[:16]>/<name>     files and plots, below their own hash: content under a path never changes
    releases/<id>/                manifest.json index.csv index.parquet index.html (stac.json), or tombstone.json
    latest.json                   the pointer; swapped whole, only from the state that was read
    manifest.json index.*         what latest.json points to, once more at the root, for people

Objects come first, then the release's own folder, then the pointer, then the root; taking back goes the other way
round: pointer, root, folders, objects. So whatever index can be read, at any instant, all it names is there. Objects of
releases that no longer hold are kept: somebody may cite them. Only a recall removes any.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from bondstore.errors import AlreadyExistsError, ChangedError, NotFoundError, TransientStoreError
from bondstore.release.index import as_csv, as_parquet, as_stac, no_items
from bondstore.release.manifest import Manifest
from bondstore.release.page import landing, taken_back
from bondstore.release.pointer import NAME, Latest, read_latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bondstore.stores import Store

MANIFEST = "manifest.json"
TOMBSTONE = "tombstone.json"
_STAC = "stac.json"
_ROOT = ("index.csv", "index.parquet", _STAC, MANIFEST, "index.html")
_TRIES = 50
_OURS = re.compile(
    rf"data/[0-9a-f]{{16}}/.+|{re.escape(NAME)}|(releases/[^/]+/)?({'|'.join(map(re.escape, (*_ROOT, TOMBSTONE)))})"
)


def folder(release: str) -> str:
    """Return where a release's own files lie."""
    return f"releases/{release}/"


def read_manifest(store: Store, release: str) -> Manifest | None:
    """Read a release's manifest; None when it has none, or has none any more. A damaged one is an `IntegrityError`."""
    try:
        found = store.get(folder(release) + MANIFEST)
    except NotFoundError:
        return None
    return Manifest.from_json(bytes(found.data))


def clear_unfinished(store: Store) -> None:
    """Remove what a killed publication or recall had not finished writing: in a folder it lies beside its name."""
    store.clear_unfinished(lambda key: _OURS.fullmatch(key) is not None)


def release_ids(store: Store) -> list[str]:
    """Return the ids of all releases that have a folder."""
    return sorted(prefix.removeprefix("releases/").strip("/") for prefix in store.dirs("releases").prefixes)


def read_tombstone(store: Store, release: str) -> dict[str, Any]:
    """Return what a tombstone says: ``at``, ``reason``, ``sha256``; nothing where there is none that can be read."""
    try:
        content = json.loads(bytes(store.get(folder(release) + TOMBSTONE).data))
        at, reason, hashes = content["at"], content["reason"], content["sha256"]
        return {"at": str(at), "reason": str(reason), "sha256": {str(one) for one in hashes}}
    except (NotFoundError, ValueError, KeyError, TypeError):
        return {}


def put_release(store: Store, manifest: Manifest) -> None:
    """Write a release's own files; does nothing where they are. The manifest comes last: it says that all are there."""
    place = folder(manifest.id)
    there = {info.key for info in store.list(place)}
    written = manifest.to_json()
    whole = place + MANIFEST in there and place + TOMBSTONE not in there
    if whole and bytes(store.get(place + MANIFEST).data) == written:
        return
    for name, data in _files(manifest, None, "../../").items():
        if name != MANIFEST:
            store.put(place + name, data)
    store.put(place + MANIFEST, written)
    if place + TOMBSTONE in there:
        store.delete(place + TOMBSTONE)


def settle(store: Store) -> bool:
    """Bring the files at the root in line with the pointer; returns whether anything was written.

    Each is replaced only if it is still what was there before the pointer was read: a slow publisher can never write
    over what a later one, or a recall, has written. `TransientStoreError` when others keep changing it.
    """
    wrote = False
    for _ in range(_TRIES):
        before = {name: _get(store, name) for name in _ROOT}
        latest, etag = read_latest(store)
        if latest.release is None:
            return wrote
        manifest = read_manifest(store, latest.release)
        if manifest is None:  # taken back between the two looks
            continue
        wanted = _files(manifest, latest, "")
        if before[_STAC] is not None:
            wanted.setdefault(_STAC, no_items())
        try:
            for name in _ROOT:
                if name in wanted:
                    wrote |= _replace(store, name, before[name], wanted[name])
        except (AlreadyExistsError, ChangedError):
            continue
        if read_latest(store)[1] == etag:
            return wrote
    raise TransientStoreError(f"Others keep changing {store.url}.", hint="Run the same command again.")


def take_down(store: Store, latest: Latest) -> list[str]:
    """Take down every release that holds something that was taken back; returns their ids.

    The one that the pointer names never does. Each keeps a tombstone and a page that says so.
    """
    barred = latest.recalled
    done = []
    for release in release_ids(store):
        if release == latest.release:
            continue
        manifest = read_manifest(store, release)
        if manifest is None:
            continue
        gone = {digest for _, digest, _ in manifest.objects()} & barred
        if gone:
            _take_down(store, release, gone, latest)
            done.append(release)
    return done


def remove_recalled(store: Store, latest: Latest, keep: Iterable[str] = ()) -> list[str]:
    """Delete the objects of what was taken back; returns their paths. Call it after nothing names them any more."""
    short = {digest[:16] for digest in latest.recalled}
    kept = set(keep)
    gone = [
        info.key for info in store.list("data") if info.key.split("/")[1] in short and info.key not in kept
    ]  # below data/ lie hashes only
    for key in gone:
        store.delete(key)
    return gone


def _take_down(store: Store, release: str, gone: set[str], latest: Latest) -> None:
    place = folder(release)
    recall = next(one for one in reversed(latest.recalls) if gone & set(one.hashes))
    tombstone = {
        "kind": "bondstore.tombstone",
        "version": 1,
        "release": release,
        "at": recall.at,
        "reason": recall.reason,
        "sha256": sorted(gone),
    }
    store.put(place + TOMBSTONE, json.dumps(tombstone, sort_keys=True, ensure_ascii=False, indent=1).encode() + b"\n")
    store.put(place + "index.html", taken_back(release, recall.at, recall.reason, len(gone)))
    for name in ("index.csv", "index.parquet", _STAC, MANIFEST):  # the manifest last: it says that this is not done
        store.delete(place + name)


def _files(manifest: Manifest, latest: Latest | None, up: str) -> dict[str, bytes]:
    files = {
        MANIFEST: manifest.to_json(),
        "index.csv": as_csv(manifest),
        "index.parquet": as_parquet(manifest),
        "index.html": landing(manifest, latest, up),
    }
    if manifest.stac:
        files[_STAC] = as_stac(manifest, up)
    return files


def _get(store: Store, name: str) -> tuple[bytes, str] | None:
    try:
        found = store.get(name)
    except NotFoundError:
        return None
    return bytes(found.data), found.info.etag


def _replace(store: Store, name: str, before: tuple[bytes, str] | None, data: bytes) -> bool:
    if before is None:
        store.put_if_absent(name, data)
    elif before[0] != data:
        store.put_if_unchanged(name, data, before[1])
    else:
        return False
    return True
