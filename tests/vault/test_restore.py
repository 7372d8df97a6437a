"""`bondstore restore`: every stage and every way between them, played by a proxy; what it asks for, and how it ends."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from bondstore.ledger import personal_path
from bondstore.stores import open_store
from bondstore.stores.archive import Access, Answer
from bondstore.vault.restore import note_fetched, prepare
from bondstore.vault.restore_rules import ASKS, RULES, STAGES, Found, Stage, rule_of
from tests.cli.conftest import Call, Result, cli
from tests.homes import home
from tests.servers import archive_states as states
from tests.servers.azurite import ACCOUNT_KEY, Azurite
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.moto import Moto
from tests.servers.seaweedfs import SeaweedFS

__all__ = ["cli", "home"]

DAY = 86_400


def test_every_stage_has_one_rule_for_all_that_it_can_be_told() -> None:
    for before, told in [
        *product([Stage.NEW, *(one for one in STAGES if one not in (Stage.TO_ASK, Stage.TO_MOVE))], Access),
    ]:
        assert rule_of(before, "HEAD", told).then in STAGES
    for before, answer in product(ASKS, Answer):
        assert rule_of(before, "restore", answer).then in STAGES
    for before, found in product((Stage.READY, Stage.READY_AGAIN), Found):
        assert rule_of(before, "GET", found).then in STAGES
    told_once = Counter(
        (one, rule.source, type(told), told) for rule in RULES for one in rule.before for told in rule.told
    )
    assert set(told_once.values()) == {1}
    # `unknown` is where nothing was told, `to-move` is the same as `to-ask`
    reached = {rule.then for rule in RULES}
    assert {*STAGES} - reached == {Stage.UNKNOWN, Stage.TO_MOVE, Stage.TO_MOVE_AGAIN}


@dataclass
class Lab:
    """An archive behind a proxy, and the command line."""

    url: str
    proxy: FaultyProxy
    cli: Call
    client: Any = None
    keys: tuple[str, ...] = ()
    faults: list[Fault] = field(default_factory=list)

    def fill(self, number: int = 3, storage_class: str = "GLACIER") -> None:
        """Put archived objects there."""
        self.keys = tuple(f"lab/p{one}.edf" for one in range(number))
        for key in self.keys:
            self.client.put_object(Bucket="archive", Key=key, Body=b"edf" * 40, StorageClass=storage_class)

    def restore(self, *faults: Fault, words: tuple[str, ...] = ("--yes", "--json")) -> Result:
        """Run the command while the proxy plays some states."""
        with states.playing(self.proxy, *faults):
            return self.cli("restore", self.url, *words)

    def asked(self) -> Counter[str]:
        """Count the requests of the last run for objects, by method."""
        return Counter(one.method for one in self.proxy.seen if ".edf" in one.path)


def found(result: Result) -> dict[str, str]:
    return {one["key"]: one["finding"] for one in result.records if one["kind"] == "finding"}


def counts(result: Result) -> dict[str, int]:
    [about] = [one for one in result.records if one["kind"] == "restore"]
    counted: dict[str, int] = about["objects"]
    tally = result.records[-1]
    assert tally["kind"] == "tally"
    assert tally["planned"] == tally["done"] + tally["skipped"] + tally["quarantined"] + tally["failed"]
    assert tally["planned"] == sum(counted.values())
    return counted


@pytest.fixture
def lab(moto_server: Moto, moto: str, cli: Call, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A bucket of moto behind a proxy."""
    with FaultyProxy(moto) as proxy:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_REGION", moto_server.region)
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        client = moto_server.client("s3")
        client.create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": moto_server.region})
        yield Lab("s3://archive/lab", proxy, cli, client)


