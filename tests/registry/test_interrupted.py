"""A sync that is interrupted anywhere, or overtaken by another, loses nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bondstore.databases import Change, Row, Table
from bondstore.errors import ChangedError, TransientStoreError
from bondstore.registry.history import STATE
from bondstore.registry.settings import GONE
from tests.registry.forms import person, written
from tests.registry.labs import Lab

MOST = 7
"""Changes in one transaction: three participants with their history, and the state."""
BEFORE = [person(number) for number in range(12)]
AFTER = [person(n, Port="Bega") for n in range(2, 6)] + BEFORE[6:] + [person(n) for n in range(20, 26)]


class Cut(BaseException):
    """The process ends here."""


class Fragile:
    """A table in small transactions, with something that happens before or after one of them."""

    def __init__(self, table: Table, act: Callable[[int, bool], None], *, most: int | None = MOST) -> None:
        self.table, self.act, self.most = table, act, most
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)

    def apply(self, changes: Sequence[Change], *, also: Any = ()) -> list[Row | None]:
        self.calls += 1
        size = len(changes) + sum(len(some) for _, some in also)
        assert self.most is None or size <= self.most
        self.act(self.calls, False)
        done = self.table.apply(changes, also=also)
        self.act(self.calls, True)
        return done


def fragile(lab: Lab, act: Callable[[int, bool], None]) -> tuple[Fragile, Table]:
    rows, history = lab.open()
    return Fragile(rows, act), history


def is_after(lab: Lab) -> None:
    assert lab.active() == {one["Vessel number"]: one for one in AFTER}
    assert lab.gone() == {"VN 00000", "VN 00001"}
    actions: dict[int, list[str]] = {}
    for entry in lab.history():
        actions.setdefault(entry.user_id, []).append(entry.action)
    numbers = lab.numbers()
    assert actions == {
        numbers[f"VN {n:05d}"]: ["new"] + ["inactive"] * (n < 2) + ["changed"] * (2 <= n < 6)
        for n in [*range(12), *range(20, 26)]
    }
    assert all(row.version == len(actions[int(row.key)]) for row in lab.rows()), "one entry a version: nothing is lost"
    state = lab.open()[1].get(STATE)
    assert state is not None
    assert state.fields["state"] == "done"


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_cut_at_every_transaction_and_run_again(lab: Lab, call: int, after: bool) -> None:
    lab.sync(written(BEFORE))

    def cut(number: int, done: bool) -> None:
        if (number, done) == (call, after):
            raise Cut

    with pytest.raises(Cut):
        lab.sync(written(AFTER), tables=fragile(lab, cut))
    state = lab.open()[1].get(STATE)
    assert state is not None
    cut_within = (call, after) not in ((1, False), (4, True))
    assert state.fields["state"] == ("running" if cut_within else "done")
    lab.sync(written(AFTER))
    is_after(lab)
    assert lab.sync(written(AFTER)).written == 0


def test_the_counts_are_those_of_the_whole_sync(lab: Lab) -> None:
    """Somebody else writes a row in the middle: what was written before that is counted too."""
    lab.sync(written(BEFORE))
    whole = lab.sync(written(AFTER), dry_run=True).counts

    def meddle(number: int, done: bool) -> None:
        if (number, done) == (3, False):
            rows, _ = lab.open()
            row = rows.get(lab.numbers()["VN 00005"])
            assert row is not None
            fields = {**row.fields, "Contact name": "Edited by hand"}
            rows.apply([Change(row.key, row.version, fields)])

    result = lab.sync(written(AFTER), tables=fragile(lab, meddle))
    assert result.counts == whole
    assert result.attempts in (1, 2)  # it is planned anew where the row was still to come
    assert lab.active()["VN 00005"] == AFTER[3]
    told = [one for one in lab.history(lab.numbers()["VN 00005"]) if one.action == "changed"]
    assert len(told) == 1


def test_a_row_edited_by_hand_is_planned_anew(lab: Lab) -> None:
    lab.sync(written(BEFORE))
    number = lab.numbers()["VN 00003"]

    def meddle(call: int, done: bool) -> None:
        if (call, done) == (1, False):
            rows, _ = lab.open()
            row = rows.get(number)
            assert row is not None
            rows.apply([Change(number, row.version, {**row.fields, "Contact name": "Edited by hand"})])

    rows, history = lab.open()
    result = lab.sync(written(AFTER), tables=(Fragile(rows, meddle, most=rows.most), history))  # type: ignore[arg-type]
    assert result.attempts == 2
    [_, changed] = lab.history(number)
    assert changed.old["Contact name"] == "Edited by hand", "what the other wrote is in the history"
    assert lab.active()["VN 00003"] == AFTER[1]


def test_who_is_always_overtaken_gives_up_and_says_so(small: Lab) -> None:
    small.sync(written(BEFORE))

    def always(call: int, done: bool) -> None:
        if not done:
            raise ChangedError("changed")

    rows, history = fragile(small, always)
    with pytest.raises(TransientStoreError) as told:
        small.sync(written(AFTER), tables=(rows, history), attempts=3)  # type: ignore[arg-type]
    assert rows.calls == 3
    assert "again and again" in told.value.message
    small.sync(written(AFTER))
    is_after(small)


def together(*works: Callable[[], object]) -> None:
    failed: list[BaseException] = []
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        gate.wait()
        try:
            work()
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@pytest.mark.parametrize("most", [None, MOST], ids=["whole", "in small transactions"])
def test_the_same_twice_at_once(lab: Lab, most: int | None) -> None:
    """Double delivery: all changes are made once."""
    lab.sync(written(BEFORE))

    def work() -> object:
        rows, history = lab.open()
        table = rows if most is None else Fragile(rows, lambda *_: None)
        return lab.sync(written(AFTER), tables=(table, history), patience=0.5)

    together(work, work, work)
    is_after(lab)


@pytest.mark.parametrize("most", [None, MOST], ids=["whole", "in small transactions"])
def test_two_different_ones_at_once(lab: Lab, most: int | None) -> None:
    """The table is as the one that came last says; both are in the history; no mixture of the two."""
    lab.sync(written(BEFORE))
    files = [[person(n, Port=port) for n in range(12)] for port in ("Bega", "Eden North")]

    def work(rows: list[dict[str, str]]) -> Callable[[], object]:
        def sync() -> object:
            table, history = lab.open()
            wrapped = table if most is None else Fragile(table, lambda *_: None)
            return lab.sync(written(rows), tables=(wrapped, history), patience=0.5)

        return sync

    together(*(work(rows) for rows in files))
    ports = {fields["Port"] for fields in lab.active().values()}
    assert ports in ({"Bega"}, {"Eden North"})
    versions = {row.version for row in lab.rows()}
    assert versions == {3}, "each of the two wrote each row once"
    old = {(one.user_id, str(one.old["Port"])) for one in lab.history() if one.action == "changed" and one.version == 3}
    assert {port for _, port in old} == {"Bega", "Eden North"} - ports


def test_marks_and_history_go_together(lab: Lab) -> None:
    """A history that cannot be written to keeps the rows as they are."""
    lab.sync(written(BEFORE))
    before = lab.rows()
    rows, history = lab.open()

    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(rows, name)

        def apply(self, changes: Sequence[Change], *, also: Any) -> Any:
            [(table, entries)] = also
            return rows.apply(changes, also=[(table, [*entries, Change("nobody", 5, {})])])

    with pytest.raises(TransientStoreError):
        lab.sync(written(AFTER), tables=(Full(), history), attempts=2)  # type: ignore[arg-type]
    assert lab.rows() == before
    assert not any(GONE in row.fields for row in lab.rows())
