"""An export into a store holds the same bytes as one into a folder, and goes on, skips and sets aside alike."""

from __future__ import annotations

import dataclasses
import os
import signal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from demo.study import KEY, STUDY, Made, Shape, make

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.resolve import resolve_dest
from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.export.files import Files
from bondstore.domains.beiwe.jobs import ExportJob, job_of
from bondstore.domains.beiwe.reconcile.job import ReconcileJob
from bondstore.domains.beiwe.reconcile.rebuild import Rebuild
from bondstore.domains.beiwe.selection import select
from bondstore.errors import Interrupted, PolicyError, ReadOnlyError
from bondstore.runs import journal
from bondstore.runs import record as recording
from bondstore.runs.destination import Destination
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Processes, Serial, Threads
from bondstore.stores import open_store

FORMS = ("original", "forest", "csv", "parquet")


@dataclasses.dataclass(frozen=True)
class Bench:
    """A study in a bucket, and where it is exported to."""

    source: StoreSpec
    dest: StoreSpec
    made: tuple[Made, ...]

    @property
    def place(self) -> Destination:
        return open_destination(self.dest)

    def job(self, form: str = "original") -> ExportJob:
        selection = select(source="chunked" if form == "forest" else "both")
        return ExportJob(self.source, STUDY, SecretRef.parse("env:LAB_KEY"), form, selection, self.dest)

    def export(self, form: str = "original", executor: Any = None, **words: Any) -> RunResult:
        return execute(self.job(form), self.place, executor or Serial(), **words)

    def files(self) -> dict[str, bytes]:
        paths = sorted(path for path in self.place.walk("") if not path.startswith(".bondstore"))
        return {path: self.place.read(path) for path in paths}

    def data(self, part: str) -> Made:
        return next(one for one in self.made if part in one.key)

    def put(self, one: Made, sealed: bytes) -> None:
        open_store(self.source).put(one.key, sealed)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_KEY", KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def calm(home: Path) -> Bench:
    """A study, and a folder of its own for what an undisturbed export gives."""
    source = StoreSpec((home / "bucket").as_uri(), Profile())
    made = tuple(make(Shape(participants=2, hours=4, rows=8, missing=0.3)))
    for one in made:
        open_store(source).put(one.key, one.sealed)
    return Bench(source, StoreSpec((home / "calm").as_uri(), Profile()), made)


@pytest.fixture(params=["folder", "s3"])
def bench(request: pytest.FixtureRequest, calm: Bench, home: Path) -> Bench:
    place = str(home / "out")
    if request.param == "s3":
        place = f"{request.getfixturevalue('s3_environment')}/out"
    return dataclasses.replace(calm, dest=resolve_dest(place))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_bytes_and_a_second_run_skips_them(bench: Bench, calm: Bench, form: str) -> None:
    calm.export(form)
    result = bench.export(form, Threads(3))
    assert (result.state, bench.files()) == ("finished", calm.files())
    assert len(bench.files()) > 10
    again = bench.export(form)
    assert again.tally.skipped == again.tally.planned == result.tally.done


def test_processes_write_to_either(bench: Bench, calm: Bench) -> None:
    calm.export()
    assert bench.export("original", Processes(2)).state == "finished"
    assert bench.files() == calm.files()


def test_what_is_gone_or_altered_is_made_again(bench: Bench) -> None:
    bench.export()
    before = bench.files()
    first, second = list(before)[:2]
    bench.place.remove([first])
    open_store(bench.dest).put(second, b"altered")
    assert bench.export().tally.done.objects == 2
    assert bench.files() == before