def test_asked_once_waited_for_with_one_head_each_and_proved_by_a_byte(lab: Lab) -> None:
    lab.fill()
    lab.client.put_object(Bucket="archive", Key="lab/plain.edf", Body=b"x")
    waiting = [states.head(states.WAITING, f"p{one}.edf") for one in range(3)]

    first = lab.restore()
    assert first.code == 8
    assert counts(first) == {"asked": 3, "plain": 1}
    assert set(found(first).values()) == {"restore-waiting"}
    assert lab.asked() == {"HEAD": 4, "POST": 3}

    for _ in range(2):
        again = lab.restore(*waiting)
        assert again.code == 8
        assert counts(again) == {"waiting": 3, "plain": 1}
        assert lab.asked() == {"HEAD": 4}

    ready = lab.restore()  # moto had them ready all the time
    assert ready.code == 0
    assert counts(ready) == {"ready": 3, "plain": 1}
    assert lab.asked() == {"HEAD": 4, "GET": 3}
    assert {one.range for one in lab.proxy.seen if one.method == "GET" and ".edf" in one.path} == {"bytes=0-0"}

    still = lab.restore()
    assert still.code == 0
    assert counts(still) == {"ready": 3, "plain": 1}
    assert lab.asked() == {"HEAD": 4}
    # the bucket has what was there before, and nothing else
    assert lab.client.list_objects_v2(Bucket="archive")["KeyCount"] == 4


def test_a_dry_run_asks_for_nothing_and_so_does_who_does_not_agree(lab: Lab) -> None:
    lab.fill()
    planned = lab.restore(words=("--dry-run", "--json"))
    assert planned.code == 0
    [record] = planned.records
    assert record["found"] == {"to-ask": {"objects": 3, "bytes": 360}}
    assert record["ask"] == [{"class": "GLACIER", "objects": 3, "bytes": 360, "minutes": [300, 720]}]
    assert record["requests"] == {"restore": 3}
    assert lab.asked() == {"HEAD": 3}
    refused = lab.restore(words=("--json",))
    assert refused.code == 2
    assert lab.asked() == {"HEAD": 3}
    shown = lab.restore(words=("--dry-run", "--tier", "standard", "--days", "30"))
    assert "GLACIER: 3 objects (360 B), readable 3 to 5 hours after the request." in shown.err
    assert "Requests: 3 to restore (standard)" in shown.err
    assert "30 days" in shown.err
    assert "Nothing was asked for." in shown.err


def test_what_expired_before_it_was_fetched_is_asked_for_once_more_then_named(lab: Lab) -> None:
    lab.fill(1)
    now = time.time()
    assert lab.restore().code == 8
    assert lab.restore().code == 0  # ready, and gone before anybody fetched it

    lapsed = lab.restore(states.head(states.ARCHIVED, ".edf"), states.accepted())
    assert lapsed.code == 8
    assert found(lapsed) == {"p0.edf": "restore-lapsed"}
    assert lab.asked() == {"HEAD": 1, "POST": 1}
    assert counts(lab.restore(states.head(states.WAITING, ".edf"))) == {"waiting": 1}

    named = lab.restore(states.head(states.ready(now - 5), ".edf"), states.accepted())
    assert named.code == 5
    assert found(named) == {"p0.edf": "restore-expired"}
    assert lab.asked() == {"HEAD": 1}
    # who has seen that may ask for it again
    afresh = lab.restore(states.head(states.ARCHIVED, ".edf"), states.accepted())
    assert afresh.code == 8
    assert counts(afresh) == {"asked": 1}
    assert found(afresh) == {"p0.edf": "restore-waiting"}


def test_what_was_fetched_is_not_lost_when_it_is_archived_again(lab: Lab) -> None:
    lab.fill(2)
    assert lab.restore().code == 8
    assert lab.restore().code == 0
    store = open_store(prepare(lab.url).store)
    note_fetched(store.spec, {"p0.edf": store.head("p0.edf").etag, "p1.edf": "another version", "never.edf": "x"})
    still = lab.restore()
    assert still.code == 0
    assert counts(still) == {"fetched": 1, "ready": 1}
    assert lab.asked() == {"HEAD": 2}
    archived = lab.restore(states.head(states.ARCHIVED, ".edf"), states.accepted())
    assert found(archived) == {"p0.edf": "restore-waiting", "p1.edf": "restore-lapsed"}
    [folder] = (personal_path().parent / "restores").iterdir()
    assert lab.cli("audit", "verify", "--dest", str(folder), "--files").code == 0


