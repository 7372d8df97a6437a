"""Old archives that ``openssl enc`` encrypted, opened: proved by their content, and their tars unpacked."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from bondstore.codecs import openssl
from bondstore.config.resolve import recorded_dest, recorded_store, store_params
from bondstore.config.secrets import SecretRef
from bondstore.errors import BondstoreError, DamagedError, NotFoundError, NothingThereError, UsageError
from bondstore.findings import Severity
from bondstore.ledger import Item, Read, State
from bondstore.runs.batches import grouped
from bondstore.runs.domain import unknown_run
from bondstore.runs.paths import safe_relpath
from bondstore.runs.pipeline import PAGE, EachObject, Job, Leftovers, Page, Step
from bondstore.runs.policy import check_places
from bondstore.stores import open_store
from bondstore.stores.address import dest_spec, is_odd, store_spec
from bondstore.text import counted, printable
from bondstore.vault.content import TAR, TAR_GZ, Source, gunzip, take_all
from bondstore.vault.legacyfindings import AGAIN, BY_DAMAGE, LEGACY, NO_ROOM, UNOPENED
from bondstore.vault.opening import HEAD, Opening, Proof, as_far_as_it_goes, find
from bondstore.vault.tars import Walk
from bondstore.vault.unpack import Row, Unpacking, listed

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from bondstore.config.profiles import Profile, StoreSpec
    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.plan import Plan
    from bondstore.runs.tally import Count
    from bondstore.runs.work import Work
    from bondstore.stores import ObjectInfo
    from bondstore.vault.content import Ending, Prove
    from bondstore.vault.tars import Member

JOB = "vault.unseal-legacy"
FOLDER, LIST = ".files", ".files.csv"
"""Ends of the names of an unpacked tar's folder, and of an archive's list of what came of it."""
SEALED_SUFFIXES = (".enc", ".des", ".des3", ".aes", ".openssl", ".b64")
"""Ends of names that only say that a file is encrypted."""
_RULES = 1  # another number makes everything again
_END = 200  # bytes at an object's end, in base64 enough for two blocks
_RATE = 28 << 20  # bytes of DES a second on one core
ASK = SecretRef("prompt", "Passphrase of the archives")


@dataclass(frozen=True, slots=True)
class Asked:
    """How old archives are to be opened.

    Parameters
    ----------
    passphrases : tuple of SecretRef
        References to the passphrases to try; asked for at the terminal when not given.
    rounds : int, optional
        Of ``-pbkdf2 -iter``, where another number than 10,000 was used.
    keep_tar : bool
        Write a tar as it is, and do not unpack it.
    accept_unknown : bool
        Also write what cannot be proved.
    """

    passphrases: tuple[SecretRef, ...] = (ASK,)
    rounds: int | None = None
    keep_tar: bool = False
    accept_unknown: bool = False

    def params(self) -> dict[str, Any]:
        """Return it as JSON, secrets by reference."""
        return {
            "passphrases": list(map(str, self.passphrases)),
            "rounds": self.rounds,
            "keep_tar": self.keep_tar,
            "accept_unknown": self.accept_unknown,
        }

    def made_by(self, version: str) -> str:
        """Return the digest of what is made of an object's version."""
        return hashlib.sha256(repr([_RULES, self.keep_tar, version]).encode()).hexdigest()


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
            check_places(self.store, self.dest)
        for key in self.keys or ():  # results may lie beside an archive that was named
            check_places(replace(self.store, url=f"{self.store.url}/{key}"), self.dest)
        for one in self.asked.passphrases:
            one.resolve()
        if self.keys is None and not any(map(len, open_store(self.store).pages())):
            raise NothingThereError(f"There are no objects in {self.store.url}.", hint="Check the folder or the URL.")

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
    above, _, name = spec.url.rpartition("/")
    if not above.endswith("/") and name and not is_odd(name):
        try:
            parent = store_spec(above, spec.profile)
            open_store(parent).head(name)
        except (NotFoundError, UsageError):
            pass
        else:
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
        return Item(found.key, found.etag, found.size, f"{safe_relpath(base_of(found.key))}{LIST}")

    def informed(self, ledger: Ledger, context: RunContext, holder: Holder) -> Unseal:
        """Return the step with the archives of which a file is gone."""
        files = ledger.outputs.of_kind(context.job, "file")
        return replace(self, missing=frozenset(one.source for one in files if not holder.holds(one)))

    def plan_page(self, ledger: Ledger | None, context: RunContext, holder: Holder, page: Page) -> Plan:
        """Give each archive a name of its own; where another has the short one, the whole key is it."""
        if ledger is not None:
            page.items = list(_apart(ledger, context.job, page.items))
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
            archive = _Archive(self.asked, item, info, work)
            try:
                archive.unseal()
            except _UnfetchedError as failure:
                work.drop()
                work.not_fetched(item, failure.error)


