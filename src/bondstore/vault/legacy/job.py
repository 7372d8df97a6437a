"""Old archives that ``openssl enc`` encrypted, opened: proved by their content, and their tars unpacked."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bondstore.config.resolve import recorded_dest, recorded_store, store_params, with_url
from bondstore.config.secrets import SecretRef
from bondstore.errors import BondstoreError, NotFoundError, NothingThereError
from bondstore.ledger import Item, State
from bondstore.runs.batches import grouped
from bondstore.runs.domain import unknown_run
from bondstore.runs.paths import safe_relpath
from bondstore.runs.pipeline import PAGE, EachObject, Job, Leftovers, Page, Step
from bondstore.runs.policy import check_places, refuse_overlap, refuse_read_only
from bondstore.runs.work import UnfetchedError
from bondstore.stores import open_store
from bondstore.stores.address import dest_spec, parse_address, store_spec
from bondstore.vault.legacy.findings import AGAIN
from bondstore.vault.legacy.unseal import Archive, Asked

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.config.profiles import Profile, StoreSpec
    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.plan import Plan
    from bondstore.runs.tally import Count
    from bondstore.runs.work import Work
    from bondstore.stores import ObjectInfo

JOB = "vault.unseal-legacy"
SEALED_SUFFIXES = (".enc", ".des", ".des3", ".aes", ".openssl", ".b64")
"""Ends of names that only say that a file is encrypted."""
_RATE = 24 << 20  # bytes of DES a second on one core


@dataclass(frozen=True, slots=True)
class UnsealJob(Job):
    """Opening of all archives of a store; with `keys` only of these."""

    store: StoreSpec
    dest: StoreSpec
    asked: Asked
    keys: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """One job for each source."""
        return f"{JOB}:{self.store.url}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        return {
            "job": JOB,
            **store_params(self.store),
            "dest": self.dest.url,
            "dest_profile": self.dest.profile.name,
            "asked": self.asked.params(),
            "keys": None if self.keys is None else list(self.keys),
        }

    def check(self) -> None:
        """Refuse results where they are forbidden, passphrases that cannot be had, and an empty source."""
        if self.keys is None:
            self._check(self.store)
        for key in self.keys or ():  # results may lie beside an archive that was named
            self._check(replace(self.store, url=f"{self.store.url}/{quote(key)}"))
        for one in self.asked.passphrases:
            one.resolve()
        if self.keys is None and not any(map(len, open_store(self.store).pages())):
            raise NothingThereError(f"There are no objects in {self.store.url}.", hint="Check the folder or the URL.")

    def _check(self, source: StoreSpec) -> None:
        if self.asked.recipients:  # nothing is written as it is
            refuse_read_only(self.dest)
            refuse_overlap(source, self.dest)
        else:
            check_places(source, self.dest)

    @property
    def few(self) -> bool:  # type: ignore[override]
        """Whether archives were named."""
        return self.keys is not None

    @property
    def steps(self) -> Sequence[Step]:
        """The archives; then what earlier runs made of them in another way."""
        step = Unseal(self.asked, self.keys, self.few)
        return (step, Leftovers(step))


def job_of(params: Mapping[str, Any], profile: str | None = None) -> UnsealJob:
    """Build the job that a run recorded as its `params`; `profile` opens the source in place of the one used then."""
    dest, asked = recorded_dest(params), dict(params["asked"])
    if dest is None:
        raise unknown_run()
    asked["passphrases"] = tuple(map(SecretRef.parse, asked["passphrases"]))
    asked["recipients"] = tuple(asked.get("recipients", ()))
    keys = params["keys"]
    return UnsealJob(recorded_store(params, profile), dest, Asked(**asked), None if keys is None else tuple(keys))


def prepare(
    source: str | os.PathLike[str],
    dest: str | os.PathLike[str],
    asked: Asked | None = None,
    *,
    profile: str | Profile | None = None,
    dest_profile: str | Profile | None = None,
    group: str | None = None,
    follow_links: bool = False,
) -> UnsealJob:
    """Find the archive, or the place with archives, that is meant, and build the job."""
    spec = store_spec(source, profile)
    place = dest_spec(dest, dest_profile or profile, group=group, follow_links=follow_links)
    address = parse_address(spec.url)
    inside = address.folder is None
    above, _, name = (address.prefix if inside else address.place).rpartition("/")
    if name:
        outer = replace(address, prefix=above) if inside else replace(address, place=above or "/")
        parent = with_url(spec, outer.url)
        with suppress(NotFoundError):
            open_store(parent).head(name)
            return UnsealJob(parent, place, asked or Asked(), (name,))
    return UnsealJob(spec, place, asked or Asked())


def base_of(key: str) -> str:
    """Return the name of an archive without what only says that it is encrypted."""
    base = key
    while base.lower().endswith(SEALED_SUFFIXES) and not base.rpartition("/")[2].startswith("."):
        base = base.rpartition(".")[0]
    return base if base and not base.endswith("/") else key


@dataclass(frozen=True, slots=True)
class Unseal(EachObject):
    """Opens each archive, and writes what it holds with a list of that."""

    asked: Asked
    keys: tuple[str, ...] | None = None
    few: bool = False
    missing: frozenset[str] = frozenset()
    """Keys of archives of which a file is not there any more."""
    kinds = ("list", "file")
    number = 1

    def pages(self, context: RunContext) -> Iterator[Page]:
        """List the source, or ask for the archives that are named."""
        if self.keys is not None:
            yield self.page([context.store.head(key) for key in self.keys])
        else:
            yield from EachObject.pages(self, context)

    def item_of(self, found: ObjectInfo) -> Item:
        """Take every object: only its bytes tell what it is."""
        return Item(found.key, found.etag, found.size, f"{safe_relpath(base_of(found.key))}{self.asked.list_ending}")

    def informed(self, ledger: Ledger, context: RunContext, holder: Holder) -> Unseal:
        """Return the step with the archives of which a file is gone."""
        files = ledger.outputs.of_kind(context.job, "file")
        return replace(self, missing=frozenset(one.source for one in files if not holder.holds(one)))

    def plan_page(self, ledger: Ledger | None, context: RunContext, holder: Holder, page: Page) -> Plan:
        """Give each archive a name of its own; where another has the short one, the whole key is it."""
        if ledger is not None:
            page.items = list(_apart(ledger, context.job, page.items, self.asked.list_ending))
        return EachObject.plan_page(self, ledger, context, holder, page)

    def is_current(self, item: Item, outputs: Mapping[str, Output], holder: Holder) -> bool:  # noqa: ARG002
        """Whether an archive was opened as is asked for now, and nothing of it is gone."""
        if item.key in self.missing:
            return False
        made = outputs.get(item.output)
        if item.state is State.QUARANTINED and made is None:
            return item.reason not in AGAIN and not self.asked.accept_unknown
        return made is not None and made.made_by == self.asked.made_by(item.version)

    def seconds(self, todo: Count) -> float:
        """Return about how long one core will take, if all is DES."""
        return todo.bytes / _RATE

    def room(self, items: Sequence[Item]) -> int:
        """Return about how much the content takes; what is compressed takes more."""
        return sum(item.size for item in items)

    def leftovers(self, ledger: Ledger, context: RunContext) -> tuple[list[str], list[str]]:
        """Return the files of archives that were made again since, in another way."""
        made: dict[str, str] = {}
        for paths in grouped(ledger.items.outputs_of(context.job), lambda _: 0, number=PAGE, weight=1):
            made |= {one.source: one.made_by for one in ledger.outputs.known(context.job, paths).values()}
        written = ledger.outputs.of_kind(context.job, *self.kinds)
        return [one.path for one in written if made.get(one.source) != one.made_by], []

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Open them."""
        for item in items:
            try:
                info = work.store.head(item.key)
            except BondstoreError as error:
                work.not_fetched(item, error)
                continue
            archive = Archive(self.asked, item, info, work)
            try:
                archive.unseal()
            except UnfetchedError as failure:
                work.drop()
                work.not_fetched(item, failure.error)


def _apart(ledger: Ledger, job: str, items: Sequence[Item], ending: str) -> Iterator[Item]:
    """Yield items with lists of their own: the short name is its who had it first, the others have their whole key."""
    taken: dict[str, str] = {}
    for item in items:
        whole = safe_relpath(item.key)
        for name in chain([item.output, f"{whole}{ending}"], (f"{whole}~{number}{ending}" for number in count(2))):
            owner = taken.get(name) or ledger.items.keys_of(job, [name]).get(name)
            if owner in (None, item.key):
                taken[name] = item.key
                yield replace(item, output=name)
                break