def test_a_copy_that_ended_and_that_nobody_here_asked_for_is_new(lab: Lab) -> None:
    lab.fill(1)
    first = lab.restore(states.head(states.ready(time.time() - 5), ".edf"), states.accepted())
    assert first.code == 8
    assert found(first) == {"p0.edf": "restore-waiting"}


def test_a_class_that_flips_between_head_and_get_is_asked_for_again_once(lab: Lab) -> None:
    lab.fill(1)
    ready = states.head(states.ready(time.time() + DAY), ".edf")
    refusal = states.refusal(403, "InvalidObjectState", "GET", ".edf")
    flipped = lab.restore(ready, refusal, states.accepted())
    assert flipped.code == 8
    assert found(flipped) == {"p0.edf": "restore-flipped"}
    assert lab.asked() == {"HEAD": 1, "GET": 1, "POST": 1}
    again = lab.restore(ready, refusal, states.accepted())
    assert again.code == 5
    assert found(again) == {"p0.edf": "restore-expired"}
    assert lab.asked() == {"HEAD": 1, "GET": 1}


@pytest.mark.parametrize(
    ("status", "code", "exit_code", "word", "finding"),
    [
        (409, "RestoreAlreadyInProgress", 8, "asked", "restore-waiting"),
        (403, "InvalidObjectState", 5, "refused", "restore-refused"),
        (503, "GlacierExpeditedRetrievalNotAvailable", 5, "full", "restore-no-capacity"),
    ],
)
def test_each_answer_ends_as_the_rules_say(
    lab: Lab, status: int, code: str, exit_code: int, word: str, finding: str
) -> None:
    lab.fill(2)
    ended = lab.restore(states.refusal(status, code), words=("--yes", "--json", "--tier", "expedited"))
    assert ended.code == exit_code
    assert counts(ended) == {word: 2}
    assert set(found(ended).values()) == {finding}
    assert lab.asked() == {"HEAD": 2, "POST": 2}
    # the next run begins anew with those that were not taken
    assert lab.restore().code == 8


def test_one_that_is_refused_does_not_stop_the_others_and_all_refused_is_an_error(lab: Lab) -> None:
    lab.fill(3)
    some = lab.restore(states.refusal(403, "AccessDenied", contains="p1.edf?restore"))
    assert some.code == 5
    assert counts(some) == {"asked": 2, "refused": 1}
    assert found(some)["p1.edf"] == "restore-refused"
    assert any("AccessDenied" in one["message"] for one in some.records if one["kind"] == "finding")
    lab.fill(3)  # other versions: they are new
    everything = lab.restore(states.refusal(403, "AccessDenied"))
    assert everything.code == 4
    assert "AccessDenied" in everything.out


def test_a_busy_store_is_tried_again(lab: Lab) -> None:
    lab.fill(2)
    assert lab.restore(states.refusal(503, "SlowDown", times=3)).code == 8
    assert lab.asked() == {"HEAD": 2, "POST": 5}


def test_an_object_that_no_head_explains_is_named_and_the_others_are_asked_for(lab: Lab) -> None:
    lab.fill(2)
    silent = Fault("status", method="HEAD", contains="p0.edf", times=99, status=403, body=b"")
    ended = lab.restore(silent)
    assert ended.code == 5
    assert counts(ended) == {"asked": 1, "refused": 1}
    gone = Fault("status", method="HEAD", contains="p0.edf", times=99, status=404, body=b"")
    ended = lab.restore(gone)
    assert ended.code == 5
    assert found(ended)["p0.edf"] == "gone"


