"""A store as destination holds the same files as a folder, with late, changed and damaged zips."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from demo.phones import Shape, one

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.resolve import resolve_store
from bondstore.domains.screenlake.handling import Handling
from bondstore.domains.screenlake.job import job_of
from bondstore.domains.screenlake.review.sheet import review
from bondstore.errors import PolicyError, ReadOnlyError
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Processes, Serial
from bondstore.runs.proof import changed_files, prove_chain
from bondstore.runs.ram_disk import IN_MEMORY, MOUNTS, kind_of, mounted
from bondstore.runs.store_destination import StoreDestination
from bondstore.runs.writers import StoreWriter
from bondstore.stores import open_store
from tests.domains.screenlake.test_damage import SHAPE as DAMAGED
from tests.phonelab import PLAIN, PhoneLab, tree

SHAPE = Shape(panelists=2, zips=3, restricted=1, double=0.3)


@pytest.fixture
def place(s3_environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoreDestination:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return StoreDestination(resolve_store(f"{s3_environment}/out"))


def run(lab: PhoneLab, place: StoreDestination, handling: Handling = PLAIN, **words: Any) -> RunResult:
    return execute(dataclasses.replace(lab.job(handling), dest=place.spec), place, words.pop("by", Serial()), **words)


def files(place: StoreDestination) -> dict[str, bytes]:
    paths = sorted(path for path in place.walk("") if not path.startswith(".bondstore/"))
    return {path: place.read(path) for path in paths}


def left_over(place: StoreDestination) -> set[str]:
    """Return private objects that nobody should find after a run."""
    with place.ledger(create=False) as ledger:
        recorded = {one.path for one in ledger.outputs.walk()}
    private = set(place.walk(".bondstore/parts/")) | set(place.walk(".bondstore/staged/"))
    return (private | files(place).keys()) - recorded


def same(lab: PhoneLab, place: StoreDestination) -> None:
    """Hold a store against the folder of the lab, and against its own record."""
    assert {path: data for path, data in files(place).items() if path != "q/review.html"} == {
        path: (lab.dest / path).read_bytes() for path in tree(lab.dest)
    }
    assert left_over(place) == set()
    with place.ledger(create=False) as ledger:
        prove_chain(ledger)
        assert [one.key for one in changed_files(ledger, place)] == []


def test_it_holds_what_a_folder_holds_and_a_second_run_skips_all(lab: PhoneLab, place: StoreDestination) -> None:
    lab.fill(SHAPE)
    lab.run()
    result = run(lab, place)
    assert (result.state, result.tally.done.objects) == ("finished", 6)
    same(lab, place)
    again = run(lab, place)
    assert again.tally.skipped == again.tally.planned == result.tally.done


def test_late_and_changed_zips_in_processes(lab: PhoneLab, place: StoreDestination) -> None:
    made = lab.fill(SHAPE)
    late = made[-1]
    (lab.source / late.key).unlink()
    run(lab, place, by=Processes(2))
    lab.put(late.key, late.data)
    lab.put(made[0].key, one(dataclasses.replace(SHAPE, seed=8), 0, 1).data)
    lab.run()
    assert run(lab, place, by=Processes(2)).tally.done.objects == 2
    same(lab, place)


def test_damage_is_set_aside_alike(lab: PhoneLab, place: StoreDestination) -> None:
    _, bad = lab.fill(DAMAGED)
    lab.put(bad.key, bad.data[: len(bad.data) * 6 // 10])
    lab.run()
    result = run(lab, place)
    assert (result.state, result.tally.quarantined.objects) == ("incomplete", 1)
    same(lab, place)
    lab.put(bad.key, bad.data)
    lab.run()
    assert run(lab, place).state == "finished"
    same(lab, place)


def test_what_is_gone_or_altered_is_made_again(lab: PhoneLab, place: StoreDestination) -> None:
    lab.fill(SHAPE)
    lab.run()
    run(lab, place)
    before = files(place)
    image = next(path for path in before if path.endswith(".jpg"))
    place.remove([image])
    for path in ("q/report.html", next(path for path in before if path.endswith(".csv"))):
        open_store(place.spec).put(path, b"altered")
    assert run(lab, place).tally.done.objects >= 1
    same(lab, place)


def test_review_reads_and_writes_there_and_the_next_run_carries_it_out(lab: PhoneLab, place: StoreDestination) -> None:
    lab.fill(SHAPE)
    run(lab, place)
    path = next(path for path in files(place) if path.endswith(".jpg"))
    before = place.read(path)
    image = path.rpartition("/")[2]
    done = review(place, add_box=[(image, (60, 60, 80, 100))])
    assert done.path == f"{place.shown}/q/review.html"
    assert b"</html>" in place.read("q/review.html")
    review(place, add_box=[(image, (10, 10, 20, 20))])
    assert place.read("q/decisions.jsonl").count(b"\n") == 2 * len({one.key for one in done.decided})
    assert run(lab, place).tally.done.objects == len({one.key for one in done.decided})
    assert place.read(path) != before


def test_where_plaintext_may_not_touch_a_disk_a_store_may_have_it(
    lab: PhoneLab, place: StoreDestination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.fill(SHAPE)
    lab.run()
    forbidding = Profile(plaintext="forbidden")
    job = dataclasses.replace(lab.job(), store=StoreSpec(lab.source.as_uri(), forbidding), dest=place.spec)
    with pytest.raises(PolicyError, match="forbids decrypted data on a disk"):
        dataclasses.replace(job, dest=lab.job().dest).check()
    names: list[Path] = []
    real = StoreWriter.reserve
    monkeypatch.setattr(StoreWriter, "reserve", lambda writer: names.append(real(writer)) or names[-1])
    assert execute(job, place, Serial()).state == "finished"
    same(lab, place)
    kinds = mounted(MOUNTS.read_text())
    assert names
    assert {kind_of(path, kinds) for path in names} <= IN_MEMORY
    assert not [path for path in names if path.exists() or path.parent.parent.exists()]


def test_a_recorded_run_is_built_again(lab: PhoneLab, place: StoreDestination) -> None:
    job = dataclasses.replace(lab.job(), dest=place.spec)
    assert job_of(job.params).params == job.params
    assert "dest" not in lab.job().params, "the record lies in the folder"


@pytest.mark.parametrize(
    ("dest", "profile", "error"),
    [("s3://results", {"read_only": True}, ReadOnlyError), ("", {}, PolicyError), ("below", {}, PolicyError)],
)
def test_what_cannot_be_is_refused(lab: PhoneLab, dest: str, profile: dict[str, Any], error: type[Exception]) -> None:
    url = dest if "://" in dest else f"{lab.source.as_uri()}/{dest}".rstrip("/")
    with pytest.raises(error):
        dataclasses.replace(lab.job(), dest=StoreSpec(url, Profile(**profile))).check()
