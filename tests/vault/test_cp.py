"""`bondstore cp`: from any store to any other, as it is; a vault stays one; what cannot be copied is named."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.errors import BondstoreError, PolicyError, UsageError
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Threads
from bondstore.stores import Store, open_store
from bondstore.vault.addresses import is_vault
from bondstore.vault.cp import CopyJob
from bondstore.vault.uploading import Existing
from bondstore.vault.verify import VerifyJob, destination_of
from tests.cli.conftest import Call, cli
from tests.homes import home
from tests.kills import kills_of
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.moto import Moto
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import Rig, s3_profile
from tests.vault.conftest import Vault, tree_of

__all__ = ["cli", "home"]
KINDS = ("file", "s3", "az")


def places(request: pytest.FixtureRequest, kind: str, below: str) -> StoreSpec:
    rig: Rig = request.getfixturevalue(f"rig_of_{kind}")
    return StoreSpec(f"{rig.url}/{below}", rig.profile)


def copy(source: StoreSpec, dest: StoreSpec, existing: Existing = "error", *, retry: bool = False) -> RunResult:
    job = CopyJob(source, dest, vault=is_vault(source), existing=existing)
    return execute(job, open_destination(dest), Threads(2), retry=retry)


def content(store: Store) -> dict[str, bytes]:
    return {one.key: bytes(store.get(one.key).data) for one in store.list() if not one.key.startswith(".bondstore/")}


def objects(number: int = 1) -> dict[str, bytes]:
    rng = random.Random(number)
    sizes = {"empty": 0, "a/one.edf": 70_000, "a/ö/日本.txt": 9, "a b/c+d=e&f.gz": 300, "large.avi": 20_000_000}
    return {key: rng.randbytes(size) for key, size in sizes.items()}


def fill(spec: StoreSpec, given: dict[str, bytes]) -> Store:
    store = open_store(spec)
    for key, data in given.items():
        store.put(key, data)
    return store


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("origin", KINDS)
def test_from_any_store_to_any_other(origin: str, target: str, request: pytest.FixtureRequest, home: object) -> None:
    source, dest = places(request, origin, "from"), places(request, target, "to/here")
    given = objects()
    fill(source, given)
    done = copy(source, dest)
    assert (done.state, done.tally.done.objects, done.tally.done.bytes) == (
        "finished",
        5,
        sum(map(len, given.values())),
    )
    assert content(open_store(dest)) == given
    again = copy(source, dest)
    assert (again.state, again.tally.skipped.objects, again.tally.done.objects) == ("finished", 5, 0)
    fill(source, {"late": b"late"})
    assert copy(source, dest).tally.done.objects == 1
    assert content(open_store(dest)) == given | {"late": b"late"}


@pytest.mark.parametrize("target", KINDS)
def test_what_is_there_already(target: str, request: pytest.FixtureRequest, home: object) -> None:
    source, dest = places(request, "file", "from"), places(request, target, "to")
    fill(source, {"one": b"new", "two": b"two"})
    store = fill(dest, {"one": b"old", "three": b"three"})
    with pytest.raises(UsageError, match="has 1 object already that this copy would replace, the first one one"):
        copy(source, dest)
    assert content(store) == {"one": b"old", "three": b"three"}
    skipped = copy(source, dest, "skip")
    assert skipped.plan.left_out == {"there already": 1}
    assert content(store) == {"one": b"old", "two": b"two", "three": b"three"}
    assert copy(source, dest, "refresh").tally.done.objects == 1
    assert content(store) == {"one": b"new", "two": b"two", "three": b"three"}


def test_names_that_cannot_be_kept(
    seaweedfs: SeaweedFS, bucket: str, request: pytest.FixtureRequest, home: object, tmp_path: Path
) -> None:
    client, odd = seaweedfs.client(), ("from/back\\slash", "from/x" * 60 + "y" * 60, "from/.bondstoreX/fine")
    for key in (*odd, "from/good"):
        client.put_object(Bucket=bucket, Key=key, Body=b"1")
    client.put_object(Bucket=bucket, Key="from/" + "n" * 255, Body=b"1")
    source, dest = places(request, "s3", "from"), StoreSpec((tmp_path / "to").as_uri(), Profile())
    assert copy(source, dest).state == "finished"
    (tmp_path / "names").mkdir()
    for name in ("good", "line\nend", "back\\slash", os.fsdecode(b"\xff")):
        (tmp_path / "names" / name).write_bytes(b"1")
    back, names = places(request, "s3", "back"), StoreSpec((tmp_path / "names").as_uri(), Profile())
    done = copy(names, back)
    assert (done.state, done.tally.done.objects, done.tally.failed.objects) == ("incomplete", 1, 3)
    with open_destination(back).ledger(create=False) as ledger:
        assert {one.kind for one in ledger.findings.of_run(done.run)} == {"name-not-kept"}
    assert set(content(open_store(back))) == {"good"}


def test_names_that_only_a_store_can_have(moto_server: Moto, moto: str, home: object, tmp_path: Path) -> None:
    client, profile = moto_server.client("s3"), s3_profile(moto, region=moto_server.region)
    client.create_bucket(Bucket="names", CreateBucketConfiguration={"LocationConstraint": moto_server.region})
    for key in ("a", "a-x", "a/b", "c//d", "x/", "y/./z", "../up", ".bondstore.x", "ok"):
        client.put_object(Bucket="names", Key=f"from/{key}", Body=b"1")
    source, dest = StoreSpec("s3://names/from", profile), StoreSpec((tmp_path / "to").as_uri(), Profile())
    for _ in range(2):
        done = copy(source, dest)
        assert done.state == "incomplete"
        with open_destination(dest).ledger(create=False) as ledger:
            found = {one.key: one.kind for one in ledger.findings.of_run(done.run)}
        assert found == dict.fromkeys(("a/b", "c//d", "x/", "y/./z", "../up"), "name-not-kept")
        assert sorted(tree_of(tmp_path / "to")) == [".bondstore.x", "a", "a-x", "ok"]
    taken = StoreSpec((tmp_path / "taken").as_uri(), Profile())
    (tmp_path / "taken/ok").mkdir(parents=True)
    assert copy(source, taken).tally.failed.objects == 6
    assert sorted(tree_of(tmp_path / "taken")) == [".bondstore.x", "a", "a-x"]


def test_never_into_itself(home: object, tmp_path: Path) -> None:
    source = StoreSpec((tmp_path / "a").as_uri(), Profile())
    fill(source, {"b/one": b"1"})
    for place in ("a", "a/b", "a/b/new", "."):
        dest = StoreSpec((tmp_path / place).as_uri(), Profile())
        with pytest.raises(PolicyError):
            copy(source, dest)
        with pytest.raises(PolicyError):
            execute(CopyJob(source, replace(dest, url=f"{source.url}/b"), "b/one"), open_destination(dest), Threads(1))
    assert sorted(tree_of(tmp_path / "a")) == ["b/one"]


def test_within_a_bucket_nothing_is_sent(
    seaweedfs: SeaweedFS, bucket: str, keys_in_environment: None, home: object
) -> None:
    given = objects()
    seaweedfs.client().put_object(
        Bucket=bucket, Key="from/typed", Body=b"text", ContentType="text/x-test", Metadata={"device": "eeg-7"}
    )
    with FaultyProxy(seaweedfs.endpoint) as proxy:
        profile = s3_profile(proxy.endpoint)
        source, dest = (StoreSpec(f"s3://{bucket}/{name}", profile) for name in ("from", "to"))
        fill(source, given)
        proxy.clear()
        assert copy(source, dest).state == "finished"
        assert content(open_store(dest)) == given | {"typed": b"text"}
        assert not [one for one in proxy.seen if "uploads" in one.query and ".bondstore/" not in one.path]
    kept = seaweedfs.client().head_object(Bucket=bucket, Key="to/typed")
    assert (kept["ContentType"], kept["Metadata"]) == ("text/x-test", {"device": "eeg-7"})


@pytest.mark.parametrize(
    ("where", "first", "answered", "kind"),
    [
        ("/from/a/one.edf", 1, {"ETag": f'"{"0" * 32}"'}, "not-fetched"),
        ("/from/a/one.edf", 2, {"ETag": f'"{"0" * 32}"'}, "not-fetched"),
        ("/to/a/one.edf", 1, {"ETag": f'"{"0" * 32}"'}, "wrong-checksum"),
        ("/to/a/one.edf", 1, {"Content-Length": "69999"}, "wrong-checksum"),
    ],
    ids=["replaced before", "replaced meanwhile", "another copy", "a short copy"],
)
def test_within_a_bucket_what_is_not_what_was_listed_leaves_no_copy(
    seaweedfs: SeaweedFS, bucket: str, keys_in_environment: None, home: object,
    where: str, first: int, answered: dict[str, str | None], kind: str,
) -> None:  # fmt: skip
    with FaultyProxy(seaweedfs.endpoint) as proxy:
        profile = s3_profile(proxy.endpoint)
        source, dest = (StoreSpec(f"s3://{bucket}/{name}", profile) for name in ("from", "to"))
        given = objects()
        fill(source, given)
        fault = proxy.add(Fault("headers", method="HEAD", contains=where, first=first, headers=answered))
        done = copy(source, dest)
        assert fault.matched >= first
        proxy.clear()
        assert done.state == "incomplete"
        with open_destination(dest).ledger(create=False) as ledger:
            assert [(one.key, one.kind) for one in ledger.findings.of_run(done.run)] == [("a/one.edf", kind)]
        del given["a/one.edf"]
        assert content(open_store(dest)) == given


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    rng, root = random.Random(5), tmp_path / "source"
    for name, size in {"a.edf": 100_000, "p 1/b.edf": 300_001, "ö/line\nend%": 10, "large.avi": 9_500_000}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(rng.randbytes(size))
    return root


def verified(vault: StoreSpec) -> RunResult:
    job = VerifyJob(vault, share=1.0)
    return execute(job, destination_of(job), Threads(2))


@pytest.mark.parametrize("target", KINDS)
def test_a_vault_stays_one(
    vault: Vault, target: str, tree: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    vault.put(tree)
    dest = places(request, target, "copy")
    done = copy(vault.spec, dest)
    assert done.state == "finished"
    assert verified(dest).state == "finished"
    assert content(open_store(dest)) == content(open_store(vault.spec))
    copied = replace(vault, spec=dest)
    copied.get(tmp_path / "back")
    assert tree_of(tmp_path / "back") == tree_of(tree)
    (tree / "new.edf").write_bytes(b"new")
    vault.put(tree)
    assert copy(vault.spec, dest).state == "finished"
    assert verified(dest).tally.done.objects == 5
    open_store(dest).delete("manifests/000002.jsonl")
    with pytest.raises(BondstoreError, match="was there before"):
        verified(dest)


def test_a_vault_that_was_changed(vault: Vault, tree: Path, tmp_path: Path) -> None:
    vault.put(tree)
    store = open_store(vault.spec)
    store.put("data/a.edf.c4gh", b"?" * len(store.get("data/a.edf.c4gh").data))
    store.put("data/foreign.c4gh", b"foreign")
    store.delete("data/p 1/b.edf.c4gh")
    dest = StoreSpec((tmp_path / "copy").as_uri(), Profile())
    done = copy(vault.spec, dest)
    assert done.state == "incomplete"
    with open_destination(dest).ledger(create=False) as ledger:
        found = {one.key: one.kind for one in ledger.findings.of_run(done.run)}
    expected = {"a.edf": "not-proved", "foreign": "not-in-manifest", "p 1/b.edf": "missing"}
    assert found == {f"data/{name}.c4gh": kind for name, kind in expected.items()}
    assert not {f"data/{name}.c4gh" for name in expected} & set(tree_of(tmp_path / "copy"))


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_list_of_contents_that_was_changed_or_is_gone(
    vault: Vault, tree: Path, tmp_path: Path, *, is_gone: bool
) -> None:
    """Without it nothing of what it lists can be decrypted and proved."""
    vault.put(tree)
    store = open_store(vault.spec)
    [name] = [one.key for one in store.list("manifests/lists")]
    store.delete(name) if is_gone else store.put(name, bytes(store.get(name).data)[:-1] + b"?")
    dest = StoreSpec((tmp_path / "copy").as_uri(), Profile())
    done = copy(vault.spec, dest)
    assert (done.state, done.tally.done.objects) == ("incomplete", len(content(store)) - (not is_gone))
    with open_destination(dest).ledger(create=False) as ledger:
        found = {one.key: one.kind for one in ledger.findings.of_run(done.run)}
    assert found == {name: "missing" if is_gone else "not-proved"}
    assert name not in tree_of(tmp_path / "copy")


def test_a_destination_that_is_another_vault(vault: Vault, tree: Path, tmp_path: Path) -> None:
    vault.put(tree)
    other = replace(vault, spec=StoreSpec((tmp_path / "other").as_uri(), Profile()))
    (tmp_path / "little").mkdir()
    (tmp_path / "little/one").write_bytes(b"1")
    other.put(tmp_path / "little")
    before = tree_of(tmp_path / "other")
    for source in (vault.spec, StoreSpec((tmp_path / "little").as_uri(), Profile())):
        with pytest.raises(UsageError, match="vault"):
            copy(source, other.spec, "refresh")
    assert tree_of(tmp_path / "other") == before


def test_the_command(cli: Call, tmp_path: Path) -> None:
    root = tmp_path / "source"
    for key, data in objects().items():
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_bytes(data)
    to = str(tmp_path / "to")
    planned = cli("cp", str(root), to, "-r", "--dry-run", "--json")
    assert (planned.code, planned.records[-1]["todo"]) == (0, 5)
    assert not (tmp_path / "to").exists()
    assert cli("cp", str(root), to, "--yes").code == 2  # without -r
    assert cli("cp", str(root / "none"), to, "--yes").code == 2
    assert cli("cp", str(tmp_path / "none"), to, "-r", "--yes").code == 3
    assert cli("cp", str(root), to, "-r", "--existing", "maybe", "--yes").code == 2
    assert cli("cp", str(root), to, "-r", "--yes").code == 0
    assert tree_of(tmp_path / "to") == tree_of(root)
    assert cli("audit", "verify", "--files", "--dest", to).code == 0
    assert cli("run", "resume", "last", "--dest", to).code == 0
    one = cli("cp", str(root / "a/one.edf"), str(tmp_path / "one"), "--yes", "--json")
    assert (one.code, one.records[-1]["done"]) == (0, 1)
    assert tree_of(tmp_path / "one") == {"one.edf": objects()["a/one.edf"]}
    (tmp_path / "empty").mkdir()
    assert cli("cp", str(tmp_path / "empty"), str(tmp_path / "no"), "-r", "--yes").code == 3
    assert not (tmp_path / "no").exists() or not tree_of(tmp_path / "no")


@pytest.mark.parametrize("target", ["file", "s3"])
def test_killed_at_any_instant(target: str, home: object, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = request.getfixturevalue("s3_environment") + "/to" if target == "s3" else (tmp_path / "to").as_uri()
    rng, root = random.Random(os.environ.get("VAULT_KILLS_SEED", "7")), tmp_path / "source"
    root.mkdir()
    for number in range(40):
        (root / f"{number}.edf").write_bytes(rng.randbytes(rng.choice([0, 10, 70_000, 900_000])))
    (root / "large.avi").write_bytes(rng.randbytes(60_000_000))
    line = [sys.executable, "-m", "bondstore", "cp", str(root), url, "-r", "--yes"]
    landed = 0
    for attempt in range(kills_of(8)):
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(rng.uniform(0.4, 2.5) if attempt else 0.5)  # the first comes before it can have ended
        process.kill()
        process.communicate()
        landed += process.returncode == -signal.SIGKILL
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    assert (landed > 0, done.returncode) == (True, 0), done.stderr
    if target == "file":
        assert tree_of(tmp_path / "to") == tree_of(root)
        assert not (tmp_path / "to/.bondstore/tmp").exists()
    else:
        server, name = request.getfixturevalue("seaweedfs"), request.getfixturevalue("bucket")
        found = content(open_store(StoreSpec(url, s3_profile(server.endpoint))))
        assert found == tree_of(root)
        assert not server.client().list_multipart_uploads(Bucket=name).get("Uploads", [])


def test_archived_objects_and_storage_classes(
    cli: Call, moto_server: Moto, moto: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in (("ACCESS_KEY_ID", "testing"), ("SECRET_ACCESS_KEY", "testing"), ("REGION", moto_server.region)):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    client, bucket = moto_server.client("s3"), f"cp-{os.urandom(4).hex()}"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": moto_server.region})
    for key, size in (("small", 10), ("large", 9_000_000)):
        client.put_object(Bucket=bucket, Key=f"from/{key}", Body=bytes(size))
    assert cli("cp", f"s3://{bucket}/from", f"s3://{bucket}/cold", "-r", "--class", "glacier", "--yes").code == 0
    kept = {key: client.head_object(Bucket=bucket, Key=f"cold/{key}").get("StorageClass") for key in ("small", "large")}
    assert kept == {"small": "GLACIER", "large": "GLACIER"}
    for place in (str(tmp_path / "back"), f"s3://{bucket}/back"):
        told = cli("cp", f"s3://{bucket}/cold", place, "-r", "--yes", "--json")
        assert told.code == 8, told
        assert {one["finding"] for one in told.records if one["kind"] == "finding"} == {"archived"}
    assert cli("cp", f"s3://{bucket}/from", str(tmp_path / "x"), "-r", "--class", "glacier", "--yes").code == 2
