"""What is to be done = what is listed, minus what the ledger proves done."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bondstore.ledger import Item, Ledger, Output, State
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.plan import split, total
from bondstore.runs.tally import Count

JOB = "toy"
LISTED = Item("k", '"v1"', 5, "out/k")


@pytest.fixture
def ledger(destination: FolderDestination) -> Iterator[Ledger]:
    with destination.ledger() as opened:
        yield opened


def record(ledger: Ledger, destination: FolderDestination, item: Item, content: bytes = b"hello") -> Path:
    """Put the item and its file on record, as a run that is through would have."""
    path = destination.root / item.output
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    stat = path.stat()
    output = Output(item.output, hashlib.sha256(content).digest(), len(content), stat.st_mtime_ns)
    with ledger.transaction():
        ledger.items.put(JOB, "r0", [item])
        ledger.outputs.put(JOB, "r0", [output])
    return path


def verdict(ledger: Ledger | None, destination: FolderDestination, item: Item = LISTED, job: str = JOB) -> str:
    parts = split(ledger, job, destination, [item])
    (name,) = [name for name in ("todo", "skipped", "quarantined") if getattr(parts, name)]
    assert getattr(parts, name) == [item]
    return name


def test_without_a_ledger_all_is_to_be_done(destination: FolderDestination) -> None:
    assert verdict(None, destination) == "todo"
    assert not destination.root.exists()


def test_an_empty_page_is_an_empty_plan(ledger: Ledger, destination: FolderDestination) -> None:
    parts = split(ledger, JOB, destination, [])
    assert (parts.todo, parts.skipped, parts.quarantined) == ([], [], [])


def test_a_new_object_is_to_be_done(ledger: Ledger, destination: FolderDestination) -> None:
    assert verdict(ledger, destination) == "todo"


def test_done_and_in_place_is_skipped(ledger: Ledger, destination: FolderDestination) -> None:
    record(ledger, destination, replace(LISTED, state=State.DONE))
    assert verdict(ledger, destination) == "skipped"
    assert verdict(ledger, destination, job="another job") == "todo"


@pytest.mark.parametrize("state", list(State))
def test_another_version_is_another_object(ledger: Ledger, destination: FolderDestination, state: State) -> None:
    record(ledger, destination, replace(LISTED, state=state, version='"v0"'))
    assert verdict(ledger, destination) == "todo"


def test_done_but_the_file_is_missing(ledger: Ledger, destination: FolderDestination) -> None:
    record(ledger, destination, replace(LISTED, state=State.DONE)).unlink()
    assert verdict(ledger, destination) == "todo"


def test_done_but_the_file_was_never_recorded(ledger: Ledger, destination: FolderDestination) -> None:
    path = destination.root / LISTED.output
    path.parent.mkdir(parents=True)
    path.write_bytes(b"hello")
    with ledger.transaction():
        ledger.items.put(JOB, "r0", [replace(LISTED, state=State.DONE)])
    assert verdict(ledger, destination) == "todo"


@pytest.mark.parametrize(
    ("content", "expected"), [(b"hello", "skipped"), (b"jello", "todo"), (b"hello!", "todo"), (b"", "todo")]
)
def test_done_but_the_file_was_written_since(
    ledger: Ledger, destination: FolderDestination, content: bytes, expected: str
) -> None:
    path = record(ledger, destination, replace(LISTED, state=State.DONE))
    recorded = path.stat().st_mtime_ns
    path.write_bytes(content)
    os.utime(path, ns=(recorded, recorded + 1_000_000))
    assert verdict(ledger, destination) == expected


def test_quarantined_and_unchanged_is_left_there(ledger: Ledger, destination: FolderDestination) -> None:
    record(ledger, destination, replace(LISTED, state=State.QUARANTINED, reason="truncated"))
    assert verdict(ledger, destination) == "quarantined"
    ledger.items.release(JOB)
    assert verdict(ledger, destination) == "todo"


@pytest.mark.parametrize("state", [State.FAILED, State.PLANNED])
def test_what_failed_or_was_never_reached_is_tried_again(
    ledger: Ledger, destination: FolderDestination, state: State
) -> None:
    record(ledger, destination, replace(LISTED, state=state))
    assert verdict(ledger, destination) == "todo"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page=st.lists(st.sampled_from(["new", "changed", "held", "gone", *State]), max_size=25))
def test_a_mixed_page_is_told_apart_without_loss(
    ledger: Ledger, destination: FolderDestination, page: list[str]
) -> None:
    ledger.items.forget(JOB, [f"k{n}" for n in range(25)])
    expected: dict[str, list[str]] = {"todo": [], "skipped": [], "quarantined": []}
    listed = []
    for n, case in enumerate(page):
        item = Item(f"k{n}", "v1", n, f"out/k{n}")
        listed.append(item)
        kind = "todo"
        if case in ("held", "done", "gone"):
            path = record(ledger, destination, replace(item, state=State.DONE), content=case.encode())
            kind = "skipped"
            if case == "gone":
                path.unlink()
                kind = "todo"
        elif case == "changed":
            record(ledger, destination, replace(item, state=State.DONE, version="v0"))
        elif case != "new":
            record(ledger, destination, replace(item, state=State(case)))
            kind = "quarantined" if case == "quarantined" else "todo"
        expected[kind].append(item.key)
    parts = split(ledger, JOB, destination, listed)
    found = {name: [item.key for item in getattr(parts, name)] for name in expected}
    assert found == expected


def test_the_total_of_some_items() -> None:
    assert total([]) == Count(0, 0)
    assert total([LISTED, replace(LISTED, size=1 << 40)]) == Count(2, (1 << 40) + 5)
