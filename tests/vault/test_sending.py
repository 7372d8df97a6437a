"""A large file goes up in parts; after a kill it goes on, and comes out as if nothing had happened."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bondstore.config.profiles import StoreSpec
from bondstore.config.secrets import Secret
from bondstore.runs.destinations import open_destination
from bondstore.vault.keys import new_pair
from bondstore.vault.proofs import Reader
from bondstore.vault.recipients import Recipients
from tests.homes import Home
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import Rig
from tests.vault.conftest import PASSPHRASE, Vault

SIZE = 60_000_000
KILLS = 3


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/large.avi").write_bytes(random.Random(3).randbytes(SIZE))
    return tmp_path / "source"


def put(source: Path, bucket: str, tmp_path: Path, endpoint: str) -> subprocess.Popen[bytes]:
    words = ["put", str(source), f"s3://{bucket}/video", "--seal-for", "owner", "--yes"]
    line = [sys.executable, "-m", "bondstore", *words, "--passphrase", f"file:{tmp_path}/passphrase"]
    settings = {**os.environ, "AWS_ENDPOINT_URL": endpoint}
    return subprocess.Popen(
        line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=settings
    )


def sent(proxy: FaultyProxy, start: int) -> Counter[int]:
    """Count the parts that were sent from a request on, by their numbers."""
    numbers = (re.search(r"partNumber=(\d+)", one.query) for one in proxy.seen[start:] if one.method == "PUT")
    return Counter(int(match[1]) for match in numbers if match)


def journalled() -> set[int]:
    """Return the numbers of the parts that the journals hold."""
    state = Path(os.environ.get("XDG_STATE_HOME", Path.home() / ".local/state"))
    found = "".join(one.read_text() for one in state.rglob("uploads/*.jsonl"))
    return {int(number) for number in re.findall(r'"number": ?(\d+)', found)}


def wait_for(process: subprocess.Popen[bytes], proxy: FaultyProxy, start: int, parts: int) -> None:
    """Wait until so many parts are on their way, or the process has ended."""
    give_up = time.monotonic() + 60
    while process.poll() is None and sum(sent(proxy, start).values()) < parts and time.monotonic() < give_up:
        time.sleep(0.005)


def decrypted(stored: bytes, home: Home) -> bytes:
    """Open an object with the reference program."""
    line = [Path(sys.executable).parent / "crypt4gh", "decrypt", "--sk", home.user_file.parent / "keys/owner.sec"]
    return subprocess.run(
        line, input=stored, capture_output=True, env={**os.environ, "C4GH_PASSPHRASE": PASSPHRASE}
    ).stdout


@pytest.mark.parametrize("seed", [1, 2])
def test_no_part_that_arrived_is_sent_again(
    seaweedfs: SeaweedFS, bucket: str, home: Home, s3_environment: str, source: Path, tmp_path: Path, seed: int
) -> None:
    new_pair("owner", Secret(PASSPHRASE))
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    (tmp_path / "passphrase").chmod(0o600)
    rng, kills = random.Random(seed), 0
    with FaultyProxy(seaweedfs.endpoint) as proxy:
        for number in range(KILLS + 1):
            before, start = journalled(), len(proxy.seen)
            process = put(source, bucket, tmp_path, proxy.endpoint)
            if number < KILLS:
                wait_for(process, proxy, start, rng.randint(1, 4))
                process.kill()
            _, said = process.communicate(timeout=120)
            kills += process.returncode == -signal.SIGKILL
            assert not before & sent(proxy, start).keys()
        assert process.returncode == 0, said.decode()
    assert kills
    assert not journalled()
    client = seaweedfs.client()
    assert not client.list_multipart_uploads(Bucket=bucket).get("Uploads")
    stored = client.get_object(Bucket=bucket, Key="video/data/large.avi.c4gh")["Body"].read()
    assert decrypted(stored, home) == (source / "large.avi").read_bytes()
    # Each part has nonces of its own: none serves twice under the one session key.
    body = stored[124:]
    nonces = [body[at : at + 12] for at in range(0, len(body), 65_564)]
    assert len(set(nonces)) == len(nonces)


def test_a_file_that_changed_after_a_kill_starts_over(
    seaweedfs: SeaweedFS, bucket: str, home: Home, s3_environment: str, source: Path, tmp_path: Path
) -> None:
    new_pair("owner", Secret(PASSPHRASE))
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    (tmp_path / "passphrase").chmod(0o600)
    process = put(source, bucket, tmp_path, seaweedfs.endpoint)
    give_up = time.monotonic() + 60
    while process.poll() is None and len(journalled()) < 2 and time.monotonic() < give_up:
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert journalled()
    other = random.Random(4).randbytes(SIZE)
    (source / "large.avi").write_bytes(other)
    process = put(source, bucket, tmp_path, seaweedfs.endpoint)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said.decode()
    assert not journalled()
    client = seaweedfs.client()
    assert not client.list_multipart_uploads(Bucket=bucket).get("Uploads")
    stored = client.get_object(Bucket=bucket, Key="video/data/large.avi.c4gh")["Body"].read()
    assert decrypted(stored, home) == other


def test_a_small_encrypted_file_takes_one_request(owner: Recipients, rig_of_s3: Rig, tmp_path: Path) -> None:
    """Its bytes are new each time: no look at what is there could spare the upload."""
    source = tmp_path / "source"
    source.mkdir()
    for number in range(20):
        (source / f"{number}.edf").write_bytes(bytes(20_000))
    assert rig_of_s3.profile.endpoint
    with FaultyProxy(rig_of_s3.profile.endpoint) as proxy:
        spec = StoreSpec(f"{rig_of_s3.url}/vault", replace(rig_of_s3.profile, endpoint=proxy.endpoint))
        vault = Vault(spec, owner, Reader(owner.key, owner.passphrase))
        assert vault.put(source).state == "finished"
        asked = Counter((one.method, one.path) for one in proxy.seen if one.path.endswith(".edf.c4gh"))
    assert Counter(method for method, _ in asked.elements()) == {"PUT": 20}


def test_what_the_vault_refuses_is_not_told_as_the_file_s_fault(
    owner: Recipients, rig_of_s3: Rig, tmp_path: Path
) -> None:
    """A part comes damaged at the server, again and again: the file fails, is not in quarantine, and others go on."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "large.avi").write_bytes(bytes(9_000_000))
    (source / "small.txt").write_bytes(b"small")
    assert rig_of_s3.profile.endpoint is not None
    with FaultyProxy(rig_of_s3.profile.endpoint) as proxy:
        spec = StoreSpec(f"{rig_of_s3.url}/vault", replace(rig_of_s3.profile, endpoint=proxy.endpoint))
        vault = Vault(spec, owner, Reader(owner.key, owner.passphrase))
        refused = b"<Error><Code>BadDigest</Code><Message>not what was said</Message></Error>"
        with proxy.fault(Fault("status", "PUT", "partNumber", status=400, body=refused, times=10**9)):
            done = vault.put(source)
        assert (done.tally.done.objects, done.tally.failed.objects) == (1, 1)
        with open_destination(spec).ledger(create=False) as ledger:
            found = {one.key: one.kind for one in ledger.findings.of_run(done.run)}
        assert found == {"large.avi": "not-written"}
        done = vault.put(source)
        assert (done.state, done.tally.done.objects, done.plan.quarantined.objects) == ("finished", 1, 0)
