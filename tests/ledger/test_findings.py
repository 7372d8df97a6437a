"""The findings a ledger keeps."""

from __future__ import annotations

from bondstore.findings import Finding, Severity
from bondstore.ledger import Ledger

LOST = Finding("rows-lost", Severity.ERROR, "k2", "Two rows are lost.", "rows 4-5", 2)
TRUNCATED = Finding("truncated", Severity.ERROR, "k1", "The object is cut short.")
RAGGED = Finding("ragged", Severity.WARNING, "k1", "A row is too long.", "row 7")
PADDED = Finding("unpadded", Severity.INFO, "k3", "Milliseconds are not padded.")


def put(ledger: Ledger, *findings: Finding, job: str = "job", run: str = "r1") -> None:
    with ledger.transaction():
        ledger.findings.put(job, run, findings)


def test_they_come_back_whole_and_worst_first(ledger: Ledger) -> None:
    put(ledger, PADDED, RAGGED, TRUNCATED, LOST)
    assert list(ledger.findings.walk("job")) == [LOST, TRUNCATED, RAGGED, PADDED]


def test_within_a_kind_they_go_by_key_and_place(ledger: Ledger) -> None:
    many = [Finding("ragged", Severity.INFO, key, "m", where) for key in "ba" for where in ("row 2", "row 1")]
    put(ledger, *many)
    assert [(one.key, one.where) for one in ledger.findings.walk()] == [
        ("a", "row 1"),
        ("a", "row 2"),
        ("b", "row 1"),
        ("b", "row 2"),
    ]


def test_a_repeated_run_repeats_nothing(ledger: Ledger) -> None:
    put(ledger, LOST)
    again = Finding(LOST.kind, Severity.WARNING, LOST.key, "Fewer now.", LOST.where, 1)
    put(ledger, again, run="r2")
    assert list(ledger.findings.walk("job")) == [again]


def test_jobs_keep_their_own(ledger: Ledger) -> None:
    put(ledger, LOST)
    put(ledger, LOST, PADDED, job="other")
    assert list(ledger.findings.walk("job")) == [LOST]
    assert list(ledger.findings.walk()) == [LOST, LOST, PADDED]
    ledger.findings.forget("other", ["k2", "never"])
    assert list(ledger.findings.walk("other")) == [PADDED]
    assert list(ledger.findings.walk("job")) == [LOST]


def test_counts_are_objects_not_places(ledger: Ledger) -> None:
    put(ledger, RAGGED, Finding("ragged", Severity.WARNING, "k1", "m", "row 9"), PADDED, LOST)
    put(ledger, Finding("ragged", Severity.WARNING, "k8", "m"))
    put(ledger, TRUNCATED, job="other")
    assert ledger.findings.counts("job") == [
        ("rows-lost", Severity.ERROR, 1),
        ("ragged", Severity.WARNING, 2),
        ("unpadded", Severity.INFO, 1),
    ]
    assert [kind for kind, _, _ in ledger.findings.counts()] == ["rows-lost", "truncated", "ragged", "unpadded"]


def test_what_one_run_found_is_told_apart_and_grouped(ledger: Ledger) -> None:
    more = [Finding("ragged", Severity.WARNING, f"k{n}", "A row is too long.", "row 1") for n in (4, 3, 2)]
    put(ledger, RAGGED, *more, PADDED, job="job", run="r1")
    put(ledger, TRUNCATED, run="r0")
    assert [one.key for one in ledger.findings.of_run("r1")] == ["k1", "k2", "k3", "k4", "k3"]
    groups = [
        (one.kind, one.severity, one.objects, one.message, one.examples) for one in ledger.findings.groups("r1", 2)
    ]
    assert groups == [
        ("ragged", Severity.WARNING, 4, "A row is too long.", ("k1", "k2")),
        ("unpadded", Severity.INFO, 1, PADDED.message, ("k3",)),
    ]
    assert ledger.findings.groups("none") == []


def test_a_kind_of_an_earlier_version_has_its_present_word(ledger: Ledger) -> None:
    put(
        ledger,
        Finding("outdated", Severity.ERROR, "a.zip", "m"),
        Finding("unevaluated", Severity.WARNING, "b.csv", "m"),
    )
    words = ["stale", "not-evaluated"]
    assert [one.kind for one in ledger.findings.walk()] == words
    assert [one.kind for one in ledger.findings.of_run("r1")] == words
    assert [(one.kind, one.examples) for one in ledger.findings.groups("r1")] == [
        ("stale", ("a.zip",)),
        ("not-evaluated", ("b.csv",)),
    ]
    assert [kind for kind, _, _ in ledger.findings.counts()] == words
