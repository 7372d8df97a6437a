"""Publishing: from a private store to a public one, what meets a requirement and nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
from collections import Counter
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.config.resolve import resolve_store
from bondstore.errors import (
    AlreadyExistsError,
    ChangedError,
    NotFoundError,
    PolicyError,
    TransientStoreError,
    UsageError,
)
from bondstore.modes import PUBLIC, make_folder
from bondstore.release import site
from bondstore.release.checks import Seen, check_apart, check_dest, check_source
from bondstore.release.findings import WHY
from bondstore.release.manifest import Manifest, Plot, in_order
from bondstore.release.outcome import Published, ReleasePlan
from bondstore.release.pointer import Latest, move, now, on_record, read_latest
from bondstore.release.scan import Scan, ScanOptions, fetch, scan, scan_plot
from bondstore.release.settings import Order, Requirement
from bondstore.runs.batches import grouped
from bondstore.runs.plan import Plan
from bondstore.runs.policy import refuse_link, refuse_private
from bondstore.runs.tally import Count, Tally
from bondstore.stores import open_store
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from bondstore.stores import Store

_TRIES = 8
_BATCH = 16
_BATCH_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Places:
    """From where to where, and what is asked of both."""

    dest: str
    source: str
    profile: str | None = None
    source_profile: str | None = None  # the profile of the public store serves for both where only that one is named
    source_may_be_public: bool = False
    require_public: bool = False
    follow_links: bool = False


def publish_between(
    places: Places,
    order: Order,
    *,
    seen: Callable[[Seen], None] | None = None,
    confirm: Callable[[ReleasePlan], bool] | None = None,
    dry_run: bool = False,
) -> ReleasePlan | Published:
    """Ask of both stores what must hold, then publish; see `publish`.

    `seen` is told what anybody sees of the private store, then of the public one. `UsageError` where the stores are not
    apart; `PolicyError` where the private one is public, or may be, or the public one is not and must be.
    """
    spec = dataclasses.replace(resolve_store(places.dest, places.profile), follow_links=places.follow_links)
    refuse_private(spec)
    refuse_link(places.dest, spec)
    folder = parse_address(spec.url).folder
    if folder is not None and not dry_run:
        make_folder(folder, PUBLIC)
    dest = open_store(spec)
    source = open_store(resolve_store(places.source, places.source_profile or places.profile), read_only=True)
    check_apart(source, dest)
    if folder is not None and not folder.exists():
        # only for a dry run: nothing is released there yet, and the folder is not made
        dest = open_store(f"memory://nothing-{secrets.token_hex(8)}", read_only=True)
    of_source = check_source(source, may_be_public=places.source_may_be_public)
    of_dest = check_dest(dest, must_be_public=places.require_public, probe=not dry_run)
    if seen is not None:
        seen(of_source)
        seen(of_dest)
    return publish(source, dest, order, confirm=confirm, dry_run=dry_run)


def publish(
    source: Store,
    dest: Store,
    order: Order | None = None,
    *,
    confirm: Callable[[ReleasePlan], bool] | None = None,
    dry_run: bool = False,
) -> ReleasePlan | Published:
    """Publish what meets a requirement. Stopped at any instant, the old or the new release holds, whole.

    Returns the plan for a dry run, or when `confirm` said no to it. Where every file is held back, the release that
    holds stays: an empty one would take it all away. `PolicyError` when the private store has nothing that could be
    released, and something is. `TransientStoreError` when others keep publishing here. When a store fails, what holds
    is unchanged, or is the new release.
    """
    order = order or Order()
    asked = False
    for _ in range(_TRIES):
        attempt = _Attempt.make(source, dest, order)
        plan = attempt.plan()
        if dry_run:
            return plan
        if attempt.would_empty:
            return attempt.kept(plan)
        if confirm is not None and not asked and not confirm(plan):
            return plan
        asked = True
        done = attempt.execute()
        if done is not None:
            return done
    raise TransientStoreError(f"Others keep publishing into {dest.url}.", hint="Run the same command again.")


@dataclass(slots=True)
class _Attempt:
    """One scan and what follows from it; given up when another publisher was faster."""

    source: Store
    dest: Store
    order: Order
    latest: Latest
    etag: str | None
    before: Manifest | None
    scan: Scan
    overview: tuple[Plot, str] | None  # the map, with its key in the private store
    present: dict[str, int]  # sizes of the objects that the public store has, by path

    @classmethod
    def make(cls, source: Store, dest: Store, order: Order) -> _Attempt:
        """Read the pointer, then the private store: what changes after that is noticed when the pointer is moved."""
        requirement = Requirement.parse(order.requirement)
        latest, etag = read_latest(dest)
        before = site.read_manifest(dest, latest.release) if latest.release else None
        barred = frozenset() if order.again else latest.recalled
        options = ScanOptions(
            requirement, order.inspectors, lambda key: key == order.overview or order.by_product(key), barred
        )
        found = scan(source, options)
        overview = _overview(source, order.overview, barred)
        present = {info.key: info.size for info in dest.list("data")}
        return cls(source, dest, order, latest, etag, before, found, overview, present)

    def manifest(self, without: frozenset[str] = frozenset()) -> Manifest:
        """Return the release; files whose bytes changed meanwhile are left out."""
        entries = in_order(one.entry for one in self.scan.cleared)
        overview = self.overview[0] if self.overview else None
        manifest = Manifest(self.order.about, self.order.requirement, entries, overview, self.order.stac)
        return manifest.without(without) if without else manifest

    def missing(self, manifest: Manifest) -> dict[str, tuple[str, int]]:
        """Return what must be written: SHA-256 and size by path. Only what holds already counts as proved."""
        proved = (
            {path for path, _, size in self.before.objects() if self.present.get(path) == size} if self.before else ()
        )
        return {path: (digest, size) for path, digest, size in manifest.objects() if path not in proved}

    def plan(self) -> ReleasePlan:
        manifest = self.manifest()
        missing = {p: s for p, (_, s) in self.missing(manifest).items() if self.present.get(p) != s}
        names = {entry.file for entry in manifest.entries}
        todo, there = _counts(manifest, missing)
        held = self.scan.held
        return ReleasePlan(
            manifest.id,
            len(manifest.entries),
            (todo + there).bytes,
            len(missing),
            sum(missing.values()),
            sum(entry.file not in names for entry in self.before.entries) if self.before else 0,
            sum(one.kind == "below-requirement" for one in self.scan.findings),
            self.latest.release == manifest.id and not missing,
            tuple(self.scan.findings),
            Plan(todo, there + held.skipped, held.quarantined + held.failed),
            dict(self.scan.reasons),
        )

    @property
    def would_empty(self) -> bool:
        """Whether nothing may leave, and something is released."""
        return not self.scan.cleared and self.before is not None and bool(self.before.entries)

    def kept(self, plan: ReleasePlan) -> Published:
        """Say what was held back, and that the release before stays; refuse a private store without any file."""
        if plan.is_nothing_there or self.before is None:
            raise PolicyError(
                "Nothing meets the requirement, and an empty release would take away all that is released.",
                hint="Check --from. To take what is released back: bondstore release recall.",
            )
        held = self.scan.held
        counts = Tally(skipped=held.skipped, quarantined=held.quarantined, failed=held.failed)
        return Published(
            self.before.id,
            False,
            0,
            0,
            0,
            0,
            plan.findings,
            counts,
            dict(plan.held_back),
            kept=len(self.before.entries),
        )

    def execute(self) -> Published | None:
        """Write everything; None when another publisher or a recall was faster."""
        site.clear_unfinished(self.dest)
        try:
            self._readmit()
            manifest, copied = self._copy()
            changed = self._point(manifest) or bool(copied)
        except (AlreadyExistsError, ChangedError):
            return None
        changed |= self._tidy(copied)
        changed |= site.settle(self.dest)
        if changed:
            on_record("release.published", self.dest, manifest.id, len(manifest.entries))
        done, there = _counts(manifest, copied)
        held, changed_meanwhile = self.scan.held, self._changed(manifest)
        reasons = self.scan.reasons + Counter({WHY["changed-meanwhile"]: changed_meanwhile.objects})
        return Published(
            manifest.id,
            changed,
            len(manifest.entries),
            (done + there).bytes,
            len(copied),
            sum(copied.values()),
            tuple(self.scan.findings),
            Tally(done, there + held.skipped, held.quarantined, held.failed + changed_meanwhile),
            dict(reasons),
        )

    def _changed(self, manifest: Manifest) -> Count:
        """Count the files that were cleared, and changed before they were copied."""
        kept = {entry.file for entry in manifest.entries}
        lost = [one.entry.size for one in self.scan.cleared if one.entry.file not in kept]
        return Count(len(lost), sum(lost))

    def _readmit(self) -> None:
        """Take what is released again off the list of what was taken back, before any of it is written."""
        wanted = {digest for _, digest, _ in self.manifest().objects()} & self.latest.recalled
        if wanted:
            again = self.latest.again | wanted
            self.latest = dataclasses.replace(self.latest, generation=self.latest.generation + 1, again=again)
            on_record("release.again", self.dest, self.manifest().id, len(wanted))
            self.etag = move(self.dest, self.latest, self.etag)

    def _copy(self) -> tuple[Manifest, dict[str, int]]:
        """Write the objects that are missing; returns the release as it can be, and sizes by path."""
        manifest = self.manifest()
        missing = self.missing(manifest)
        keys = {path: key for one in self.scan.cleared for path, key in one.keys.items()}
        if self.overview:
            keys[self.overview[0].path] = self.overview[1]
        copied: dict[str, int] = {}
        bad: set[str] = set()
        todo = []
        for path, (digest, size) in missing.items():
            if self.present.get(path) == size and _holds(self.dest, path, digest):
                continue
            todo.append(path)
        for batch in grouped(todo, lambda path: missing[path][1], number=_BATCH, weight=_BATCH_BYTES):
            data = fetch(self.source, [keys[path] for path in batch])
            for path in batch:
                digest, size = missing[path]
                found = data.get(keys[path])
                if found is None or hashlib.sha256(found).hexdigest() != digest:
                    bad.add(digest)
                    self.scan.note("changed-meanwhile", keys[path])
                    continue
                _put(self.dest, path, found, digest)
                copied[path] = size
        if bad:
            manifest = self.manifest(frozenset(bad))
            self._demand_still(manifest)
        return manifest, copied

    def _demand_still(self, manifest: Manifest) -> None:
        if not manifest.entries and self.before is not None and self.before.entries:
            raise PolicyError("All files changed while they were copied; nothing was released.", hint="Run it again.")

    def _point(self, manifest: Manifest) -> bool:
        """Move the pointer; returns whether it had to be moved."""
        if self.latest.release == manifest.id and self.before is not None:
            self._check_unmoved(manifest)
            return False
        if not manifest.entries and self.latest.release is None:
            return False
        site.put_release(self.dest, manifest)
        releases = (*(one for one in self.latest.releases if one != manifest.id), manifest.id)
        new = dataclasses.replace(
            self.latest, generation=self.latest.generation + 1, release=manifest.id, at=now(), releases=releases
        )
        on_record("release.publish", self.dest, manifest.id, len(manifest.entries))
        try:
            move(self.dest, new, self.etag)
        except (AlreadyExistsError, ChangedError):
            self._withdraw(manifest)
            raise
        self.latest = new
        return True

    def _check_unmoved(self, manifest: Manifest) -> None:
        """Notice a recall or another release since the scan, where the pointer stays and no swap would."""
        if read_latest(self.dest)[1] != self.etag:
            self._withdraw(manifest)
            raise ChangedError(f"Others publish into {self.dest.url}.", hint="Run the same command again.")

    def _withdraw(self, manifest: Manifest) -> None:
        """Take away again what a recall forbids, where it was faster than this publication."""
        latest, _ = read_latest(self.dest)
        if {digest for _, digest, _ in manifest.objects()} & latest.recalled:
            site.take_down(self.dest, latest)
            site.remove_recalled(self.dest, latest)

    def _tidy(self, copied: Iterable[str]) -> bool:
        """Finish a recall that was interrupted, or that this publication crossed."""
        latest, _ = read_latest(self.dest)
        short = {digest[:16] for digest in latest.recalled}
        if not any(path.split("/")[1] in short for path in (*self.present, *copied)):
            return False
        site.settle(self.dest)
        site.take_down(self.dest, latest)
        return bool(site.remove_recalled(self.dest, latest))


def _overview(source: Store, key: str | None, barred: frozenset[str]) -> tuple[Plot, str] | None:
    if key is None:
        return None
    try:
        info = source.head(key)
    except NotFoundError:
        raise NotFoundError(f"There is no map {key!r} in {source.url}.", hint="Check --map.") from None
    plot = scan_plot(source, key, info, barred)
    if plot is None:
        raise UsageError("The map is no PNG and no plain SVG, or was taken back.", hint="Check --map.")
    return plot, key


def _counts(manifest: Manifest, copied: Container[str]) -> tuple[Count, Count]:
    """Count the files of a release that are copied, and those that are there already; their plots are no files."""
    counts = {True: Count(), False: Count()}
    for entry in manifest.entries:
        counts[entry.path in copied] += Count(1, entry.size)
    return counts[True], counts[False]


def _put(store: Store, path: str, data: bytes, digest: str) -> None:
    """Write an object under its hash; what lies there with other bytes is not ours and is replaced."""
    try:
        store.put_if_absent(path, data)
    except AlreadyExistsError:
        if not _holds(store, path, digest):
            store.put(path, data)


def _holds(store: Store, path: str, digest: str) -> bool:
    try:
        found = store.get(path)
    except NotFoundError:
        return False
    return hashlib.sha256(bytes(found.data)).hexdigest() == digest
