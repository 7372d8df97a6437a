"""What a file's own flags say beside what the tests say that know nothing of them."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bondstore.domains.ocean.cycles import CycleIndex, FilesBefore
from bondstore.domains.ocean.linked import grouped_with, link
from bondstore.domains.ocean.plots.places import find_source
from bondstore.domains.ocean.profile_files import SUFFIXES
from bondstore.domains.ocean.profiles import NONE, joined
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.flags import SOURCE_WORDS, Flag, flag_word
from bondstore.domains.ocean.reading import read_many
from bondstore.domains.ocean.service import Asked
from bondstore.domains.ocean.show import USUAL
from bondstore.domains.ocean.write import Maker
from bondstore.errors import HOPELESS, BondstoreError, DamagedError, NothingThereError
from bondstore.findings import NOT_FETCHED, Finding, Severity
from bondstore.ledger import Item, Read, note_personal
from bondstore.runs.batches import Sample
from bondstore.runs.process import whoami
from bondstore.stores import open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from bondstore.config.profiles import Profile as Settings
    from bondstore.domains.ocean.profiles import Batch
    from bondstore.domains.ocean.qc.evaluate import Result
    from bondstore.stores import Store


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many levels a file calls one thing and the tests another, or the same."""

    variable: str
    test: str  # its label; empty for all tests together
    file_says: str
    tests_say: str
    levels: int
    profiles: int

    def record(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {"kind": "agreement", **asdict(self)}


@dataclass(frozen=True, slots=True)
class Compared:
    """All that was compared."""

    rows: tuple[Agreement, ...]
    files: int  # with flags of their own
    without: int  # files that bring none
    findings: tuple[Finding, ...] = ()


def compare(
    source: str | os.PathLike[str],
    *,
    tests: str | None = None,
    exclusion_list: str | None = None,
    metadata: str | os.PathLike[str] | None = None,
    profile: str | Settings | None = None,
) -> Compared:
    """Hold the flags that files bring against those of tests that do not know them.

    Parameters
    ----------
    source : str or path
        A file, a folder, a store's URL or the URL of one object.
    tests : str, optional
        A suite's name or the path of a TOML; the suite of each file's kind when not given (Argo, Moana, QARTOD).
    exclusion_list : str, optional
        A file, or its URL, for Argo's test 15.
    metadata : path, optional
        The table of deployments (CSV).
    profile : str or Profile, optional
        Named settings to open the source with.

    Returns
    -------
    Compared
        Rows by variable, test, and what both say; the first of each variable are those of all tests together.

    Raises
    ------
    NothingThereError
        There is no file of profiles, or none of them has flags of its own.
    NotFoundError
        There is no such file, folder, object or suite.
    ConfigurationError
        The suite or a table cannot be used.
    """
    spec, key = find_source(source, profile)
    store, work = open_store(spec), _Comparing()
    makers: dict[str, Maker] = {}

    def maker(dialect: str) -> Maker:
        suite = tests or USUAL.get(dialect, "qartod")
        if suite not in makers:
            asked = Asked(suite, metadata=metadata, exclusion_list=exclusion_list)
            makers[suite] = Maker(asked.settings(), spec.url)
        return makers[suite]

    with closing(CycleIndex(_sampled(_listed(store, key), store))) as index:
        # Listed twice, for the index and for the work: nothing that grows with the store is held.
        items = iter([_item(store, key)]) if key is not None else _listed(store, None)
        before = FilesBefore(index, None if key is None else store)
        for some in grouped_with((item, before.of(item.key)) for item in items):
            _compare_some(store, some, maker, work)
    if not work.seen:
        raise NothingThereError(
            f"There are no profile files in {store.url}: none ends in {' or '.join(SUFFIXES)}.",
            hint="Check the folder, or the bucket and its prefix.",
        )
    if not work.files and not work.findings:
        raise NothingThereError(
            "None of the files has flags of its own, so there is nothing to compare.",
            hint="Argo and IMOS files bring flags; see what the tests say of others: bondstore ocean show FILE",
        )
    return work.compared()


def _listed(store: Store, key: str | None) -> Iterator[Item]:
    if key is not None:
        return
    for page in store.pages():
        for one in page.objects():
            if not one.barred and one.key.lower().endswith(SUFFIXES) and not one.key.startswith(".bondstore/"):
                yield Item(one.key, one.etag, one.size, "")


def _sampled(items: Iterator[Item], store: Store) -> Iterator[Item]:
    """Let the store know objects that may open where others are refused."""
    sample = Sample()
    for one in items:
        sample.add(one.key)
        yield one
    store.others = tuple(sample.keys)


def _item(store: Store, key: str) -> Item:
    found = store.head(key)
    return Item(found.key, found.etag, found.size, "")


def _compare_some(
    store: Store, some: list[tuple[Item, Sequence[Item]]], maker: Callable[[str], Maker], work: _Comparing
) -> None:
    before = {item.key: befores for item, befores in some}
    read: dict[str, Batch] = {}
    for key, result in _read(store, list(before), work):
        if isinstance(result, DamagedError):
            work.findings.append(Finding(result.kind, Severity.ERROR, key, str(result)))
            continue
        read[key], findings = result
        work.findings += findings
    work.seen += len(some)
    kinds: dict[str, dict[str, Batch]] = {}
    for key, batch in read.items():
        if len(batch):
            kinds.setdefault(batch.profiles[0].header.dialect, {})[key] = batch
    for dialect, alike in kinds.items():
        tool = maker(dialect)
        linked = link(alike, before if tool.suite.compares else {}, tool, store)
        note_personal(whoami(), linked.reads)
        work.findings += [linked.not_fetched(key) for key in linked.unsure]
        batches = [linked.batches[key] for key in alike if key not in linked.unsure]
        flagged = [one for one in batches if any((flags != NONE).any() for flags in one.source.values())]
        work.files += len(flagged)
        work.without += len(batches) - len(flagged)
        if flagged:
            whole = joined(flagged)
            work.add(whole, evaluate(replace(whole, source={}), tool.suite))


def _read(
    store: Store, keys: list[str], work: _Comparing
) -> list[tuple[str, tuple[Batch, list[Finding]] | DamagedError]]:
    reads: list[Read] = []
    pairs: list[tuple[str, bytes]] = []
    for key, answer in zip(keys, store.get_many(keys), strict=True):
        if not isinstance(answer, BondstoreError):
            reads.append(Read(key, answer.info.etag, len(answer.data)))
            pairs.append((key, bytes(answer.data)))
        elif isinstance(answer, HOPELESS):
            raise answer
        else:
            work.findings.append(NOT_FETCHED.about(key, message=answer.message))
    note_personal(whoami(), reads)
    return [(key, result) for (key, _), result in zip(pairs, read_many(pairs), strict=True)]


class _Comparing:
    """What was counted so far: it does not grow with the number of files."""

    def __init__(self) -> None:
        self.levels: Counter[tuple[str, str, int, int]] = Counter()
        self.profiles: Counter[tuple[str, str, int, int]] = Counter()
        self.findings: list[Finding] = []
        self.files = self.without = self.seen = 0

    def add(self, batch: Batch, result: Result) -> None:
        """Count the levels of a batch."""
        for on, flags in result.rolled.items():
            if on in batch.source:
                self._add(batch, on, "", flags)
        for (label, on), flags in result.flags.items():
            if on in batch.source:
                self._add(batch, on, label, flags)

    def _add(self, batch: Batch, on: str, label: str, flags: Any) -> None:
        theirs = batch.source[on]
        both = theirs.astype(np.int64) * 16 + flags
        there = theirs != NONE
        for pair, many in zip(*np.unique(both[there], return_counts=True), strict=True):
            place = (on, label, int(pair) // 16, int(pair) % 16)
            self.levels[place] += int(many)
            self.profiles[place] += len(np.unique(batch.owner[there & (both == pair)]))

    def compared(self) -> Compared:
        """Return it as rows, in the order in which the tests ran."""
        order = {place: number for number, place in enumerate(dict.fromkeys(one[:2] for one in self.levels))}
        rows = tuple(
            Agreement(on, label, SOURCE_WORDS.get(says, str(says)), flag_word(Flag(said)), many, self.profiles[place])
            for place, many in sorted(self.levels.items(), key=lambda one: (order[one[0][:2]], one[0][2:]))
            for on, label, says, said in [place]
        )
        return Compared(rows, self.files, self.without, tuple(self.findings))
