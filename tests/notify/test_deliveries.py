"""Deliveries: claimed by one, stopped at any instant, over several databases."""

from __future__ import annotations

from collections import Counter
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from bondstore.databases import Table
from bondstore.notify import deliveries as d
from bondstore.notify.deliveries import Deliveries, RetryRules, messages
from bondstore.notify.transport import Accepted, Answer, Declined
from tests.notify.post import SETTINGS, Office, news, office, text_of
from tests.servers.moto import Moto

ANNA, BERT = "anna@one.example", "bert@two.example"
RULES = RetryRules(6, 900, 60)


class Way:
    """A transport that keeps what it takes."""

    url = "test://"

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.answers: list[Declined] = []

    def limit(self) -> int:
        return 10_000_000

    def send(self, message: EmailMessage, recipient: str) -> Answer:
        if self.answers:
            return self.answers.pop(0)
        self.taken.append((recipient, text_of(message)))
        return Accepted(f"r{len(self.taken)}")

    def close(self) -> None:
        pass

    def told(self) -> Counter[tuple[str, int]]:
        return Counter(
            (who, number) for who, text in self.taken for number in range(6) if f"Profile {number}\n" in text
        )


class Stop(BaseException):
    """A kill: nothing catches it."""


class Stopping:
    """A table whose n-th change is the last thing that happens: carried out or not, and then all stops."""

    def __init__(self, table: Table, left: int, *, after: bool) -> None:
        self._table, self._left, self._after = table, left, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def apply(self, changes: Any, **words: Any) -> Any:
        self._left -= 1
        if self._left >= 0:
            return self._table.apply(changes, **words)
        if self._left == -1 and self._after:
            self._table.apply(changes, **words)
        raise Stop


class Stopped(Office):
    left = 0
    after = False

    @property
    def deliveries(self) -> Table:
        return Stopping(super().deliveries, self.left, after=self.after)  # type: ignore[return-value]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("chunk", [1, 90])
