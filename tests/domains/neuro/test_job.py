"""A hospital's folder through the whole way: cleaned, numbered, and nothing of it named anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import Secret
from bondstore.domains.neuro.job import CrosswalkRef, DeidentifyJob
from bondstore.domains.neuro.sources import How
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Executor, Processes, Serial
from bondstore.vault.keys import new_pair
from tests.deid.edf.recordings import Signal, annotations, header
from tests.homes import home

__all__ = ["home"]
PASSPHRASE = "lantern over quiet water"
PLANTED = [b"muller", b"petra", b"spotty", b"h0012345", b"keller"]


def write(file: Path, patient: str, clock: str, text: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    content = header((Signal(), annotations(40)), patient=patient, start=("02.03.19", clock), records="1")
    tal = b"+0\x14\x14\0+1\x14" + text + b"\x14\0"
    file.write_bytes(content + bytes(range(16)) + tal.ljust(80, b"\0"))


@pytest.fixture
def job(home: object, tmp_path: Path) -> DeidentifyJob:
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    (tmp_path / "passphrase").chmod(0o600)
    new_pair("owner", Secret(PASSPHRASE))
    source = tmp_path / "in"
    write(source / "Muller~ Petra/late.EDF", "H0012345 F 12-MAR-1969 Muller_Petra", "11.00.00", b"Petra Muller asleep")
    write(source / "Muller~ Petra/deep/early.edf", "X F 12-MAR-1969 MULLER,_P.", "10.00.00", b"spike T3")
    write(source / "Keller/1.edf", "X M X Keller_Hans", "10.00.00", b"Mr Keller moves")
    (source / "Keller/Keller.vt2").write_bytes(b"Keller")
    crosswalk = CrosswalkRef(str(tmp_path / "crosswalk.c4gh"), "owner", f"file:{tmp_path / 'passphrase'}")
    specs = [StoreSpec((tmp_path / name).as_uri(), Profile()) for name in ("in", "out")]
    return DeidentifyJob(*specs, How(), crosswalk)


def run(job: DeidentifyJob, executor: Executor | None = None) -> RunResult:
    return execute(job, open_destination(job.dest), executor or Serial())


def written(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


@pytest.mark.parametrize("width", [1, 2])
def test_no_name_in_results_or_records(job: DeidentifyJob, tmp_path: Path, width: int) -> None:
    before = written(tmp_path / "in")
    done = run(job, Processes(2) if width == 2 else Serial())
    assert (done.tally.done.objects, done.tally.quarantined.objects, done.tally.failed.objects) == (3, 1, 0)
    found = written(tmp_path / "out")
    recordings = sorted(name for name in found if name.endswith(".edf"))
    assert [name[8:13] for name in recordings] == ["_edf/"] * 3
    assert sorted(name.rpartition("_")[2] for name in recordings) == ["1.edf", "1.edf", "2.edf"]
    for name, content in found.items():
        for planted in PLANTED:
            assert planted not in content.lower(), (name, planted)
            assert planted not in name.lower().encode()
    assert written(tmp_path / "in") == before
    again = run(DeidentifyJob(job.store, job.dest, job.how, job.crosswalk))
    assert (again.plan.todo.objects, again.plan.quarantined.objects) == (0, 1)
