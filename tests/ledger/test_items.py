"""What became of every object: recorded, asked for, released, settled."""

from __future__ import annotations

import pytest

from bondstore.ledger import Item, Ledger, Output, State

JOB = "toy:study"


def item(key: str, state: State = State.PLANNED, *, output: str = "", size: int = 10, reason: str = "") -> Item:
    return Item(key, f"v-{key}", size, output or f"out/{key}", state, reason)


def put(ledger: Ledger, *items: Item, job: str = JOB, run: str = "r1") -> None:
    with ledger.transaction():
        ledger.items.put(job, run, items)


def states(ledger: Ledger, job: str = JOB) -> dict[str, str]:
    return {found.key: state.value for state in State for found in ledger.items.in_state(job, state)}


def test_what_is_put_is_known_again(ledger: Ledger) -> None:
    odd = Item("a/ü '\"%\n;--", '"etag"', 1 << 40, "x/ü", State.FAILED, "fetch-failed")
    put(ledger, item("a"), odd)
    assert ledger.items.known(JOB, ["a", odd.key, "never"]) == {"a": item("a"), odd.key: odd}
    assert ledger.items.known("other", ["a"]) == {}
    assert ledger.items.known(JOB, []) == {}


def test_a_page_of_keys_has_no_limit_of_variables(ledger: Ledger) -> None:
    keys = [f"k{n}" for n in range(40_000)]  # SQLite itself takes 32,766 question marks
    put(ledger, *(item(key) for key in keys))
    assert len(ledger.items.known(JOB, keys)) == 40_000


def test_putting_again_replaces(ledger: Ledger) -> None:
    put(ledger, item("a"))
    put(ledger, Item("a", "v2", 99, "new", State.QUARANTINED, "truncated"), run="r2")
    assert ledger.items.known(JOB, ["a"])["a"] == Item("a", "v2", 99, "new", State.QUARANTINED, "truncated")
    assert list(ledger.items.planned(JOB, "r1")) == []


def test_forgotten_keys_are_new_again(ledger: Ledger) -> None:
    put(ledger, item("a"), item("b"), item("c"))
    put(ledger, item("a"), job="other")
    ledger.items.forget(JOB, ["a", "c", "never"])
    assert set(states(ledger)) == {"b"}
    assert set(states(ledger, "other")) == {"a"}


def test_planned_items_come_in_key_order_a_page_at_a_time(ledger: Ledger) -> None:
    put(ledger, *(item(f"k{n}") for n in (3, 1, 4, 0, 2)), item("k9", State.DONE))
    put(ledger, item("k7"), run="another")
    put(ledger, item("k8"), job="other")
    pages = [[found.key for found in page] for page in ledger.items.planned(JOB, "r1", page=2)]
    assert pages == [["k0", "k1"], ["k2", "k3"], ["k4"]]


def test_what_is_planned_under_a_prefix(ledger: Ledger) -> None:
    put(ledger, item("a/x"), item("b/1"), item("b/2", State.DONE), item("b/3"), item("b0"), item("c/\U0001f642"))
    put(ledger, item("b/4"), run="another")
    assert [[one.key for one in page] for page in ledger.items.planned(JOB, "r1", under="b/")] == [["b/1", "b/3"]]
    assert [one.key for page in ledger.items.planned(JOB, "r1", page=1, under="c/") for one in page] == ["c/\U0001f642"]
    assert ledger.items.any_planned(JOB, "r1", "b/")
    put(ledger, item("b/1", State.DONE), item("b/3", State.FAILED))
    assert not ledger.items.any_planned(JOB, "r1", "b/")
    assert ledger.items.any_planned(JOB, "another", "b/")
    assert not ledger.items.any_planned("other", "r1", "a/")


def test_recording_while_walking_disturbs_nothing(ledger: Ledger) -> None:
    put(ledger, *(item(f"k{n}") for n in range(7)))
    seen = []
    for page in ledger.items.planned(JOB, "r1", page=2):
        seen += [found.key for found in page]
        put(ledger, *(item(found.key, State.DONE) for found in page))
    assert seen == [f"k{n}" for n in range(7)]
    assert set(states(ledger).values()) == {"done"}


def test_release_lets_the_next_plan_take_up_what_went_wrong(ledger: Ledger) -> None:
    mixed = [
        item("good", State.DONE, output="table-a"),
        item("bad", State.QUARANTINED, output="table-a", reason="truncated"),
        item("lost", State.FAILED, output="table-b"),
        item("fine", State.DONE, output="table-c"),
    ]
    put(ledger, *mixed)
    put(ledger, item("bad", State.QUARANTINED, output="table-c"), job="other")
    tables = [Output(f"table-{letter}", bytes(32), 5, 1, 2, made_by="digest") for letter in "abc"]
    with ledger.transaction():
        ledger.outputs.put(JOB, "r1", tables)
        ledger.outputs.put("other", "r1", tables)
    ledger.items.release(JOB)
    assert states(ledger) == {"good": "done", "fine": "done", "bad": "quarantined", "lost": "failed"}
    versions = {key: one.version for key, one in ledger.items.known(JOB, ["good", "bad", "lost", "fine"]).items()}
    assert versions == {"good": "v-good", "fine": "v-fine", "bad": "", "lost": ""}, "no listed object has this version"
    assert ledger.items.known("other", ["bad"])["bad"].version == "v-bad"
    assert states(ledger, "other") == {"bad": "quarantined"}
    assert {one.path: one.made_by for one in ledger.outputs.walk(JOB)} == {
        "table-a": "",
        "table-b": "",
        "table-c": "digest",
    }
    assert {one.made_by for one in ledger.outputs.walk("other")} == {"digest"}