class _UnfetchedError(BondstoreError):
    """Told from what else may go wrong while an archive is read and written at once: it is the source's."""

    def __init__(self, error: BondstoreError) -> None:
        super().__init__(error.message, hint=error.hint)
        self.error = error


class _Archive:
    """One archive while it is opened."""

    def __init__(self, asked: Asked, item: Item, info: ObjectInfo, work: Work) -> None:
        self._asked, self._item, self._info, self._work = asked, item, info, work
        self._base = item.output.removesuffix(LIST)
        self._opening = Opening((), None)

    def unseal(self) -> None:
        """Find out how it opens, and write what it holds; or say why not."""
        self._note_read(min(self._info.size, HEAD + _END))
        head = self._range(0, HEAD)
        if not openssl.looks_sealed(head):
            self._refuse("not-openssl")
            return
        opening = find(head, self._range(max(0, self._info.size - _END), _END), self._passphrases(), self._asked.rounds)
        if opening is None:
            self._refuse(UNOPENED)
            return
        self._opening = opening
        if opening.kind is None:
            self._unproved("content-unknown")
        elif opening.kind.name in (TAR, TAR_GZ) and not self._asked.keep_tar:
            self._unpack(zipped=opening.kind.name == TAR_GZ)
        else:
            self._write(opening.kind.prove)

    def _passphrases(self) -> tuple[bytes, ...]:
        """Return what may have been typed: old terminals sent a passphrase in Latin-1."""
        found: dict[bytes, None] = {}
        for one in self._asked.passphrases:
            text = one.resolve().reveal()
            found[text.encode()] = None
            with suppress(UnicodeEncodeError):
                found[text.encode("latin-1")] = None
        return tuple(found)

    def _write(self, prove: Prove) -> None:
        """Write the content as one file."""
        try:
            row, extra = self._file(prove)
        except DamagedError as error:
            self._work.drop()
            self._unproved(BY_DAMAGE[error.kind], error.message)
        else:
            self._end([row], extra)

    def _file(self, prove: Prove, *, loosely: bool = False) -> tuple[Row, int]:
        """Write the content while it is proved; return its line in the list, and how many bytes follow its end."""
        proof, digest, size = Proof(prove), hashlib.sha256(), 0
        plain = self._plain()

        def passing() -> Iterator[bytes]:
            nonlocal size
            for piece in proof.through(as_far_as_it_goes(plain) if loosely else plain):
                digest.update(piece)
                size += len(piece)
                yield piece

        self._put(self._base, passing(), None)
        name = self._base.rpartition("/")[2]
        return Row(name, "file", size, 0, digest.hexdigest(), printable(self._item.key)), proof.ending.extra

    def _unproved(self, word: str, message: str = "") -> None:
        """Say that content is not proved, and write it all the same where that was asked for."""
        if self._asked.accept_unknown:
            row, _ = self._file(take_all, loosely=True)
            message = f"{message or LEGACY[word].sentence} It was written as it is."
            self._refuse(word, message, keep=[row])
        else:
            self._refuse(word, message)

    def _unpack(self, *, zipped: bool) -> None:
        """Write the members of a tar."""
        unpacking = Unpacking(f"{self._base}{FOLDER}", self._put, self._free)
        try:
            if self._work.dest.at_once:  # nothing in a store is taken back: it is proved first, then written
                self._walk(_pass_over, zipped=zipped)
            ending = self._walk(unpacking.take, zipped=zipped)
        except DamagedError as error:
            word = BY_DAMAGE[error.kind]
            if not self._asked.accept_unknown:
                self._work.drop()
                self._refuse(word, error.message)
                return
            if not unpacking.rows:
                with suppress(DamagedError):
                    self._walk(unpacking.take, zipped=zipped)
            self._work.receipt.findings += unpacking.findings(self._item.key)
            self._refuse(word, f"{error.message} Written as they are: {unpacking.told()}.", keep=unpacking.rows)
        else:
            self._work.receipt.findings += unpacking.findings(self._item.key)
            self._end(unpacking.rows, ending.extra)

    def _walk(self, take: Callable[[Member], None], *, zipped: bool) -> Ending:
        """Go through the tar to its end, and that of the gzip stream it is in; say where it stops."""
        outer = Source(self._plain())
        inner = Source(gunzip(outer)) if zipped else outer
        walk = Walk(inner)
        try:
            for member in walk:
                take(member)
            while inner.some():  # to the checksum of gzip
                pass
        except DamagedError as error:
            if error.kind == NO_ROOM:
                raise
            last = f"The last whole member is {printable(walk.last)}." if walk.last else "No member is whole."
            raise DamagedError(f"{error.message} {last}", kind=error.kind) from error
        return outer.finish()

    def _end(self, rows: Sequence[Row], extra: int) -> None:
        """Note that the content is whole."""
        if extra:
            told = f"The content is whole, and {counted(extra, 'byte')} follow that are not its cipher's padding."
            self._work.receipt.findings.append(
                LEGACY["bytes-after-end"].about(self._item.key, count=extra, message=told)
            )
        self._list(rows)
        found = (one for one in self._work.receipt.findings if one.severity is Severity.ERROR)
        if (bad := next(found, None)) is not None:
            self._work.quarantine(self._item, self._info.etag, bad.kind)
        else:
            self._work.receipt.done(self._item, self._info.etag)

    def _refuse(self, word: str, message: str = "", *, keep: Sequence[Row] = ()) -> None:
        """Note why the archive is not open, or not proved; what of it was written is listed."""
        if keep:
            self._list(keep)
        self._work.receipt.findings.append(LEGACY[word].about(self._item.key, message=message))
        self._work.quarantine(self._item, self._info.etag, word)

    def _list(self, rows: Sequence[Row]) -> None:
        self._work.write(self._item.output, [listed(rows)], last=True, kind="list", **self._facts)

    def _put(self, path: str, chunks: Iterable[bytes], mtime_ns: int | None) -> None:
        self._work.write(path, chunks, mtime_ns=mtime_ns, kind="file", **self._facts)

    @property
    def _facts(self) -> dict[str, str]:
        return {"made_by": self._asked.made_by(self._info.etag), "source": self._item.key}

    def _free(self) -> int | None:
        """Return how many bytes there is room for; None in a store."""
        return None if self._work.dest.at_once else shutil.disk_usage(self._work.dest.corner).free

    def _plain(self) -> Iterator[bytes]:
        """Open the archive from its beginning."""
        self._note_read(self._info.size)
        return self._opening.open(self._fetched(lambda: self._work.store.open_ranges(self._info)))

    def _range(self, start: int, length: int) -> bytes:
        def ask() -> list[bytes]:
            return [self._work.store.get_range(self._item.key, start, length, self._info.etag)]

        return b"".join(self._fetched(ask))

    @staticmethod
    def _fetched(ask: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
        try:
            yield from ask()
        except BondstoreError as error:
            raise _UnfetchedError(error) from error

    def _note_read(self, size: int) -> None:
        self._work.receipt.reads.append(Read(self._item.key, self._info.etag, size))


def _pass_over(member: Member) -> None:
    """Leave a member's content to the walk."""


def _apart(ledger: Ledger, job: str, items: Sequence[Item]) -> Iterator[Item]:
    """Yield items with lists of their own: the short name is its who had it first, the others have their whole key."""
    taken: dict[str, str] = {}
    for item in items:
        whole = safe_relpath(item.key)
        for name in chain([item.output, f"{whole}{LIST}"], (f"{whole}~{number}{LIST}" for number in count(2))):
            owner = taken.get(name) or ledger.items.keys_of(job, [name]).get(name)
            if owner in (None, item.key):
                taken[name] = item.key
                yield replace(item, output=name)
                break