@pytest.mark.parametrize("large", [8 << 20, 0], ids=["whole", "streamed"])
@pytest.mark.parametrize("form", ["original", "parquet"])
def test_damage_goes_to_quarantine_and_comes_out_once_it_is_mended(
    bench: Bench, calm: Bench, form: str, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bondstore.domains.beiwe.export.files.LARGE", large)
    calm.export(form)
    bad = bench.data("/gps/2024")
    bench.put(bad, bad.sealed[:20])
    result = bench.export(form)
    assert (result.state, result.tally.quarantined.objects) == ("incomplete", 1)
    kept = bench.place.quarantine_path(bad.key)
    assert bench.place.read(kept) == bad.sealed[:20]
    assert bench.export(form).tally.quarantined.objects == 1
    bench.put(bad, bad.sealed)
    assert bench.export(form).state == "finished"
    assert bench.files() == calm.files()
    assert kept not in set(bench.place.walk(".bondstore"))


@pytest.mark.parametrize("form", ["original", "parquet", "csv"])
def test_damage_is_not_forgotten_by_a_run_that_ends_before_it_is_recorded(
    bench: Bench, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = bench.data("/gps/2024")
    bench.put(bad, bad.sealed[:20])
    place = journal if bench.place.at_once else recording
    record = place.end_recording

    def breaking(*args: Any, **more: Any) -> None:
        if args[4]:  # receipts: a run's beginning and end have none
            raise KeyboardInterrupt
        record(*args, **more)

    for _ in range(1 if bench.place.at_once else 2):  # what a store was told is taken over before the next run begins
        with monkeypatch.context() as patch:
            patch.setattr(place, "end_recording", breaking)
            with pytest.raises(Interrupted):
                bench.export(form)
        with bench.place.ledger() as ledger:
            assert not list(ledger.items.quarantined_keys())
    result = bench.export(form)
    assert (result.state, result.tally.quarantined.objects) == ("incomplete", 1)
    assert bench.place.read(bench.place.quarantine_path(bad.key)) == bad.sealed[:20]
    assert bench.export(form).tally.quarantined.objects == 1


@pytest.mark.parametrize("form", ["original", "parquet"])
def test_killed_again_and_again_it_ends_with_the_bytes_of_a_calm_run(bench: Bench, calm: Bench, form: str) -> None:
    calm.export(form)
    ends = []
    for after in (1, 2, 1):
        process = get_context("spawn").Process(target=_export_and_die, args=(bench, form, after))
        process.start()
        process.join(60)
        ends.append(process.exitcode)
    assert ends[0] == -signal.SIGKILL
    assert set(ends) <= {0, -signal.SIGKILL}
    result = bench.export(form)
    assert (result.state, bench.files()) == ("finished", calm.files())
    assert result.tally.skipped.objects > 0


class Dying:
    """Ends its process, as a kill does, once some shards were done but for the record of the last."""

    def __init__(self, after: int) -> None:
        self.after = after

    def run(self, shards: Any) -> Any:
        results = Serial().run(shards)
        taken = results.__next__

        class Counted(type(results)):  # type: ignore[misc]
            def __next__(inner) -> Any:
                receipt = taken()
                self.after -= 1
                if self.after < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return receipt

        return Counted(())


def _export_and_die(bench: Bench, form: str, after: int) -> None:
    Files.number = 10
    bench.export(form, Dying(after))


def test_a_recorded_run_is_built_again_with_its_destination(bench: Bench) -> None:
    with pytest.raises(RuntimeError):
        bench.export(confirm=_fail)
    with bench.place.ledger(create=False) as ledger:
        (record,) = ledger.runs.newest_first()
    again = job_of(record.params)
    assert again.params == bench.job().params
    assert execute(again, bench.place, Serial(), run=record.id).state == "finished"


def _fail(_: object) -> bool:
    raise RuntimeError


@pytest.mark.parametrize("form", ["original", "parquet"])
def test_plaintext_that_is_forbidden_on_a_disk_goes_to_a_store_alone(
    calm: Bench, form: str, s3_environment: str, home: Path
) -> None:
    calm.export(form)
    source = dataclasses.replace(calm.source, profile=Profile(plaintext="forbidden"))
    inside = dataclasses.replace(calm, source=source, dest=StoreSpec((home / "out").as_uri(), Profile()))
    with pytest.raises(PolicyError, match="forbids decrypted data"):
        inside.job(form).check()
    away = dataclasses.replace(calm, source=source, dest=resolve_dest(f"{s3_environment}/out"))
    assert away.export(form).state == "finished"
    assert away.files() == calm.files()


@pytest.mark.parametrize("where", ["", "/inside", "/.."])
def test_source_and_destination_are_two_places(calm: Bench, where: str) -> None:
    job = dataclasses.replace(calm, dest=StoreSpec(calm.source.url + where, Profile())).job()
    with pytest.raises(PolicyError, match=r"same place|lies in the other"):
        job.check()


def test_a_store_that_is_opened_read_only_is_refused(calm: Bench, s3_environment: str) -> None:
    dest = resolve_dest(f"{s3_environment}/out", Profile(read_only=True))
    with pytest.raises(ReadOnlyError, match="read-only"):
        dataclasses.replace(calm, dest=dest).job().check()


def rebuild(bench: Bench, **words: Any) -> RunResult:
    job = ReconcileJob(bench.source, STUDY, SecretRef.parse("env:LAB_KEY"), select(source="both"), bench.dest)
    return execute(job, bench.place, Serial(), **words)


def test_hours_are_rebuilt_into_either_and_stand(bench: Bench, calm: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    rebuild(calm)
    assert len(calm.files()) > 3
    monkeypatch.setattr(Rebuild, "number", 1)
    place = journal if bench.place.at_once else recording
    record, calls = place.end_recording, []

    def breaking(*args: Any, **more: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        record(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(place, "end_recording", breaking)
        with pytest.raises(Interrupted):
            rebuild(bench)
    result = rebuild(bench)
    assert (result.state, bench.files()) == ("finished", calm.files())
    assert rebuild(bench).tally.done.objects == 0
    lost = next(iter(calm.files()))
    bench.place.remove([lost])
    assert 0 < rebuild(bench).tally.done.objects < result.tally.planned.objects
    assert bench.files() == calm.files()


def test_batches_that_meet_an_hour_again_add_to_what_was_written_a_moment_ago(
    bench: Bench, calm: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuild(calm)
    monkeypatch.setattr("bondstore.domains.beiwe.reconcile.read.BATCH_BYTES", 100)
    assert rebuild(bench).state == "finished"
    assert bench.files() == calm.files()