def test_release_leaves_alone_what_is_no_table(ledger: Ledger) -> None:
    """What a single object came to stands until it is handled anew, even if that is never."""
    put(ledger, item("bad", State.QUARANTINED, output="part"))
    with ledger.transaction():
        ledger.outputs.put(JOB, "r1", [Output("part", bytes(32), 5, 1, made_by="digest")])
    ledger.items.release(JOB)
    assert [one.made_by for one in ledger.outputs.walk(JOB)] == ["digest"]
    assert ledger.items.known(JOB, ["bad"])["bad"].version == ""


def test_a_run_that_took_something_up_is_told(ledger: Ledger) -> None:
    assert ledger.items.any_run(JOB) is None
    put(ledger, item("one", State.DONE, output="t"), run="r7")
    put(ledger, item("one", State.DONE, output="t"), run="r8", job="other")
    assert ledger.items.any_run(JOB) == "r7"


def test_a_sample_reaches_over_the_whole_job_and_names_done_ones_first(ledger: Ledger) -> None:
    assert ledger.items.sample(JOB) == ()
    put(ledger, item("m"))
    assert ledger.items.sample(JOB) == ("m",)
    put(ledger, *(item(f"raw/{person}/{n:03}") for person in "abcdefgh" for n in range(50)))
    put(ledger, *(item(f"tables/{person}/{n:03}") for person in "abcdefgh" for n in range(50)))
    found = ledger.items.sample(JOB)
    assert len(found) <= 16
    assert {"m", "raw/a/000", "raw/h/049", "tables/a/000", "tables/d/049", "tables/e/000", "tables/h/049"} <= set(found)
    ledger.outputs.put(JOB, "r1", [Output("f", b"1" * 32, 1, 1)])
    put(ledger, item("tables/f/007", State.DONE, output="f"))
    assert ledger.items.sample(JOB) == ("tables/f/007", *found)
    assert ledger.items.sample("another") == ()


@pytest.mark.parametrize(
    "keys", [("a", "a/b"), ("", "\U0010ffff"), ("\ud7ff", "\ue000"), ("\u0001", "é", "日"), ("a", "a\0")]
)
def test_keys_of_any_characters_are_parted(ledger: Ledger, keys: tuple[str, ...]) -> None:
    put(ledger, *map(item, keys))
    assert set(ledger.items.sample(JOB)) == set(keys)


def test_settling_a_file_marks_what_was_planned_for_it(ledger: Ledger) -> None:
    put(ledger, item("gone", State.DONE, output="t"), item("older", State.PLANNED, output="t"), run="r0")
    put(ledger, item("untouched", State.DONE, output="u"), run="r0")
    put(
        ledger,
        item("a", output="t"),
        item("b", output="t"),
        item("bad", State.QUARANTINED, output="t"),
        item("c", output="u"),
    )
    put(ledger, item("a", output="t"), job="other")
    ledger.items.settle(JOB, "r1", "t")
    assert states(ledger) == {"a": "done", "b": "done", "bad": "quarantined", "c": "planned", "untouched": "done"}
    assert states(ledger, "other") == {"a": "planned"}


def test_the_items_of_a_file_are_counted_by_state(ledger: Ledger) -> None:
    put(
        ledger,
        item("a", State.DONE, output="t", size=3),
        item("b", State.DONE, output="t", size=4),
        item("c", State.QUARANTINED, output="t", size=1 << 33),
        item("d", State.DONE, output="u", size=100),
    )
    put(ledger, item("e", State.DONE, output="t", size=1000), job="other")
    assert ledger.items.of_output(JOB, "t") == {State.DONE: (2, 7), State.QUARANTINED: (1, 1 << 33)}
    assert ledger.items.of_output(JOB, "none") == {}


@pytest.mark.parametrize("state", list(State))
def test_items_of_a_state_come_whole_and_in_order(ledger: Ledger, state: State) -> None:
    wanted = [item("a", state, reason="why"), item("b", state)]
    others = [item(f"x-{other}", other) for other in State if other is not state]
    put(ledger, *reversed(wanted), *others)
    assert list(ledger.items.in_state(JOB, state)) == wanted


def test_what_a_run_left_unsettled_is_found_by_run(ledger: Ledger) -> None:
    bad, lost = item("b", State.QUARANTINED, reason="truncated"), item("a", State.FAILED, reason="vanished")
    put(ledger, item("z", State.DONE, size=5), bad, lost, item("p"))
    put(ledger, item("c", State.QUARANTINED), run="r2")
    put(ledger, item("d", State.FAILED), job="other")
    assert list(ledger.items.unsettled(JOB, "r1")) == [lost, bad]
    assert ledger.items.unsettled_by_run(JOB) == {"r1": 2, "r2": 1}
    assert ledger.items.unsettled_by_run("none") == {}
    assert ledger.items.of_run(JOB, "r1") == {
        State.DONE: (1, 5),
        State.QUARANTINED: (1, 10),
        State.FAILED: (1, 10),
        State.PLANNED: (1, 10),
    }


def test_items_are_found_by_their_files(ledger: Ledger) -> None:
    put(ledger, item("a"), item("b", State.DONE, output="parts/b"))
    put(ledger, item("c", output="parts/b"), job="other")
    assert ledger.items.keys_of(JOB, ["parts/b", "out/a", "never"]) == {"parts/b": "b", "out/a": "a"}
