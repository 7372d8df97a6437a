"""A store that opens some objects and refuses others: those fail alone, in every run, and the rest comes out.

Whether credentials are of no use at all shows where they open nothing: that ends the run as what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl
import pytest
from demo.study import FIRST_HOUR_MS, STUDY, SURVEYS, Made, Shape, make, seal

from bondstore.config.resolve import resolve_store
from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.key import check_key
from bondstore.domains.beiwe.listing import walk
from bondstore.domains.beiwe.opening import open_study
from bondstore.domains.beiwe.selection import StudySelection
from bondstore.errors import CredentialsError, StoreError
from bondstore.findings import Finding
from bondstore.stores import open_store
from tests.ocean_files import START, argo_nc, moana_csv, moana_fleet
from tests.servers.faulty import Fault, FaultyProxy, Seen
from tests.studies import Ended, Lab, ask, original_files, tree

EVER = 10**9
FIRST, SECOND = "1ab2cd3e", "4fg5hi6j"


@dataclass
class Refused(Fault):
    """Objects are refused, listings are not."""

    def strikes(self, seen: Seen) -> bool:
        return "list-type" not in seen.query and super().strikes(seen)


def refuse(proxy: FaultyProxy, contains: str, code: str = "AccessDenied") -> None:
    body = f"<Error><Code>{code}</Code></Error>".encode()
    for method in ("GET", "HEAD"):
        proxy.add(Refused("status", method, contains=contains, times=EVER, status=403, body=body))


def words(lab: Lab, kind: str) -> list[str]:
    where = ["--store", lab.url, "--study", STUDY, "--key", "env:LAB_STUDY_KEY", "--yes", "--json"]
    if kind == "reconcile":
        return lab.command("beiwe", "reconcile", "--rebuild", str(lab.dest), *where)
    return lab.command("beiwe", "export", str(lab.dest), "--format", kind, *where)


def counts(ended: Ended) -> dict[str, int]:
    return {name: ended.tally[name] for name in ("done", "skipped", "failed")}


@pytest.mark.parametrize("kind", ["original", "parquet", "forest", "reconcile"])
def test_what_is_refused_fails_alone_also_where_nothing_else_is_left(lab: Lab, faulty: FaultyProxy, kind: str) -> None:
    lab.fill(make(Shape(participants=2, hours=3, rows=5, missing=1.0 if kind == "reconcile" else 0.0)))
    refuse(faulty, f"/{SECOND}/")
    first = lab.run(words(lab, kind), endpoint=faulty.endpoint)
    assert first.code == 5, first.err
    ended = counts(first)
    assert ended["done"] > 0
    assert ended["failed"] > 0
    assert all(kinds == {"not-fetched"} for key, kinds in first.findings.items() if f"/{SECOND}/" in key)
    mine = {path: data for path, data in tree(lab.dest).items() if FIRST in path}
    again = lab.run(words(lab, kind), endpoint=faulty.endpoint)
    assert again.code == 5, again.err
    assert counts(again) == {"done": 0, "skipped": first.tally["planned"] - ended["failed"], "failed": ended["failed"]}
    assert "refused (AccessDenied)" in again.out
    faulty.clear()
    assert lab.run(words(lab, kind), endpoint=faulty.endpoint).code == 0
    assert mine
    assert mine == {path: data for path, data in tree(lab.dest).items() if FIRST in path}
    assert any(SECOND in path for path in tree(lab.dest))


def test_a_whole_batch_that_is_refused_does_not_end_the_run(lab: Lab, faulty: FaultyProxy) -> None:
    """The first participant's objects are asked for first, and fill batches of their own."""
    made = lab.fill(make(Shape(participants=2, hours=60, rows=1)))
    refused = [one for one in made if f"/{FIRST}/" in one.key]
    assert len(refused) > 300
    refuse(faulty, f"/{FIRST}/")
    ended = lab.run(words(lab, "original"), endpoint=faulty.endpoint)
    assert ended.code == 5, ended.err
    assert ended.tally["failed"] == len([one for one in refused if "/keys/" not in one.key])
    assert tree(lab.dest) == original_files(one for one in made if one not in refused)