def test_odd_keys_and_marks_of_folders_are_no_trouble(lab: Lab) -> None:
    for key in ("lab//odd.edf", "lab/ü +%25.edf"):
        lab.client.put_object(Bucket="archive", Key=key, Body=b"edf", StorageClass="GLACIER")
    lab.client.put_object(Bucket="archive", Key="lab/empty.edf", Body=b"", StorageClass="GLACIER")
    lab.client.put_object(Bucket="archive", Key="lab/folder/", Body=b"")
    assert counts(lab.restore()) == {"asked": 3}  # marks are not listed
    ended = lab.restore()
    assert ended.code == 0
    assert counts(ended) == {"ready": 3}


def test_nothing_there_and_nothing_archived(lab: Lab) -> None:
    assert lab.restore().code == 3
    lab.client.put_object(Bucket="archive", Key="lab/x.edf", Body=b"x", StorageClass="GLACIER_IR")
    plain = lab.restore(words=("--yes",))
    assert plain.code == 0
    assert "there is nothing to restore" in plain.err


def test_a_tier_that_a_class_lacks_is_refused_before_anything_is_asked(lab: Lab) -> None:
    lab.fill(1)
    lab.client.put_object(Bucket="archive", Key="lab/deep.edf", Body=b"x", StorageClass="DEEP_ARCHIVE")
    ended = lab.restore(words=("--yes", "--tier", "expedited"))
    assert ended.code == 2
    assert "DEEP_ARCHIVE are not restored by expedited requests" in ended.err
    assert lab.asked() == {"HEAD": 2}
    assert lab.restore(words=("--yes", "--tier", "soon")).code == 2


def test_a_read_only_profile_asks_for_nothing(lab: Lab) -> None:
    lab.fill(1)
    assert lab.cli("profile", "add", "lab", "--read-only", "--endpoint", lab.proxy.endpoint).code == 0
    ended = lab.restore(words=("--yes", "--profile", "lab"))
    assert ended.code == 6, ended.err
    assert lab.asked() == {"HEAD": 1}


def test_a_run_is_shown_taken_up_again_and_its_record_verified(lab: Lab) -> None:
    lab.fill(2)
    assert lab.restore().code == 8
    [folder] = (personal_path().parent / "restores").iterdir()
    shown = lab.cli("run", "show", "last", "--dest", str(folder))
    assert shown.code == 0
    assert "restore-waiting" in shown.out
    waiting = states.head(states.WAITING, ".edf")
    with states.playing(lab.proxy, waiting):
        assert lab.cli("run", "retry", "last", "--dest", str(folder)).code == 8
    assert lab.cli("run", "retry", "last", "--dest", str(folder)).code == 0
    assert lab.cli("audit", "verify", "--dest", str(folder), "--files").code == 0


def test_a_server_that_keeps_classes_as_names_says_so(cli: Call, seaweedfs: SeaweedFS, s3_environment: str) -> None:
    bucket = s3_environment.removeprefix("s3://")
    seaweedfs.client().put_object(Bucket=bucket, Key="x", Body=b"x", StorageClass="GLACIER")
    ended = cli("restore", s3_environment, "--yes")
    assert ended.code == 4
    assert "does not restore archived objects (MethodNotAllowed)" in ended.err
    assert "try to read the objects as they are" in ended.err


