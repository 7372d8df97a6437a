"""The tally always adds up, in objects and in bytes."""

from __future__ import annotations

import json
import pickle

from hypothesis import given
from hypothesis import strategies as st

from bondstore.runs.plan import Plan
from bondstore.runs.tally import Count, Tally

OUTCOMES = ("done", "skipped", "quarantined", "failed")
outcomes = st.lists(st.tuples(st.sampled_from(OUTCOMES), st.integers(0, 1 << 45)), max_size=30)


def build(events: list[tuple[str, int]]) -> Tally:
    tally = Tally()
    for outcome, size in events:
        tally = tally.count(outcome, size)
    return tally


@given(outcomes)
def test_every_object_is_counted_once(events: list[tuple[str, int]]) -> None:
    tally = build(events)
    assert tally.objects()["planned"] == len(events)
    assert tally.sizes()["planned"] == sum(size for _, size in events)
    for name in OUTCOMES:
        sizes = [size for outcome, size in events if outcome == name]
        assert (tally.objects()[name], tally.sizes()[name]) == (len(sizes), sum(sizes))
        assert getattr(tally, name) == Count(len(sizes), sum(sizes))


@given(outcomes, st.integers(0, 30))
def test_shards_add_up_to_the_whole(events: list[tuple[str, int]], cut: int) -> None:
    assert build(events[:cut]) + build(events[cut:]) == build(events)
    assert build(events) == build(events[::-1])


@given(outcomes)
def test_it_is_complete_when_nothing_is_amiss(events: list[tuple[str, int]]) -> None:
    assert build(events).complete is all(outcome in ("done", "skipped") for outcome, _ in events)


@given(outcomes)
def test_the_record_adds_up_and_is_json(events: list[tuple[str, int]]) -> None:
    record = json.loads(json.dumps(build(events).record()))
    assert list(record) == ["kind", "planned", *OUTCOMES, "bytes", "bytes_by"]
    assert record["kind"] == "tally"
    assert record["planned"] == sum(record[name] for name in OUTCOMES) == len(events)
    assert record["bytes"] == sum(record["bytes_by"].values()) == sum(size for _, size in events)


@given(outcomes)
def test_a_worker_may_send_it(events: list[tuple[str, int]]) -> None:
    assert pickle.loads(pickle.dumps(build(events))) == build(events)


def test_plans_of_parts_add_up() -> None:
    one = Plan(Count(1, 10), Count(2, 20), Count(3, 30), {"device keys": 4, "not understood": 1})
    other = Plan(Count(5, 50), left_out={"device keys": 1, "problem uploads": 2})
    both = one + other
    assert (both.todo, both.skipped, both.quarantined) == (Count(6, 60), Count(2, 20), Count(3, 30))
    assert both.left_out == {"device keys": 5, "not understood": 1, "problem uploads": 2}