def test_a_participant_who_is_refused_is_passed_over_in_larger_and_larger_steps(
    lab: Lab, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.fill(make(Shape(participants=2, hours=60, rows=1)))
    refuse(faulty, f"/{FIRST}/")
    for name, value in lab.environment(faulty.endpoint).items():
        monkeypatch.setenv(name, value)
    store = open_store(resolve_store(lab.url))
    listed = [(one.object, one.size) for page in walk(store, STUDY, StudySelection()) for one in page]
    before = len(faulty.seen)
    check_key(store, SecretRef.parse("env:LAB_STUDY_KEY"), sorted(listed, key=lambda pair: pair[0].participant))
    asked = [one.path for one in list(faulty.seen)[before:] if f"/{FIRST}/" in one.path]
    assert 5 < len(asked) < 30


def test_a_large_object_that_is_refused_fails_alone(lab: Lab, faulty: FaultyProxy) -> None:
    made = lab.fill(make(Shape(participants=1, hours=2, rows=5)))
    plain = bytes(9 << 20)
    audio = f"{STUDY}/{FIRST}/voiceRecording/{SURVEYS[0]}/{FIRST_HOUR_MS + 6}.wav"
    lab.fill([Made(audio, seal(plain), plain)])
    refuse(faulty, audio)
    for done in (True, False):
        ended = lab.run(words(lab, "original"), endpoint=faulty.endpoint)
        assert ended.code == 5, ended.err
        assert (ended.tally["failed"], ended.tally["done"] > 0) == (1, done)
    assert tree(lab.dest) == original_files(made)


@pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken"])
def test_credentials_that_open_nothing_any_more_end_the_run(lab: Lab, faulty: FaultyProxy, code: str) -> None:
    """They list, and did open all that was there: what came since is not tried one by one."""
    made = make(Shape(participants=2, hours=3, rows=5))
    new = lab.fill(one for one in made if f"/{SECOND}/" in one.key)
    assert lab.run(words(lab, "original"), endpoint=faulty.endpoint).code == 0
    lab.fill(made)
    refuse(faulty, f"/{STUDY}/", code)
    ended = lab.run(words(lab, "original"), endpoint=faulty.endpoint)
    assert ended.code == 4
    assert f"refused ({code})" in ended.err
    assert tree(lab.dest) == original_files(new)


def test_ocean_files_that_are_refused_fail_alone(lab: Lab, faulty: FaultyProxy) -> None:
    fleet = moana_fleet(6, levels=6, seed=5)
    for name, data in fleet.items():
        lab.put(name, data)
    barred = sorted(fleet)[-1]
    refuse(faulty, barred)
    line = lab.command("ocean", "qc", lab.url, str(lab.dest), "--jobs", "1", "--yes", "--json")
    for done in (5, 0):
        ended = lab.run(line, endpoint=faulty.endpoint)
        assert ended.code == 5, ended.err
        assert (ended.tally["failed"], ended.tally["done"]) == (1, done)
        assert "not-fetched" in ended.findings[barred]


@pytest.mark.parametrize("participant", [FIRST, SECOND])
def test_a_report_of_what_is_missing_goes_past_a_participant_who_is_refused(
    lab: Lab, faulty: FaultyProxy, participant: str
) -> None:
    lab.fill(make(Shape(participants=2, hours=3, rows=5, missing=1.0)))
    refuse(faulty, f"/{participant}/")
    where = ["--store", lab.url, "--study", STUDY, "--key", "env:LAB_STUDY_KEY", "--json"]
    ended = lab.run(lab.command("beiwe", "reconcile", *where), endpoint=faulty.endpoint)
    assert ended.code == 5, ended.err
    assert {key for key, kinds in ended.findings.items() if "not-fetched" in kinds}
    assert all(f"/{participant}/" in key for key, kinds in ended.findings.items() if "not-fetched" in kinds)


def test_plots_and_comparisons_go_past_a_first_batch_that_is_refused(lab: Lab, faulty: FaultyProxy) -> None:
    """Of a fleet the first files are refused, more than are asked for together."""
    fleet = moana_fleet(68, levels=6, seed=5)
    for name, data in fleet.items():
        lab.put(name, data)
    lab.put("zz/R5901234_001.nc", argo_nc(cycles=(1,), flags=["111111"]))
    for name in sorted(fleet)[:64]:
        refuse(faulty, name)
    ended = lab.run(lab.command("ocean", "plot", lab.url, str(lab.dest), "--json"), endpoint=faulty.endpoint)
    assert ended.code == 5, ended.err
    assert len(list(lab.dest.rglob("*.png"))) >= 5, "four dives and a float"
    ended = lab.run(lab.command("ocean", "compare", lab.url, "--json"), endpoint=faulty.endpoint)
    assert ended.code == 5, ended.err
    assert '"kind": "agreement"' in ended.out


def test_a_loop_over_a_study_goes_past_objects_that_are_refused(
    lab: Lab, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.fill(make(Shape(participants=2, hours=3, rows=5)))
    refuse(faulty, f"/{FIRST}/")
    for name, value in lab.environment(faulty.endpoint).items():
        monkeypatch.setenv(name, value)
    study = open_study(lab.url, STUDY, key="env:LAB_STUDY_KEY")
    listed = list(study.objects(stream="gps", source="chunked"))
    refused = [one for one in listed if f"/{FIRST}/" in one.object.key]
    assert 0 < len(refused) < len(listed)
    for one in listed:
        if one in refused:
            with pytest.raises(StoreError, match="refused") as caught:
                study.read(one)
            assert not isinstance(caught.value, CredentialsError), "it is this object alone"
        else:
            assert study.read(one).height
    findings: list[Finding] = []
    table = study.table([FIRST, SECOND], "gps", damaged="keep", findings=findings)
    assert set(table["participant"]) == {SECOND}
    assert {one.key for one in findings} == {one.object.key for one in refused}


def test_a_table_of_which_an_object_is_refused_by_now_stays_and_the_others_come_out(
    lab: Lab, faulty: FaultyProxy
) -> None:
    """It was good when it was read first; to put the month together anew it is read once more."""
    *early, late = sorted(moana_fleet(6, levels=6, seed=5).items())
    for name, data in early:
        lab.put(name, data)
    line = lab.command("ocean", "qc", lab.url, str(lab.dest), "--format", "parquet", "--jobs", "1", "--yes", "--json")
    assert lab.run(line, endpoint=faulty.endpoint).code == 0
    [(path, before)] = tree(lab.dest).items()
    refuse(faulty, early[0][0])
    lab.put(*late)
    lab.put("june.csv", moana_csv(times=[START + timedelta(days=40, seconds=10 * one) for one in range(40)]))
    proof = lab.command("audit", "verify", "--dest", str(lab.dest), "--files")
    for done in (2, 0):
        ended = lab.run(line, endpoint=faulty.endpoint)
        assert ended.code == 5, ended.err
        assert (ended.tally["done"], ended.tally["failed"]) == (done, 0)
        assert ended.findings[path] == {"not-fetched"}
        assert "left as it was" in ended.out
        assert tree(lab.dest)[path] == before
        assert len(tree(lab.dest)) == 2
        assert lab.run(proof).code == 0
    faulty.clear()
    assert lab.run(line, endpoint=faulty.endpoint).code == 0
    assert pl.read_parquet(lab.dest / path)["source"].n_unique() == 6
    assert ask(lab.dest, "SELECT key FROM findings WHERE kind = 'not-fetched'") == []
    assert lab.run(proof).code == 0
