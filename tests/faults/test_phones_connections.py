"""Zips that are fetched over bad lines: everything comes out, or is named, and nothing half."""

from __future__ import annotations

import io
import random
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from demo.phones import Phone, Shape, make, one
from demo.study import Made

import bondstore
from bondstore.domains.screenlake import phone_zips
from tests.conftest import IN_CI
from tests.faults.test_connections import Share
from tests.faults.test_server_gone import bring_back
from tests.phonelab import PhoneLab, tree, whole
from tests.servers.faulty import Fault, FaultyProxy, Seen
from tests.servers.seaweedfs import SeaweedFS, find_weed
from tests.studies import Ended, Lab, ask

SMALL = Shape(panelists=3, zips=5, screenshots=2, rows=4, size=(96, 208), opted_out=1)
LARGE = replace(SMALL, panelists=1, zips=1, screenshots=12, seed=9, quotes=0.0, opted_out=0)
QUICK = "stall_timeout = 1\nconnect_timeout = 2"
NO_PATIENCE = QUICK + "\nretries = 0"


def large(seed: int) -> Phone:
    """Return a zip of some megabytes: its pictures carry a lot beside their pixels."""
    phone, rng = one(replace(LARGE, seed=seed), 0, 0), random.Random(seed)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(phone.data)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            data = before.read(name)
            if name.endswith(".jpg"):
                comments = b"".join(b"\xff\xfe\xff\xff" + rng.randbytes(0xFFFD) for _ in range(9))
                data = data[:2] + comments + data[2:]
            after.writestr(name, data)
    return replace(phone, data=out.getvalue())


@dataclass
class Acting(Fault):
    """Does something to the bucket just before the first matching request, which then goes through."""

    act: Callable[[], None] = lambda: None

    def strikes(self, seen: Seen) -> bool:
        if super().strikes(seen):
            self.act()
        return False


@dataclass(frozen=True)
class Study:
    """Zips in a bucket, what they hold, and what an undisturbed run makes of them."""

    lab: Lab
    phones: dict[str, Phone]
    calm: dict[str, str]

    def command(self, *words: str) -> list[str]:
        where = ["screenlake", "process", self.lab.url, str(self.lab.dest)]
        return self.lab.command(*where, "--redact", "none", "--query-id", "q", "--yes", "--json", *words)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.lab.folder / "stdout").open("wb") as out, (self.lab.folder / "stderr").open("wb") as errors:
            environment = self.lab.environment()
            return subprocess.Popen(self.command(*words), stdout=out, stderr=errors, env=environment)

    def told(self) -> str:
        return (self.lab.folder / "stderr").read_text()

    def here(self, patch: pytest.MonkeyPatch, proxy: FaultyProxy) -> Any:
        """Process in this process, over the proxy."""
        for name, value in self.lab.environment(proxy.endpoint).items():
            patch.setenv(name, value)
        return bondstore.screenlake.process(self.lab.url, self.lab.dest, redact="none", query_id="q", jobs=1)

    def check(self, *but: str) -> None:
        """Every image and every row is there, but for those of some zips; nothing half, nothing left over."""
        phones = {key: phone for key, phone in self.phones.items() if key not in but}
        whole(PhoneLab(self.lab.folder, phones), self.lab.dest)
        if self.calm and not but:
            assert tree(self.lab.dest) == self.calm
        corner = self.lab.dest / ".bondstore"
        assert not [path for name in ("staged", "tmp") for path in (corner / name).rglob("*") if path.is_file()]


def filled(lab: Lab, phones: dict[str, Phone]) -> Study:
    for key, phone in phones.items():
        lab.put(key, phone.data)
    calm = Study(lab, phones, {})
    ended = lab.run(calm.command("--jobs", "1"))
    assert ended.code == 0, ended.err
    return replace(calm, calm=tree(lab.dest))


