"""An upload in parts that is killed at any instant goes on: the same bytes, and no proved part is sent twice."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from bondstore.config.profiles import Profile
from bondstore.stores import Store, open_store
from tests.kills import kills_of
from tests.servers.azurite import ACCOUNT_KEY, Azurite
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY, SeaweedFS
from tests.stores.rigs import azure_profile, s3_profile

MIB = 1 << 20
PART = 5 * MIB
PARTS = 12
KEY = "night/video.c4gh"
A_CHAIN = 4
"""Kills of one upload before it is let run to its end."""

SENDER = """
import base64, pickle, sys
from pathlib import Path
from bondstore.stores import open_store

url, profile, key, journal, file = sys.argv[1:]
store = open_store(url, pickle.loads(base64.b64decode(profile)))
print("ready", flush=True)
with store.open_upload(key, Path(journal)) as upload, open(file, "rb") as data:
    number = 0
    while part := data.read(5 << 20):
        number += 1
        upload.send(number, part)
    upload.finish()
"""


@dataclass
class Lab:
    """A store behind a proxy, one object to send to it, and what was proved when its sender was killed."""

    url: str
    profile: Profile
    folder: Path
    proxy: FaultyProxy | None = None
    block: Callable[[dict[str, list[str]]], int | None] = lambda _: None
    proved: list[tuple[int, set[int]]] = field(default_factory=list)

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    @property
    def file(self) -> Path:
        return self.folder / "video"

    @property
    def store(self) -> Store:
        return open_store(self.url, self.profile)

    def start(self) -> subprocess.Popen[bytes]:
        profile = base64.b64encode(pickle.dumps(self.profile)).decode()
        line = [sys.executable, "-c", SENDER, self.url, profile, KEY, str(self.journal), str(self.file)]
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    def note(self) -> None:
        """Note which parts the journal proves now, and how many requests were made so far."""
        lines = self.journal.read_bytes().splitlines(keepends=True) if self.journal.exists() else []
        parts = [json.loads(line).get("part") for line in lines if line.endswith(b"\n")]
        self.proved.append((self.requests(), {part["number"] for part in parts if part}))

    def requests(self) -> int:
        return len(self.proxy.seen) if self.proxy is not None else 0

    def sent_since(self, start: int) -> set[int]:
        seen = self.proxy.seen[start:] if self.proxy is not None else []
        numbers = [self.block(parse_qs(one.query)) for one in seen if one.method == "PUT"]
        return {number for number in numbers if number is not None}

    def kill(self, after: int, pause: float) -> bool:
        """Kill a sender after so many requests and a pause; say whether it was at work then."""
        process = self.start()
        goal, give_up = self.requests() + after, time.monotonic() + 60
        while process.poll() is None and self.requests() < goal and time.monotonic() < give_up:
            time.sleep(0.001)
        time.sleep(pause)
        process.kill()
        _, told = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), told.decode()
        self.note()
        return process.returncode != 0

    def finish(self) -> float:
        """Let a sender run to its end; return how long it was at work."""
        process, started = self.start(), time.monotonic()
        _, told = process.communicate(timeout=120)
        assert process.returncode == 0, told.decode()
        duration = time.monotonic() - started
        self.settle()
        return duration

    @property
    def is_finished(self) -> bool:
        return not self.journal.exists() and any(True for _ in self.store.list())

    def settle(self) -> None:
        """Look at what came of it."""
        found = self.store.get(KEY)
        assert hashlib.sha256(found.data).digest() == hashlib.sha256(self.file.read_bytes()).digest()
        assert not self.journal.exists()
        for requests, parts in self.proved:
            assert not parts & self.sent_since(requests)
        assert [one.key for one in self.store.unfinished()] == ["theirs"]
        self.store.delete(KEY)
        self.proved.clear()


def lab_of(url: str, profile: Profile, tmp_path: Path) -> Lab:
    lab = Lab(url, profile, tmp_path)
    lab.file.write_bytes(random.Random(60).randbytes(PARTS * PART - 4321))
    return lab


@pytest.fixture(autouse=True)
def keys_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_S3_KEY", ACCESS_KEY)
    monkeypatch.setenv("TEST_S3_SECRET", SECRET_KEY)
    monkeypatch.setenv("TEST_AZURE_KEY", ACCOUNT_KEY)


@pytest.fixture
def lab_of_s3(seaweedfs: SeaweedFS, bucket: str, faulty: FaultyProxy, tmp_path: Path) -> Iterator[Lab]:
    client = seaweedfs.client()
    theirs = client.create_multipart_upload(Bucket=bucket, Key="theirs")["UploadId"]
    client.upload_part(Bucket=bucket, Key="theirs", UploadId=theirs, PartNumber=1, Body=b"1")
    lab = lab_of(f"s3://{bucket}", s3_profile(faulty.endpoint), tmp_path)
    lab.proxy, lab.block = faulty, lambda query: int(query["partNumber"][0]) if "partNumber" in query else None
    yield lab
    assert len(client.list_parts(Bucket=bucket, Key="theirs", UploadId=theirs)["Parts"]) == 1


@pytest.fixture
def lab_of_az(azurite: Azurite, tmp_path: Path) -> Iterator[Lab]:
    container = azurite.create_bucket(f"c-{uuid.uuid4().hex[:12]}")
    azurite.put_block(container, "theirs", b"00000000000000000001", b"1")
    with FaultyProxy(azurite.endpoint) as proxy:
        profile = azure_profile(azurite, endpoint=f"{proxy.endpoint}/{azurite.account}")
        lab = lab_of(f"az://{container}", profile, tmp_path)
        lab.proxy = proxy
        lab.block = lambda query: int(base64.b64decode(query["blockid"][0])[-5:]) if "blockid" in query else None
        yield lab


@pytest.fixture
def lab_of_file(folder: Path, tmp_path: Path) -> Lab:
    (folder / "theirs.bondstore#p0123456789abcdef").write_bytes(b"1")
    return lab_of(folder.as_uri(), Profile(), tmp_path)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("kind", "kills"), [("s3", kills_of(25)), ("az", kills_of(12)), ("file", kills_of(12))])
def test_kills_leave_no_trace(request: pytest.FixtureRequest, kind: str, kills: int) -> None:
    lab: Lab = request.getfixturevalue(f"lab_of_{kind}")
    duration = lab.finish()
    total = lab.requests()
    rng = random.Random(f"{kind} parts")
    landed = chains = 0
    while landed < kills:
        for _ in range(A_CHAIN):
            if lab.proxy is not None:
                landed += lab.kill(rng.randint(1, total), rng.uniform(0, 0.05))
            else:
                in_time = lab.kill(0, rng.uniform(0, duration))
                landed += in_time
                duration *= 1 if in_time else 0.8  # the machine was busier when it was measured
            if lab.is_finished:
                lab.settle()
                break
        else:
            lab.finish()
        chains += 1
        assert chains < 3 * kills + 30
    assert list(lab.store.list()) == []


@pytest.mark.parametrize("window", ["uploads", "uploadId"], ids=["begun", "completed"])
def test_killed_between_the_server_and_the_journal(lab_of_s3: Lab, window: str) -> None:
    """The server has done it, and its answer never came."""
    lab = lab_of_s3
    assert lab.proxy is not None
    process = lab.start
    running: list[subprocess.Popen[bytes]] = []

    def kill(body: bytes) -> bytes:
        running[0].kill()
        return body

    with lab.proxy.fault(Fault("rewrite", "POST", window, rewriter=kill)) as fault:
        running.append(process())
        running[0].communicate()
    assert (running[0].returncode, fault.matched) == (-signal.SIGKILL, 1)
    lab.note()
    if window == "uploadId":
        assert lab.proved[-1][1] == set(range(1, PARTS + 1))
    lab.finish()


def test_ctrl_c_ends_it_soon_and_keeps_what_arrived(lab_of_s3: Lab) -> None:
    lab = lab_of_s3
    assert lab.proxy is not None
    process = lab.start()
    while len(lab.sent_since(0)) < 6:
        time.sleep(0.002)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == -signal.SIGINT
    assert time.monotonic() - asked < 5
    lab.note()
    assert lab.proved[-1][1]
    lab.finish()


MEMORY = """
import base64, os, pickle, resource, sys
from pathlib import Path
from bondstore.stores import open_store

url, profile, journal, parts = sys.argv[1:]
store = open_store(url, pickle.loads(base64.b64decode(profile)))
with store.open_upload("large", Path(journal)) as upload:
    for number in range(1, int(parts) + 1):
        upload.send(number, os.urandom(5 << 20))
    upload.finish()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is in kilobytes on Linux")
def test_memory_does_not_grow_with_the_object(lab_of_s3: Lab) -> None:
    profile = base64.b64encode(pickle.dumps(lab_of_s3.profile)).decode()
    peaks = []
    for parts in (8, 80):
        line = [sys.executable, "-c", MEMORY, lab_of_s3.url, profile, str(lab_of_s3.journal), str(parts)]
        done = subprocess.run(line, capture_output=True, timeout=120, env=os.environ)
        assert done.returncode == 0, done.stderr.decode()
        peaks.append(int(done.stdout) * 1024)
    assert peaks[1] - peaks[0] < 4 * PART, f"{peaks[0] / MIB:.0f} MiB, then {peaks[1] / MIB:.0f} MiB"