def test_stopped_at_any_change(tmp_path: Path, chunk: int, after: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(d, "_CHUNK", chunk)
    some = [news(1), news(2), news(3)]
    wanted = Counter({(who, number): 1 for who in (ANNA, BERT) for number in (1, 2, 3)})
    stops = 0
    for left in range(40):
        desk = Stopped(f"sqlite:///{tmp_path}/{left}.sqlite")
        desk.left, desk.after = left, after
        for who in (ANNA, BERT):
            desk.join(who)
        way = Way()
        try:
            assert desk.send(way, some).complete
        except Stop:
            stops += 1
        else:
            assert way.told() == wanted
            break
        before = len(way.taken)
        desk.left = 1000
        for _ in range(3):
            desk.send(way, some)
            desk.time.at += 901
        done = desk.send(way, some)
        assert (done.counts, done.already) == ({}, 6)
        states = [one.state for one in messages(desk.deliveries)]
        assert set(states) == {"sent"}
        doubts = sum(one.doubts for one in messages(desk.deliveries))
        told = way.told()
        assert set(told) == set(wanted), "nothing is lost"
        again = [one for one, times in Counter(way.taken).items() if times > 1]
        # only what was taken on and not written down goes out twice, and is the same to the letter
        assert max(told.values()) <= 1 + (not after and before > 0)
        assert all(told[one] == 1 for one in told if not any(who == one[0] for who, _ in again))
        assert doubts <= 1
    assert stops >= (4 if chunk == 90 else 8)


@pytest.mark.parametrize("kind", ["sqlite", "dynamodb", "postgresql"])
def test_more_news_than_one_transaction_takes(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if kind == "dynamodb":
        request.getfixturevalue("moto_environment")
    database = f"sqlite:///{tmp_path}/n.sqlite" if kind == "sqlite" else "dynamodb://"
    if kind == "postgresql":
        database = request.getfixturevalue("postgresql").create_database()
    desk = Office(database)
    desk.join(ANNA)
    many = [news(1, file=f"f{number}.nc", plots=()) for number in range(200)]
    way = Way()
    assert desk.send(way, many[:150]).outcomes[0].news == 150
    done = desk.send(way, many)
    assert (done.already, done.outcomes[0].news) == (150, 50)
    assert len(way.taken) == 2


def test_a_large_archive_is_looked_up_by_one_scan(tmp_path: Path) -> None:
    desk = office(tmp_path)
    desk.join(ANNA)
    many = [news(1, file=f"f{number}.nc", plots=()) for number in range(700)]
    way = Way()
    desk.send(way, many)
    assert desk.send(way, many).already == 700
    assert len(way.taken) == 1


def test_news_claimed_by_another_are_left_to_them(tmp_path: Path) -> None:
    desk = office(tmp_path)
    book = Deliveries(desk.deliveries, RULES, lambda: desk.time.at)
    book.create()
    mine = book.claim("a", ["x", "y"])
    other = book.claim("a", ["y", "z"])
    assert mine is not None
    assert other is not None
    assert (mine[1], other[1]) == (["x", "y"], ["z"])
    assert book.claim("a", ["x", "z"]) is None
    assert book.get(d.message_id("a", ["x", "z"])) is None, "an empty message leaves no trace"
    assert book.claim("b", ["x"]) is not None, "others have their own"


def test_only_one_takes_up(tmp_path: Path) -> None:
    desk = office(tmp_path)
    book = Deliveries(desk.deliveries, RULES, lambda: desk.time.at)
    book.create()
    claimed = book.claim("a", ["x"])
    assert claimed is not None
    first = claimed[0]
    assert not book.is_due(first)
    desk.time.at += 900
    assert book.is_due(first)
    taken = book.take_up(first)
    assert taken is not None
    assert book.take_up(first) is None
    assert book.settle(first, Accepted("late")) is None, "who comes late writes nothing over"
    assert book.settle(taken, Accepted("r")) is not None


def test_the_rate_is_kept(tmp_path: Path) -> None:
    import dataclasses

    desk = office(tmp_path)
    for number in range(5):
        desk.join(f"p{number}@one.example")
    way = Way()
    started = desk.time.at
    desk.send(way, [news(1)], settings=dataclasses.replace(SETTINGS, rate=2))
    assert desk.time.at - started == pytest.approx(2.0)
    assert len(way.taken) == 5


def test_busy_then_well(tmp_path: Path) -> None:
    desk = office(tmp_path)
    desk.join(ANNA)
    way = Way()
    way.answers = [Declined("ses-TooManyRequestsException", again=True, busy=True)] * 2
    assert desk.send(way, [news(1)]).counts == {"sent": 1}
    assert desk.time.slept == [2, 4]


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    desk = office(tmp_path)
    assert desk.send(Way(), [news(1)], dry_run=True).outcomes == ()
    assert list(tmp_path.iterdir()) == []
    desk.join(ANNA)
    assert desk.send(Way(), [news(1)], dry_run=True).counts == {"planned": 1}
    assert not desk.deliveries.exists()


def test_a_store_that_fails_fails_nobody(tmp_path: Path) -> None:
    from bondstore.errors import TransientStoreError

    desk = office(tmp_path)
    desk.join(ANNA)

    def broken(key: str) -> bytes | None:
        raise TransientStoreError("The store failed.")

    way = Way()
    done = desk.send(way, [news(1)], plots=broken)
    assert done.counts == {"not-attempted": 1}
    assert isinstance(done.stopped, TransientStoreError)
    assert desk.send(way, [news(1)]).counts == {"sent": 1}


def test_moto_is_the_same(moto_environment: Moto) -> None:
    desk = Office("dynamodb://")
    desk.join(ANNA)
    way = Way()
    assert desk.send(way, [news(1)]).counts == {"sent": 1}
    [one] = messages(desk.deliveries)
    assert (one.state, one.attempts, one.made, one.receipt) == ("sent", 1, int(desk.time.at), "r1")
    client = moto_environment.client("dynamodb")
    for table in ("notify-subscribers", "notify-deliveries"):
        assert client.describe_table(TableName=table)["Table"]["DeletionProtectionEnabled"]