@pytest.fixture(scope="module")
def still(seaweedfs: SeaweedFS, shared_bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Some small zips and one of some megabytes, which these tests only read."""
    phones = {phone.key: phone for phone in (*make(SMALL), large(9))}
    return filled(Lab(seaweedfs, shared_bucket, tmp_path_factory.mktemp("fill"), "phones"), phones)


@pytest.fixture
def study(still: Study, tmp_path: Path) -> Study:
    lab = replace(still.lab, folder=tmp_path)
    lab.configure(QUICK)
    return replace(still, lab=lab)


@pytest.fixture(scope="module")
def few() -> dict[str, Phone]:
    """A few zips; the last one has some megabytes."""
    some = make(replace(SMALL, panelists=2, zips=5, opted_out=0, quotes=0.0))
    return {phone.key: phone for phone in (*some, large(9))}


@pytest.fixture
def own(lab: Lab, few: dict[str, Phone]) -> Study:
    """A few zips of a test's own, which it may change."""
    for key, phone in few.items():
        lab.put(key, phone.data)
    lab.configure(NO_PATIENCE)
    return Study(lab, dict(few), {})


def large_of(study: Study) -> str:
    return list(study.phones)[-1]


@pytest.fixture(params=["whole", "ranges"])
def reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Zips are fetched in one piece, or read in ranges as very large ones are."""
    if request.param == "ranges":
        monkeypatch.setattr(phone_zips, "WHOLE", 0)
    return str(request.param)


FAULTS = {
    "cut at once": Share("cut", every=4, after=0),
    "cut in the middle": Share("cut", every=2, after=900),
    "refused": Share("refuse", every=3),
    "answer lost": Share("lose_answer", every=4),
    "503": Share("status", every=3, status=503),
    "500": Share("status", every=3, status=500, body=b"<Error><Code>InternalError</Code></Error>"),
    "silent": Share("stall", every=12, after=300, seconds=2.5),
}


IN_RANGES = ("cut in the middle", "answer lost", "silent")


@pytest.mark.parametrize(
    ("kind", "ranges"), [*((kind, False) for kind in FAULTS), *((kind, True) for kind in IN_RANGES)]
)
def test_everything_comes_out(
    study: Study, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch, kind: str, ranges: bool
) -> None:
    if ranges:
        monkeypatch.setattr(phone_zips, "WHOLE", 0)
    fault = faulty.add(replace(FAULTS[kind]))
    result = study.here(monkeypatch, faulty)
    assert fault.matched > len(study.phones)
    assert (result.state, result.tally.done.objects) == ("finished", len(study.phones))
    study.check()


def test_all_at_once_on_the_command_line(study: Study, faulty: FaultyProxy) -> None:
    for kind in ("cut in the middle", "answer lost", "503", "refused"):
        faulty.add(replace(FAULTS[kind], every=7))
    ended = study.lab.run(study.command("--jobs", "2", "--batch", "3"), endpoint=faulty.endpoint)
    assert ended.code == 0, ended.err
    assert ended.tally["done"] == len(study.phones)
    study.check()


def failed_alone(study: Study, ended: Ended, key: str, finding: str) -> None:
    """One zip is named with its reason, and all others came out."""
    assert ended.code == 5, ended.err
    assert "Traceback" not in ended.err
    tally = ended.tally
    assert (tally["done"], tally["failed"], tally["quarantined"]) == (len(study.phones) - 1, 1, 0)
    assert ended.findings == {key: {finding}}, ended.out
    study.check(key)


def test_a_large_zip_that_may_be_asked_for_and_not_be_read_fails_alone(
    own: Study, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where it is encrypted with a key that is not for these credentials."""
    monkeypatch.setattr(phone_zips, "WHOLE", 0)
    key = large_of(own)
    faulty.add(Fault("status", contains=key, times=10**9, status=403, body=b"<Code>AccessDenied</Code>"))
    result = own.here(monkeypatch, faulty)
    assert (result.state, result.tally.done.objects, result.tally.failed.objects) == ("incomplete", 10, 1)
    assert found(own) == {(key, "not-fetched")}
    own.check(key)


def in_ranges(line: list[str]) -> list[str]:
    """Return the line that reads every zip in ranges."""
    code = "import sys; from bondstore.cli.main import run; from bondstore.domains.screenlake import phone_zips\n"
    return [line[0], "-c", f"{code}phone_zips.WHOLE = 0\nrun(sys.argv[1:])", *line[3:]]


@pytest.mark.parametrize("requests", [0, 1, 3, 12], ids=["whole", "directory", "tables", "images"])
def test_a_zip_that_cannot_be_fetched_fails_alone_and_comes_next_time(
    own: Study, faulty: FaultyProxy, requests: int
) -> None:
    """In ranges the line breaks when some of them were read: from the twelfth on, when images of it were written."""
    key, line = large_of(own), own.command("--jobs", "1")
    line = in_ranges(line) if requests else line
    fault = faulty.add(Fault("status", contains=key, first=max(requests, 1), times=10**9, status=500))
    failed_alone(own, own.lab.run(line, endpoint=faulty.endpoint), key, "not-fetched")
    assert fault.matched >= requests
    faulty.clear()
    again = own.lab.run(line, endpoint=faulty.endpoint)
    assert (again.code, again.tally["done"], again.tally["skipped"]) == (0, 1, len(own.phones) - 1)
    own.check()


def test_a_zip_that_vanishes_after_it_was_listed(
    own: Study, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch, reading: str
) -> None:
    key = large_of(own)
    for method in ("GET", "HEAD"):
        faulty.add(Acting("cut", method=method, contains=key, act=lambda: own.lab.delete(key)))
    result = own.here(monkeypatch, faulty)
    assert (result.state, result.tally.done.objects, result.tally.failed.objects) == ("incomplete", 10, 1)
    assert found(own) == {(key, "gone")}
    own.check(key)
    again = own.here(monkeypatch, faulty)
    assert (again.state, again.tally.done.objects) == ("finished", 0)


def found(study: Study) -> set[tuple[str, str]]:
    return set(ask(study.lab.dest, "SELECT key, kind FROM findings WHERE severity = 'error'"))


def test_a_zip_that_changes_after_it_was_listed_comes_as_it_is_now(
    own: Study, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch, reading: str
) -> None:
    key, now = sorted(own.phones)[1], one(replace(SMALL, seed=10), 0, 0)
    for method in ("GET", "HEAD"):
        faulty.add(Acting("cut", method=method, contains=key, act=lambda: own.lab.put(key, now.data)))
    result = own.here(monkeypatch, faulty)
    assert (result.state, result.tally.done.objects) == ("finished", 11)
    own.phones[key] = replace(now, key=key, panelist=own.phones[key].panelist)
    own.check()
    assert own.here(monkeypatch, faulty).tally.done.objects == 0


@pytest.mark.parametrize("requests", [3, 12], ids=["tables", "images"])
def test_a_zip_that_changes_while_it_is_read_is_named_and_comes_next_time(
    own: Study, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch, requests: int
) -> None:
    """Never a mixture of two versions."""
    monkeypatch.setattr(phone_zips, "WHOLE", 0)
    key, now = large_of(own), large(10)
    fault = faulty.add(Acting("cut", contains=key, first=requests, act=lambda: own.lab.put(key, now.data)))
    result = own.here(monkeypatch, faulty)
    assert fault.matched >= requests
    assert (result.state, result.tally.done.objects, result.tally.failed.objects) == ("incomplete", 10, 1)
    assert found(own) == {(key, "not-fetched")}
    own.check(key)
    assert own.here(monkeypatch, faulty).tally.done.objects == 1
    own.phones[key] = replace(now, key=key, panelist=own.phones[key].panelist)
    own.check()
    assert found(own) == set()


@pytest.mark.parametrize("place", [0, 5, 10])
def test_whichever_zip_of_a_batch_fails_it_is_told(
    own: Study, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch, reading: str, place: int
) -> None:
    """Also when others of its batch were recorded before, and others after it."""
    key = sorted(own.phones)[place]
    for method in ("GET", "HEAD"):
        faulty.add(Fault("status", method=method, contains=key, times=10**9, status=500))
    result = own.here(monkeypatch, faulty)
    assert (result.state, result.tally.done.objects, result.tally.failed.objects) == ("incomplete", 10, 1)
    own.check(key)


# A server that goes away, and a computer that sleeps


@pytest.fixture(scope="module")
def mortal(_scrubbed_session: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    """Zips on a server that these tests may kill; each leaves it running."""
    if find_weed() is None:
        (pytest.fail if IN_CI else pytest.skip)("SeaweedFS cannot run here")
    phones = {phone.key: phone for phone in make(replace(SMALL, panelists=4, zips=15))}
    with SeaweedFS() as server:
        yield filled(Lab(server, server.create_bucket("mortal"), tmp_path_factory.mktemp("fill")), phones)


@pytest.fixture
def weak(mortal: Study, tmp_path: Path) -> Study:
    lab = replace(mortal.lab, folder=tmp_path)
    lab.configure(QUICK)
    return replace(mortal, lab=lab)


def when_at_work(study: Study, *words: str) -> subprocess.Popen[bytes]:
    """Start a run, and return once its first zips are done and more are to come."""
    process = study.start("--batch", "1", *words)
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up and process.poll() is None:
        done = ask(study.lab.dest, "SELECT count(*) FROM items WHERE state = 'done'")
        if done and done[0][0]:
            assert done[0][0] < len(study.phones)
            return process
        time.sleep(0.002)
    raise AssertionError(study.told())


def asleep(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Stop a run and its workers where they are."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        member.suspend()
    return family


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_server_that_dies_and_is_back_within_the_patience(weak: Study, jobs: str) -> None:
    process = when_at_work(weak, "--jobs", jobs)
    weak.lab.server.kill9()
    weak.lab.server.start()
    assert process.wait(120) == 0, weak.told()
    weak.check()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_computer_that_slept_while_its_connections_died(weak: Study, jobs: str) -> None:
    process = when_at_work(weak, "--jobs", jobs)
    family = asleep(process)
    weak.lab.server.kill9()
    weak.lab.server.start()
    for member in family:
        member.resume()
    assert process.wait(120) == 0, weak.told()
    weak.check()


def test_a_line_that_is_silent_for_a_while(weak: Study) -> None:
    """Nobody hangs up and nobody answers: connections are given up and made anew."""
    process = when_at_work(weak, "--jobs", "2")
    server = psutil.Process(weak.lab.server.pid)
    server.suspend()
    time.sleep(1.5)  # longer than the stall timeout
    server.resume()
    assert process.wait(120) == 0, weak.told()
    weak.check()


def test_a_server_that_is_away_for_longer_than_the_patience(weak: Study) -> None:
    weak.lab.configure(NO_PATIENCE)
    process = when_at_work(weak, "--jobs", "1")
    weak.lab.server.kill9()
    try:
        assert process.wait(60) == 4, weak.told()
        errors = [line for line in weak.told().splitlines() if line.startswith("Error: ")]
        assert len(errors) == 1
        assert f"s3://{weak.lab.bucket} gives no answer" in errors[0]
        assert "Traceback" not in weak.told()
        assert weak.lab.run(weak.command("--jobs", "1")).code == 4
    finally:
        bring_back(weak.lab, [Made(key, b"", b"") for key in weak.phones])
    ended = weak.lab.run(weak.command("--jobs", "1"))
    assert ended.code == 0, ended.err
    assert ended.tally["skipped"] > 0
    weak.check()
