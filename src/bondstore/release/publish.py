"""Publishing: from a private store to a public one, what meets a requirement and nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bondstore.errors import (
    AlreadyExistsError,
    ChangedError,
    NotFoundError,
    PolicyError,
    TransientStoreError,
    UsageError,
)
from bondstore.ledger.personal import personal_ledger
from bondstore.release import site
from bondstore.release.about import About
from bondstore.release.latest import Latest, move, now, read_latest
from bondstore.release.look import Inspector, Looked, Wish, fetch, look, look_at_plot
from bondstore.release.manifest import Manifest, Plot, in_order
from bondstore.release.requirement import Requirement
from bondstore.runs.context import whoami

if TYPE_CHECKING:
    from bondstore.findings import Finding
    from bondstore.stores import Store

_TRIES = 8
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Order:
    """What a publisher asks for.

    Parameters
    ----------
    requirement : str
        What every file must meet; see `Requirement`.
    about : About
        What the publisher says.
    inspectors : mapping of str to callable
        By the end of a file's name: reads a file's own flags, and raises `DamagedError` when its record claims more.
    overview : str, optional
        Key of a map of everything, in the private store.
    stac : bool
        Write STAC items too.
    again : bool
        Release even what was taken back.
    by_product : callable
        Tells by its key whether an object without a record is known to be none that could leave; others are told of.
    """

    requirement: str = "good"
    about: About = field(default_factory=About)
    inspectors: Mapping[str, Inspector] = field(default_factory=dict)
    overview: str | None = None
    stac: bool = False
    again: bool = False
    by_product: Callable[[str], bool] = field(default=lambda _: False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a publication would do.

    Parameters
    ----------
    release : str
        Id of the release.
    files, bytes : int
        What would be released, in files and their bytes.
    copies, copy_bytes : int
        Objects that are not in the public store yet, and their bytes; plots among them.
    gone : int
        Files of the release that holds which this one has no more. Their objects stay for those who cite them.
    held : int
        Files that do not meet the requirement.
    same : bool
        Whether this very release holds already.
    findings : tuple of Finding
        Why others are not released; their keys are private.
    """

    release: str
    files: int
    bytes: int
    copies: int
    copy_bytes: int
    gone: int
    held: int
    same: bool
    findings: tuple[Finding, ...]

    def record(self) -> dict[str, Any]:
        """Return the fields for output, findings left out."""
        content = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        return {"kind": "release-plan", **{name: value for name, value in content.items() if name != "findings"}}


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did.

    Parameters
    ----------
    release : str
        Id of the release that holds now.
    changed : bool
        Whether anything was written.
    files, bytes : int
        What it holds.
    copied, copied_bytes : int
        Objects written, and their bytes.
    findings : tuple of Finding
        Why others were not released.
    """

    release: str
    changed: bool
    files: int
    bytes: int
    copied: int
    copied_bytes: int
    findings: tuple[Finding, ...]

    def record(self) -> dict[str, Any]:
        """Return the fields for output, findings left out."""
        content = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        return {"kind": "release", **{name: value for name, value in content.items() if name != "findings"}}


def publish(
    source: Store,
    dest: Store,
    order: Order | None = None,
    *,
    confirm: Callable[[Plan], bool] | None = None,
    dry_run: bool = False,
) -> Plan | Published:
    """Publish what meets a requirement. Stopped at any instant, the old or the new release holds, whole.

    Parameters
    ----------
    source, dest : Store
        The private and the public store. See `gates` for what to ask of them first.
    order : Order, optional
        What to publish.
    confirm : callable, optional
        Asked with the plan before anything is written; without its yes nothing is.
    dry_run : bool
        Return the plan.

    Returns
    -------
    Plan or Published
        The plan for a dry run, or when it was not confirmed.

    Raises
    ------
    PolicyError
        Nothing meets the requirement, and something is released: an empty release would take it all away.
    TransientStoreError
        Others keep publishing here.
    BondstoreError
        Either store fails. What holds is unchanged then, or is the new release.
    """
    order = order or Order()
    asked = False
    for _ in range(_TRIES):
        attempt = _Attempt.make(source, dest, order)
        plan = attempt.plan()
        if dry_run:
            return plan
        attempt.demand_something()
        if confirm is not None and not asked and not confirm(plan):
            return plan
        asked = True
        done = attempt.execute()
        if done is not None:
            return done
    raise TransientStoreError(f"Others keep publishing into {dest.url}.", hint="Run the same command again.")


@dataclass(slots=True)
class _Attempt:
    """One look and what follows from it; given up when another publisher was faster."""

    source: Store
    dest: Store
    order: Order
    latest: Latest
    etag: str | None
    before: Manifest | None
    looked: Looked
    overview: tuple[Plot, str] | None
    present: dict[str, int]

    @classmethod
    def make(cls, source: Store, dest: Store, order: Order) -> _Attempt:
        """Read the pointer, then the private store: what changes after that is noticed when the pointer is moved."""
        requirement = Requirement.parse(order.requirement)
        latest, etag = read_latest(dest)
        before = site.read_manifest(dest, latest.release) if latest.release else None
        barred = frozenset() if order.again else latest.recalled
        looked = look(source, Wish(requirement, order.inspectors, order.by_product, barred))
        overview = _overview(source, order.overview, barred)
        looked.findings = [one for one in looked.findings if (one.kind, one.key) != ("not-recorded", order.overview)]
        present = {info.key: info.size for info in dest.list("data")}
        return cls(source, dest, order, latest, etag, before, looked, overview, present)

    def manifest(self, without: frozenset[str] = frozenset()) -> Manifest:
        """Return the release; files whose bytes changed meanwhile are left out."""
        entries = in_order(item.entry for item in self.looked.items)
        overview = self.overview[0] if self.overview else None
        made = Manifest(self.order.about, self.order.requirement, entries, overview, self.order.stac)
        return made.without(without) if without else made

    def missing(self, manifest: Manifest) -> dict[str, tuple[str, int]]:
        """Return what must be written: SHA-256 and size by path. Only what holds already counts as proved."""
        proved = (
            {path for path, _, size in self.before.objects() if self.present.get(path) == size} if self.before else ()
        )
        return {path: (digest, size) for path, digest, size in manifest.objects() if path not in proved}

    def plan(self) -> Plan:
        manifest = self.manifest()
        missing = {p: s for p, (_, s) in self.missing(manifest).items() if self.present.get(p) != s}
        names = {entry.file for entry in manifest.entries}
        return Plan(
            manifest.id,
            len(manifest.entries),
            sum(entry.size for entry in manifest.entries),
            len(missing),
            sum(missing.values()),
            sum(entry.file not in names for entry in self.before.entries) if self.before else 0,
            sum(one.kind == "below-requirement" for one in self.looked.findings),
            self.latest.release == manifest.id and not missing,
            tuple(self.looked.findings),
        )

    def demand_something(self) -> None:
        if not self.looked.items and self.before is not None and self.before.entries:
            raise PolicyError(
                "Nothing meets the requirement, and an empty release would take away all that is released.",
                hint="Check --from. To take what is released back: bondstore release recall.",
            )

    def execute(self) -> Published | None:
        """Write everything; None when another publisher or a recall was faster."""
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
        return Published(
            manifest.id,
            changed,
            len(manifest.entries),
            sum(entry.size for entry in manifest.entries),
            len(copied),
            sum(copied.values()),
            tuple(self.looked.findings),
        )

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
        keys = {path: key for item in self.looked.items for path, key in item.keys.items()}
        if self.overview:
            keys[self.overview[0].path] = self.overview[1]
        copied: dict[str, int] = {}
        bad: set[str] = set()
        todo = []
        for path, (digest, size) in missing.items():
            if self.present.get(path) == size and _holds(self.dest, path, digest):
                continue
            todo.append(path)
        for batch in _batches(todo):
            data = fetch(self.source, [keys[path] for path in batch])
            for path in batch:
                digest, size = missing[path]
                found = data.get(keys[path])
                if found is None or hashlib.sha256(found).hexdigest() != digest:
                    bad.add(digest)
                    self.looked.add("changed-meanwhile", keys[path])
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
        """Notice a recall or another release since the look, where the pointer stays and no swap would."""
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
    plot = look_at_plot(source, key, info, barred)
    if plot is None:
        raise UsageError("The map is no PNG and no plain SVG, or was taken back.", hint="Check --map.")
    return plot, key


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


def _batches(paths: list[str]) -> Iterable[list[str]]:
    return (paths[start : start + _BATCH] for start in range(0, len(paths), _BATCH))


def on_record(action: str, store: Store, subject: str, size: int) -> None:
    """Put an act into the account's own record; before it happens, so that a kill leaves none unrecorded."""
    with personal_ledger() as ledger, ledger.transaction():
        ledger.audit.event(whoami(), "", action, f"{store.url} {subject}", size)
