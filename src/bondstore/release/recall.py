"""Taking back what was published: first nothing names it any more, then it is deleted, and a tombstone stays."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bondstore.config.resolve import resolve_store
from bondstore.errors import AlreadyExistsError, ChangedError, NotFoundError, TransientStoreError, UsageError
from bondstore.release import site
from bondstore.release.outcome import Recalled, RecallPlan
from bondstore.release.pointer import Latest, Recall, move, now, on_record, read_latest
from bondstore.runs.policy import refuse_link
from bondstore.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from bondstore.release.manifest import Manifest
    from bondstore.stores import Store

_TRIES = 20
_HEX = re.compile(r"[0-9a-f]{16,64}")
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class _Found:
    """What a name stands for."""

    files: frozenset[str]
    plots: frozenset[str]
    releases: tuple[str, ...]

    @property
    def hashes(self) -> frozenset[str]:
        return self.files | self.plots


@dataclass(frozen=True, slots=True)
class _State:
    """What was read of the store, and the etag that a change must name."""

    latest: Latest
    etag: str | None
    manifests: dict[str, Manifest]


def open_public(place: str | None, profile: str | None, *, follow_links: bool) -> Store:
    """Open the store that something is taken back from; raises `PolicyError` where it is a link, as to publish does."""
    spec = replace(resolve_store(place, profile), follow_links=follow_links)
    refuse_link(place, spec)
    return open_store(spec)


def recall(
    store: Store,
    what: str,
    *,
    reason: str = "",
    confirm: Callable[[RecallPlan], bool] | None = None,
    dry_run: bool = False,
) -> RecallPlan | Recalled:
    """Take back a release, or one file wherever it was released. Stopped at any instant, running it again finishes it.

    A file's hash stays on the list of what was taken back: no later publication brings it back, unless told to. Files
    of a release that is taken back go from every other release too.

    `what` is a release's id, a file's SHA-256 (at least its first 16 digits), or its name in the release; `reason`
    becomes public. Returns the plan for a dry run, or when `confirm` said no to it. `NotFoundError` when nothing of
    that name was ever released here.
    """
    if len(reason) > _LONGEST or not reason.replace("\n", " ").isprintable():
        raise UsageError(
            "The reason is too long, or holds signs that cannot be shown.", hint="Write up to 1,000 signs."
        )
    asked = False
    for _ in range(_TRIES):
        latest, etag = read_latest(store)
        read = {release: site.read_manifest(store, release) for release in site.release_ids(store)}
        manifests = {release: manifest for release, manifest in read.items() if manifest is not None}
        try:
            found = _find(store, what, latest, manifests)
        except NotFoundError:
            if confirm is None and not dry_run:  # else nobody was asked, and nothing is removed
                site.clear_unfinished(store)
            raise
        plan = _plan(what, found, latest, manifests)
        if dry_run or (confirm is not None and not asked and not confirm(plan)):
            return plan
        if not asked:
            site.clear_unfinished(store)
        asked = True
        named = Recall(what, now(), reason, tuple(sorted(found.hashes)))
        try:
            latest = _point(store, named, found, _State(latest, etag, manifests))
        except (AlreadyExistsError, ChangedError):
            continue
        site.settle(store)
        tombstones = site.take_down(store, latest)
        deleted = site.remove_recalled(store, latest)
        on_record("release.recalled", store, what, len(found.hashes))
        return Recalled(what, len(found.files), len(found.plots), len(deleted), len(tombstones), latest.release)
    raise TransientStoreError(f"Others keep changing {store.url}.", hint="Run the same command again.")


def _find(store: Store, what: str, latest: Latest, manifests: dict[str, Manifest]) -> _Found:
    """Tell what a name stands for; what was taken back before is found again, so that it can be finished."""
    if what in manifests:
        wanted = {entry.sha256 for entry in manifests[what].entries}
        overview = manifests[what].overview
        return _with_plots(wanted, manifests, {overview.sha256} if overview else set())
    if what in latest.releases and (gone := site.read_tombstone(store, what).get("sha256")):
        return _with_plots(gone, manifests)
    entries = [entry for manifest in manifests.values() for entry in manifest.entries]
    wanted = {entry.sha256 for entry in entries if entry.file == what}
    if _HEX.fullmatch(what):
        wanted |= {entry.sha256 for entry in entries if entry.sha256.startswith(what)}
        wanted |= {plot.sha256 for entry in entries for plot in entry.plots if plot.sha256.startswith(what)}
        wanted |= {digest for digest in latest.recalled if digest.startswith(what)}
    if len(what) == 64 and _HEX.fullmatch(what) and next(store.list(f"data/{what[:16]}"), None):
        wanted.add(what)  # put there by a publication that was stopped before it named it
    before = {digest for one in latest.recalls if one.id == what for digest in one.hashes} & latest.recalled
    if not wanted | before:
        raise NotFoundError("Nothing of this name was released here.", hint=f"See: bondstore release list {store.url}")
    return _with_plots(wanted | before, manifests)


def _with_plots(wanted: set[str], manifests: dict[str, Manifest], also: set[str] | None = None) -> _Found:
    """Add the plots that only these files have, in whatever release."""
    entries = [entry for manifest in manifests.values() for entry in manifest.entries]
    theirs = {plot.sha256 for entry in entries if entry.sha256 in wanted for plot in entry.plots}
    others = {plot.sha256 for entry in entries if entry.sha256 not in wanted for plot in entry.plots}
    plots = (theirs | (also or set())) - others
    hit = tuple(
        sorted(
            name
            for name, manifest in manifests.items()
            if any(digest in wanted or digest in plots for _, digest, _ in manifest.objects())
        )
    )
    return _Found(frozenset(wanted), frozenset(plots - wanted), hit)


def _plan(what: str, found: _Found, latest: Latest, manifests: dict[str, Manifest]) -> RecallPlan:
    held = manifests.get(latest.release or "")
    entries = held.entries if held else ()
    hit = sum(entry.sha256 in found.files for entry in entries)
    done = found.hashes <= latest.recalled and not found.releases
    return RecallPlan(what, len(found.files), len(found.plots), hit, len(entries) - hit, found.releases, done)


def _point(store: Store, recalled: Recall, found: _Found, state: _State) -> Latest:
    """Put the hashes on the list and move the pointer to a release without them, in one step."""
    latest = state.latest
    held = state.manifests.get(latest.release or "")
    reduced = held.without(found.hashes) if held else None
    if found.hashes <= latest.recalled and reduced == held:
        return latest
    release, releases = latest.release, latest.releases
    if reduced is not None and reduced != held:
        site.put_release(store, reduced)
        release = reduced.id
        releases = (*(one for one in releases if one != release), release)
    new = Latest(
        latest.generation + 1,
        release,
        recalled.at,
        releases,
        (*latest.recalls, recalled),
        latest.again - found.hashes,
    )
    on_record("release.recall", store, recalled.id, len(found.hashes))
    move(store, new, state.etag)
    return new
