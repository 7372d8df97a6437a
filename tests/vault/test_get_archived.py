"""`bondstore get` of archived objects: told of with exit code 8, or waited for; every state is played by a proxy."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bondstore.cli.progress import LogProgress
from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.resolve import resolve_source
from bondstore.config.secrets import Secret, SecretRef
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Threads
from bondstore.vault.get import GetJob
from bondstore.vault.keys import new_pair
from bondstore.vault.proofs import Reader
from bondstore.vault.waiting import Pauses
from tests.cli.conftest import Call, Result, cli
from tests.homes import home
from tests.kills import kills_of
from tests.servers import archive_states as states
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.moto import Moto
from tests.vault.conftest import PASSPHRASE, tree_of
from tests.waiting import wait_until

__all__ = ["cli", "home"]
DAY = 86_400
ENDING = ".edf.c4gh"


@dataclass
class Lab:
    """A vault of three files in an archive behind a proxy, and the command line."""

    proxy: FaultyProxy
    cli: Call
    client: Any
    source: Path
    back: Path
    key: tuple[str, ...]
    url: str = "s3://archive/eeg"
    progress: io.StringIO = field(default_factory=io.StringIO)

    def archive(self) -> None:
        """Let all objects change their class, as a lifecycle rule does."""
        for one in self.client.list_objects_v2(Bucket="archive", Prefix="eeg/data/")["Contents"]:
            place = {"Bucket": "archive", "Key": one["Key"]}
            self.client.copy_object(**place, CopySource=place, StorageClass="GLACIER")

    def restore(self, *faults: Fault) -> Result:
        with states.playing(self.proxy, *faults):
            return self.cli("restore", self.url, "--yes", "--json")

    def get(self, *faults: Fault, words: tuple[str, ...] = ()) -> Result:
        with states.playing(self.proxy, *faults):
            return self.cli("get", self.url, str(self.back), "--unseal", *self.key, "--yes", "--json", *words)

    def wait(self, *faults: Fault) -> RunResult:
        """Get with --wait, in short rounds."""
        dest = StoreSpec(self.back.as_uri(), Profile())
        reader = Reader("owner", SecretRef.parse(self.key[1]))
        job = GetJob(resolve_source(self.url), dest, reader, wait=Pauses(0.2, 0.4))
        watch = LogProgress(self.progress, every=0.05)
        with states.playing(self.proxy, *faults):
            return execute(job, open_destination(dest), Threads(2), progress=watch)

    def asked(self) -> Counter[str]:
        """Count the requests of the last run for objects, by method."""
        return Counter(one.method for one in self.proxy.seen if ENDING in one.path)


@pytest.fixture
def lab(moto_server: Moto, moto: str, cli: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Lab]:
    with FaultyProxy(moto) as proxy:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_REGION", moto_server.region)
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        client = moto_server.client("s3")
        client.create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": moto_server.region})
        new_pair("owner", Secret(PASSPHRASE))
        (tmp_path / "passphrase").write_text(PASSPHRASE)
        (tmp_path / "passphrase").chmod(0o600)
        key = ("--passphrase", f"file:{tmp_path}/passphrase")
        source = tmp_path / "source"
        source.mkdir()
        rng = random.Random(3)
        for number, size in enumerate((100, 70_000, 9_000_000)):  # the last one is read in ranges
            (source / f"p{number}.edf").write_bytes(rng.randbytes(size))
        lab = Lab(proxy, cli, client, source, tmp_path / "back", key)
        assert cli("put", str(source), lab.url, "--seal-for", "owner", *key, "--yes").code == 0
        lab.archive()
        yield lab


def found(result: Result) -> dict[str, str]:
    return {one["key"]: one["finding"] for one in result.records if one["kind"] == "finding"}


def tally(result: Result) -> dict[str, int]:
    last = result.records[-1]
    assert last["planned"] == last["done"] + last["skipped"] + last["quarantined"] + last["failed"]
    return {name: last[name] for name in ("done", "failed")}


def test_without_wait_archived_objects_are_named_and_the_exit_code_is_8(lab: Lab) -> None:
    ended = lab.get()
    assert ended.code == 8, ended.err
    assert found(ended) == {f"data/p{number}{ENDING}": "archived" for number in range(3)}
    assert tally(ended) == {"done": 0, "failed": 3}
    shown = lab.cli("get", lab.url, str(lab.back), "--unseal", *lab.key, "--yes")
    assert shown.code == 8
    assert f"bondstore restore {lab.url}" in shown.err
    verified = lab.cli("verify", lab.url, "--deep", "--json")
    assert verified.code == 8
    assert set(found(verified).values()) == {"archived"}
    assert lab.restore().code == 8
    assert lab.get().code == 0
    assert tree_of(lab.back) == tree_of(lab.source)


def test_restored_objects_are_not_skipped_because_their_class_still_says_glacier(lab: Lab) -> None:
    assert lab.restore().code == 8
    keys = [one["Key"] for one in lab.client.list_objects_v2(Bucket="archive", Prefix="eeg/data/")["Contents"]]
    heads = [lab.client.head_object(Bucket="archive", Key=key) for key in keys if key.endswith(ENDING)]
    assert [(one["StorageClass"], "Restore" in one) for one in heads] == [("GLACIER", True)] * 3
    assert lab.get().code == 0
    assert tree_of(lab.back) == tree_of(lab.source)


def test_what_was_never_asked_for_is_not_waited_for(lab: Lab) -> None:
    ended = lab.get(words=("--wait",))
    assert ended.code == 8
    assert set(found(ended).values()) == {"archived"}
    assert lab.asked()["HEAD"] == 3 + 1  # one each, and one of the object that is read in ranges
    assert lab.asked()["POST"] == 0


def test_it_waits_with_one_head_each_a_round_and_tells_the_record_what_it_fetched(lab: Lab) -> None:
    assert lab.restore().code == 8
    archived = states.refusal(403, "InvalidObjectState", "GET", ENDING, times=3)
    waiting = [states.head(states.WAITING, f"p{number}{ENDING}", times=3) for number in range(3)]
    result = lab.wait(archived, *waiting)
    assert result.state == "finished"
    assert result.tally.done.objects == 3
    assert tree_of(lab.back) == tree_of(lab.source)
    assert "0 of 3 objects, 0 B of 9.1 MB, waiting for 3 objects (9.1 MB) from the archive" in lab.progress.getvalue()
    # the large one: one more to read it in ranges, and one before its first read was refused
    assert lab.asked()["HEAD"] in (3 * 3 + 2 * 1 + 2, 3 * 4 + 2, 3 * 4 + 1, 3 * 3 + 4)
    assert lab.asked()["POST"] == 0
    fetched = lab.restore(*[states.head(states.ready(time.time() + DAY), f"p{number}{ENDING}") for number in range(3)])
    assert next(one for one in fetched.records if one["kind"] == "restore")["objects"]["fetched"] == 3
    # archived again: nothing is lost, so nothing has lapsed
    again = lab.restore(states.head(states.ARCHIVED, ENDING), states.accepted())
    assert set(found(again).values()) == {"restore-waiting"}


def test_what_is_archived_again_before_it_was_fetched_is_asked_for_once_more_and_then_named(lab: Lab) -> None:
    assert lab.restore().code == 8
    name = f"p0{ENDING}"
    refused = states.refusal(403, "InvalidObjectState", "GET", name, times=1)
    lapsed = states.head(states.ARCHIVED, name, times=1)
    result = lab.wait(refused, lapsed, states.accepted())
    assert result.state == "finished"
    assert lab.asked()["POST"] == 1
    assert tree_of(lab.back) == tree_of(lab.source)


def test_archived_again_twice_it_is_named_and_not_asked_for(lab: Lab) -> None:
    assert lab.restore().code == 8
    name = f"p0{ENDING}"
    refused = states.refusal(403, "InvalidObjectState", "GET", name)
    result = lab.wait(refused, states.head(states.ARCHIVED, name), states.accepted())
    assert result.state == "incomplete"
    assert (result.tally.done.objects, result.tally.failed.objects, result.tally.waiting) == (2, 1, 0)
    assert lab.asked()["POST"] == 1
    with open_destination(StoreSpec(lab.back.as_uri(), Profile())).ledger(create=False) as ledger:
        assert [one.kind for one in ledger.findings.of_run(result.run)] == ["restore-expired"]
    ended = lab.restore(states.head(states.ARCHIVED, name), states.accepted())
    assert found(ended) == {f"data/{name}": "restore-waiting"}  # who has seen it may ask afresh


def test_a_class_that_flips_between_head_and_get_is_asked_for_again_once(lab: Lab) -> None:
    assert lab.restore().code == 8
    name = f"p1{ENDING}"
    result = lab.wait(
        states.refusal(403, "InvalidObjectState", "GET", name),
        states.head(states.ready(time.time() + DAY), name),
        states.accepted(),
    )
    assert result.state == "incomplete"
    assert lab.asked()["POST"] == 1
    assert result.tally.done.objects == 2


def test_a_line_that_breaks_while_it_waits_ends_nothing(lab: Lab) -> None:
    assert lab.restore().code == 8
    archived = states.refusal(403, "InvalidObjectState", "GET", ENDING, times=3)
    waiting = [states.head(states.WAITING, f"p{number}{ENDING}", times=1) for number in range(3)]
    broken = Fault("status", method="HEAD", contains=ENDING, first=5, times=12, status=503, body=b"")
    assert lab.wait(archived, *waiting, broken).state == "finished"
    assert tree_of(lab.back) == tree_of(lab.source)


def test_ctrl_c_while_it_waits_ends_with_130_and_resume_goes_on(lab: Lab) -> None:
    assert lab.restore().code == 8
    refused = states.refusal(403, "InvalidObjectState", "GET", f"p2{ENDING}")
    waiting = states.head(states.WAITING, f"p2{ENDING}")
    words = ["get", lab.url, str(lab.back), "--unseal", "--wait", *lab.key, "--yes"]
    with states.playing(lab.proxy, refused, waiting):
        process = subprocess.Popen(
            [sys.executable, "-m", "bondstore", *words], env=dict(os.environ), stderr=subprocess.PIPE, text=True
        )
        wait_until(lambda: waiting.matched > 0 and (lab.back / "p1.edf").exists())
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "bondstore run resume" in said
    assert sorted(tree_of(lab.back)) == ["p0.edf", "p1.edf"]
    assert lab.cli("run", "resume", "last", "--dest", str(lab.back)).code == 0
    assert tree_of(lab.back) == tree_of(lab.source)


def test_killed_at_any_instant_while_it_waits(lab: Lab) -> None:
    """Each object is asked for once, whichever command asked; what was fetched is not fetched again."""
    rng, landed = random.Random(5), 0
    words = ["get", lab.url, str(lab.back), "--unseal", "--wait", *lab.key, "--yes"]
    refused = [states.refusal(403, "InvalidObjectState", "GET", f"p{number}{ENDING}") for number in (1, 2)]
    waiting = [states.head(states.WAITING, f"p{number}{ENDING}") for number in (1, 2)]
    assert lab.restore().code == 8
    assert lab.asked()["POST"] == 3
    for _ in range(kills_of(25)):
        with states.playing(lab.proxy, *refused, *waiting):
            for word in (words, ["restore", lab.url, "--yes"]):
                process = subprocess.Popen(
                    [sys.executable, "-m", "bondstore", *word],
                    env=dict(os.environ),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                time.sleep(rng.uniform(0.3, 3))
                process.kill()
                landed += process.wait() == -signal.SIGKILL
            assert lab.asked()["POST"] == 0
    assert landed
    assert lab.get(words=("--wait",)).code == 0
    assert lab.asked()["POST"] == 0
    assert tree_of(lab.back) == tree_of(lab.source)
    assert not (lab.back / ".bondstore/tmp").exists()
