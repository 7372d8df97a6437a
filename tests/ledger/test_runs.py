"""The runs a ledger knows."""

from __future__ import annotations

import re
import time

import pytest

from bondstore.errors import Exit, NotFoundError
from bondstore.ledger import Ledger

COUNTS = {"planned": 10, "done": 4, "skipped": 3, "quarantined": 2, "failed": 1}
STARTED = 1_700_000_000_123
SIZES = {name: number << 33 for name, number in COUNTS.items()}


def start(ledger: Ledger, job: str = "job") -> str:
    run, params = ledger.runs.new_id(), {"study": "s", "streams": ["gps"], "since_ms": None}
    ledger.runs.put(run, job, params, who="me@here", tool="t 1", started_ms=STARTED)
    return run


def test_a_started_run_is_running(ledger: Ledger) -> None:
    before = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    run = start(ledger)
    after = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    found = ledger.runs.get(run)
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{4}", run)
    assert before <= run[:16] <= after
    assert found.started_ms == STARTED
    assert (found.id, found.job, found.who, found.tool, found.state) == (run, "job", "me@here", "t 1", "running")
    assert found.params == {"study": "s", "streams": ["gps"], "since_ms": None}
    assert found.ended_ms is None
    assert set(found.objects.values()) == set(found.sizes.values()) == {0}


def test_an_ended_run_keeps_its_tally_and_where_the_chain_stood(ledger: Ledger) -> None:
    run = start(ledger)
    with ledger.transaction():
        ledger.audit.event("me", run, "run.end")
        ledger.runs.finish(run, "incomplete", COUNTS, SIZES, ledger.audit.head(), at_ms=STARTED + 5)
    found = ledger.runs.get(run)
    assert (found.state, found.objects, found.sizes) == ("incomplete", COUNTS, SIZES)
    assert found.ended_ms == STARTED + 5
    ledger.runs.put(run, "job", {}, who="me@here", tool="t 1", started_ms=STARTED + 9)
    assert (ledger.runs.get(run).state, ledger.runs.get(run).ended_ms) == ("running", None)


def test_a_run_that_an_earlier_version_ended_as_declined_is_cancelled(ledger: Ledger) -> None:
    run = start(ledger)
    ledger.runs.finish(run, "declined", COUNTS, SIZES, (0, bytes(32)), at_ms=STARTED)
    assert ledger.runs.get(run).state == "cancelled"
    assert [one.state for one in ledger.runs.newest_first()] == ["cancelled"]


def test_ending_one_run_leaves_the_others(ledger: Ledger) -> None:
    first, second = start(ledger), start(ledger)
    ledger.runs.finish(first, "finished", COUNTS, SIZES, (0, bytes(32)), at_ms=STARTED)
    assert ledger.runs.get(second).state == "running"


def test_a_run_is_found_by_a_start_that_no_other_shares(ledger: Ledger) -> None:
    ids = ["20240101T000000Z-aaaa", "20240101T000000Z-aabb", "20250101T000000Z-cccc"]
    for run in ids:  # ids hold the time and chance: here they are set, to be ambiguous on purpose
        ledger._connection.execute(
            "INSERT INTO runs (id, job, params, who, tool, state, started_ms) VALUES (?, 'j', '{}', '', '', 'x', 1)",
            (run,),
        )
    assert ledger.runs.get("2025").id == ids[2]
    assert ledger.runs.get("20240101T000000Z-aab").id == ids[1]
    assert ledger.runs.get(ids[0]).id == ids[0]
    for name in ("2024", "20240101T000000Z-aa", "none", "%", "2025_"):
        with pytest.raises(NotFoundError) as refused:
            ledger.runs.get(name)
        assert refused.value.exit_code is Exit.NOT_FOUND
        assert name in refused.value.message
        assert refused.value.hint


def test_an_id_that_starts_another_is_still_found(ledger: Ledger) -> None:
    for run in ("r1", "r11", "r12"):
        ledger._connection.execute(
            "INSERT INTO runs (id, job, params, who, tool, state, started_ms) VALUES (?, 'j', '{}', '', '', 'x', 1)",
            (run,),
        )
    assert ledger.runs.get("r1").id == "r1"


def test_they_are_listed_newest_first(ledger: Ledger) -> None:
    runs = [start(ledger, f"job{n}") for n in range(3)]
    for n, run in enumerate(runs):
        ledger._connection.execute("UPDATE runs SET started_ms = ? WHERE id = ?", (1000 * n, run))
    assert [found.id for found in ledger.runs.newest_first()] == runs[::-1]
    ledger._connection.execute("UPDATE runs SET started_ms = 5")  # within one millisecond the order is kept
    assert [found.id for found in ledger.runs.newest_first()] == runs[::-1]