@pytest.fixture
def blobs(azurite: Azurite, cli: Call, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A container of Azurite behind a proxy, with an archived blob."""
    from bondstore.config.profiles import Profile
    from bondstore.config.secrets import SecretRef
    from bondstore.stores import open_store

    container = azurite.create_bucket(f"c-{uuid.uuid4().hex[:12]}")
    with FaultyProxy(azurite.endpoint) as proxy:
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", azurite.account)
        monkeypatch.setenv("AZURE_STORAGE_KEY", ACCOUNT_KEY)
        monkeypatch.setenv("TEST_AZURE_KEY", ACCOUNT_KEY)
        endpoint = f"{proxy.endpoint}/{azurite.account}"
        assert cli("profile", "add", "blobs", "--endpoint", endpoint, "--account", azurite.account,
                   "--account-key", "env:TEST_AZURE_KEY").code == 0  # fmt: skip
        profile = Profile(endpoint=endpoint, account=azurite.account, account_key=SecretRef.parse("env:TEST_AZURE_KEY"))
        open_store(f"az://{container}/lab", profile).put("ü/p0.edf", b"edf" * 40, storage_class="Archive")
        yield Lab(f"az://{container}/lab", proxy, cli)


def test_azure_brings_blobs_back_for_good(blobs: Lab) -> None:
    words = ("--yes", "--json", "--profile", "blobs")
    waiting = states.head(states.BLOB_WAITING, ".edf")
    planned = blobs.restore(words=("--dry-run", "--profile", "blobs"))
    assert "Archive: 1 object (120 B), readable up to 15 hours after the request." in planned.err
    assert "come back for good" in planned.err
    assert "180 days" in planned.err
    first = blobs.restore(states.accepted(202, "PUT", "comp=tier"), words=words)
    assert first.code == 8
    assert blobs.asked() == {"HEAD": 1, "PUT": 1}
    again = blobs.restore(waiting, words=words)
    assert again.code == 8
    assert blobs.asked() == {"HEAD": 1}
    # the rehydration was undone by a rule, and the next one works
    lapsed = blobs.restore(words=words)
    assert found(lapsed) == {"ü/p0.edf": "restore-lapsed"}
    back = blobs.restore(words=words)
    assert back.code == 0
    assert counts(back) == {"ready": 1}
    assert blobs.asked() == {"HEAD": 1, "GET": 1}


def test_azure_refuses_what_it_does_not_have(blobs: Lab) -> None:
    assert blobs.restore(words=("--yes", "--profile", "blobs", "--days", "3")).code == 2
    bulk = blobs.restore(words=("--yes", "--profile", "blobs", "--tier", "bulk"))
    assert bulk.code == 2
    assert "standard or expedited" in bulk.err
    assert blobs.asked() == {}


def test_a_folder_has_nothing_to_restore(cli: Call, tmp_path: Path) -> None:
    (tmp_path / "edf").mkdir()
    (tmp_path / "edf" / "x").write_bytes(b"x")
    ended = cli("restore", str(tmp_path / "edf"), "--yes")
    assert ended.code == 0
    assert "there is nothing to restore" in ended.err
    assert [one.name for one in (tmp_path / "edf").iterdir()] == ["x"]


def test_killed_at_any_instant_and_run_again_nothing_is_asked_for_twice(lab: Lab) -> None:
    lab.fill(40)
    command = [sys.executable, "-m", "bondstore", "restore", lab.url, "--yes"]
    rng = random.Random("restore 2026")
    lab.proxy.clear()
    landed = 0
    for chain in range(5):
        # slow enough that a kill comes in between: with every answer 20 ms late, a run takes about a second
        slow = [
            Fault("delay", method=one, contains=".edf", times=10_000, seconds=0.02) for one in ("HEAD", "POST", "GET")
        ]
        for one in slow:
            lab.proxy.add(one)
        seen = len(lab.proxy.seen)
        process = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        after = rng.randint(1, 45 + 10 * chain)
        give_up = time.monotonic() + 30
        while process.poll() is None and len(lab.proxy.seen) - seen < after and time.monotonic() < give_up:
            time.sleep(0.002)
        process.kill()
        landed += process.wait() == -signal.SIGKILL
        process.stderr.close()  # type: ignore[union-attr]
    assert landed >= 3
    first = lab.cli("restore", lab.url, "--yes", "--json")
    last = lab.cli("restore", lab.url, "--yes", "--json")
    assert first.code in (0, 8)
    assert last.code == 0
    assert counts(last) == {"ready": 40}
    # a request that a kill cut off is none; moto answers 202 to the first one, and 200 to who asks again
    posts = Counter((path, status) for method, path, status in lab.proxy.answers if method == "POST" and status < 300)
    assert {status for _, status in posts} == {202}
    assert len(posts) == 40
    assert set(posts.values()) == {1}
