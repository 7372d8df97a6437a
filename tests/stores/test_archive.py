"""Storage classes: written, told by HEAD, asked for; the states that no emulator has are played by a proxy."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
import uuid
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from bondstore.config.profiles import Profile
from bondstore.config.secrets import SecretRef
from bondstore.errors import (
    ArchivedError,
    ConfigurationError,
    CredentialsError,
    NotFoundError,
    TransientStoreError,
    UsageError,
)
from bondstore.stores import Store, open_store
from bondstore.stores.archive import CLASSES, Access, Answer, Speed, Standing, find_class
from tests.servers import archive_states as states
from tests.servers.azurite import Azurite
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.moto import Moto
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import QUICK, Rig, azure_profile, s3_profile

MIB = 1024 * 1024
DAY = 86_400


@pytest.fixture
def glacier(moto_server: Moto, moto: str) -> Iterator[tuple[Store, FaultyProxy]]:
    """A bucket of moto, which refuses archived objects and restores them, behind a proxy."""
    with FaultyProxy(moto) as proxy:
        moto_server.client("s3").create_bucket(
            Bucket="archive", CreateBucketConfiguration={"LocationConstraint": moto_server.region}
        )
        profile = s3_profile(proxy.endpoint, region=moto_server.region)
        yield open_store("s3://archive/lab", profile, rule=QUICK), proxy


@pytest.fixture
def blobs(azurite: Azurite) -> Iterator[tuple[Store, FaultyProxy]]:
    """A container of Azurite behind a proxy."""
    container = azurite.create_bucket(f"c-{uuid.uuid4().hex[:12]}")
    with FaultyProxy(azurite.endpoint) as proxy:
        profile = azure_profile(azurite, endpoint=f"{proxy.endpoint}/{azurite.account}")
        yield open_store(f"az://{container}/lab", profile, rule=QUICK), proxy


def test_the_table_has_the_numbers_of_the_vendors_pages() -> None:
    glacier, deep, blob = find_class("s3", "GLACIER"), find_class("s3", "DEEP_ARCHIVE"), find_class("az", "Archive")
    assert glacier is not None
    assert deep is not None
    assert blob is not None
    assert (glacier.stay, deep.stay, blob.stay) == (90, 180, 180)
    assert dict(glacier.waits) == {Speed.BULK: (300, 720), Speed.STANDARD: (180, 300), Speed.EXPEDITED: (1, 5)}
    assert Speed.EXPEDITED not in deep.waits
    assert Speed.BULK not in blob.waits
    assert {one.name for one in CLASSES if one.is_archive and one.written} == {"GLACIER", "DEEP_ARCHIVE", "Archive"}


@pytest.mark.parametrize("size", [5, 9 * MIB])
def test_an_archived_object_of_s3_is_asked_for_and_read(glacier: tuple[Store, FaultyProxy], size: int) -> None:
    store, proxy = glacier
    data = os.urandom(size)
    store.put("a ü/x.edf", data, storage_class="GLACIER")
    assert store.standing("a ü/x.edf") == Standing(Access.ARCHIVED, "GLACIER")
    with pytest.raises(ArchivedError, match=r"a ü/x\.edf is archived.*bondstore restore"):
        store.get("a ü/x.edf")
    proxy.clear()
    assert store.ask_for("a ü/x.edf", Speed.BULK, 3) is Answer.ASKED
    assert [one.method for one in proxy.seen] == ["POST"]
    assert store.ask_for("a ü/x.edf", Speed.BULK, 3) is Answer.READY
    ready = store.standing("a ü/x.edf")
    assert ready.access is Access.READY
    assert ready.until_ms is not None
    assert abs(ready.until_ms / 1000 - time.time() - 3 * DAY) < DAY
    assert bytes(store.get("a ü/x.edf").data) == data
    # a body cut at a byte is completed, of a restored copy too
    proxy.add(Fault("cut", contains="x.edf", after=2))
    assert bytes(store.get("a ü/x.edf").data) == data


def test_a_stream_is_written_with_its_class(glacier: tuple[Store, FaultyProxy]) -> None:
    store, _ = glacier
    store.put_stream("x", iter([b"a" * (5 * MIB), b"b" * (5 * MIB)]), storage_class="deep_archive")
    assert store.standing("x") == Standing(Access.ARCHIVED, "DEEP_ARCHIVE")


def test_a_class_that_is_read_at_once_is_plain_and_not_restored(glacier: tuple[Store, FaultyProxy]) -> None:
    store, _ = glacier
    store.put("ir", b"x", storage_class="GLACIER_IR")
    store.put("none", b"x")
    assert store.standing("ir") == Standing(Access.PLAIN, "GLACIER_IR")
    assert store.standing("none") == Standing(Access.PLAIN, "STANDARD")
    assert store.ask_for("ir", Speed.BULK, 3) is Answer.REFUSED
    with pytest.raises(NotFoundError):
        store.standing("nothing")
    with pytest.raises(NotFoundError):
        store.ask_for("nothing", Speed.BULK, 3)


def test_every_state_that_a_head_of_s3_can_tell(glacier: tuple[Store, FaultyProxy]) -> None:
    store, proxy = glacier
    store.put("x", b"x", storage_class="GLACIER")
    now = int(time.time())
    for headers, expected in [
        (states.ARCHIVED, Standing(Access.ARCHIVED, "GLACIER")),
        (states.WAITING, Standing(Access.WAITING, "GLACIER")),
        (states.ready(now + 2 * DAY), Standing(Access.READY, "GLACIER", (now + 2 * DAY) * 1000)),
        (states.ready(now - 60), Standing(Access.EXPIRED, "GLACIER", (now - 60) * 1000)),
        # INTELLIGENT_TIERING says by another header where an object is; once it is back, that is gone
        (
            {"x-amz-storage-class": "INTELLIGENT_TIERING", "x-amz-archive-status": "DEEP_ARCHIVE_ACCESS"},
            Standing(Access.ARCHIVED, "DEEP_ARCHIVE_ACCESS"),
        ),
        ({"x-amz-storage-class": "INTELLIGENT_TIERING"}, Standing(Access.PLAIN, "INTELLIGENT_TIERING")),
    ]:
        with states.playing(proxy, states.head(headers, "/x")):
            assert store.standing("x") == expected
            assert [one.method for one in proxy.seen] == ["HEAD"]


def test_expiry_is_judged_by_the_servers_clock(glacier: tuple[Store, FaultyProxy]) -> None:
    store, proxy = glacier
    store.put("x", b"x", storage_class="GLACIER")
    now = int(time.time())
    late = {**states.ready(now + 60), "date": "Fri, 01 Jan 2100 00:00:00 GMT"}
    with states.playing(proxy, states.head(late, "/x")):
        assert store.standing("x").access is Access.EXPIRED


@pytest.mark.parametrize(
    ("status", "code", "answer"),
    [
        (409, "RestoreAlreadyInProgress", Answer.WAITING),
        (403, "InvalidObjectState", Answer.REFUSED),
        (503, "GlacierExpeditedRetrievalNotAvailable", Answer.FULL),
    ],
)
def test_every_answer_of_s3_to_who_asks_is_told_at_once(
    glacier: tuple[Store, FaultyProxy], status: int, code: str, answer: Answer
) -> None:
    store, proxy = glacier
    store.put("x", b"x", storage_class="GLACIER")
    with states.playing(proxy, states.refusal(status, code)):
        assert store.ask_for("x", Speed.EXPEDITED, 1) is answer
        assert len(proxy.seen) == 1


def test_a_busy_server_is_asked_again_and_in_the_end_named(glacier: tuple[Store, FaultyProxy]) -> None:
    store, proxy = glacier
    store.put("x", b"x", storage_class="GLACIER")
    with states.playing(proxy, states.refusal(503, "SlowDown", times=2)):
        assert store.ask_for("x", Speed.BULK, 1) is Answer.ASKED
        assert len(proxy.seen) == 3
    with states.playing(proxy, states.refusal(503, "SlowDown")), pytest.raises(TransientStoreError, match="busy"):
        store.ask_for("x", Speed.BULK, 1)


def test_a_server_without_restores_says_so(seaweedfs: SeaweedFS, bucket: str) -> None:
    store = open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint), rule=QUICK)
    store.put("x", b"x", storage_class="GLACIER")
    assert store.standing("x").access is Access.ARCHIVED
    with pytest.raises(ConfigurationError, match="does not restore archived objects"):
        store.ask_for("x", Speed.BULK, 1)


def test_an_archived_blob_is_neither_read_nor_replaced_before_it_is_back(blobs: tuple[Store, FaultyProxy]) -> None:
    store, proxy = blobs
    key = "a ü/x+1.edf"
    store.put(key, b"sealed", storage_class="archive")
    assert store.standing(key) == Standing(Access.ARCHIVED, "Archive")
    with pytest.raises(ArchivedError, match="is archived"):
        store.get(key)
    with pytest.raises(ArchivedError, match=r"is archived.*before it is read or replaced"):
        store.put(key, b"other")
    # of parts Azure refuses the list, which Azurite takes
    with proxy.fault(states.refusal(409, "BlobArchived", "PUT", "comp=blocklist")), pytest.raises(ArchivedError):
        store.put(key, bytes(9 * MIB))
    proxy.clear()
    assert store.ask_for(key, Speed.STANDARD, None) is Answer.ASKED
    assert [one.method for one in proxy.seen] == ["PUT"]
    assert proxy.seen[0].headers["x-ms-rehydrate-priority"] == "Standard"
    assert store.standing(key) == Standing(Access.PLAIN, "Hot")  # Azurite brings it back at once
    assert bytes(store.get(key).data) == b"sealed"


def test_every_state_and_answer_of_azure(blobs: tuple[Store, FaultyProxy]) -> None:
    store, proxy = blobs
    store.put("x", b"x", storage_class="Archive")
    with states.playing(proxy, states.head(states.BLOB_WAITING, "/x")):
        assert store.standing("x") == Standing(Access.WAITING, "Archive")
        assert len(proxy.seen) == 1
    with states.playing(proxy, states.refusal(409, "BlobBeingRehydrated", "PUT", "comp=tier")):
        assert store.ask_for("x", Speed.EXPEDITED, None) is Answer.WAITING
        assert proxy.seen[0].headers["x-ms-rehydrate-priority"] == "High"
    with states.playing(proxy, states.accepted(202, "PUT", "comp=tier")):
        assert store.ask_for("x", Speed.STANDARD, None) is Answer.ASKED
    with pytest.raises(UsageError, match="bulk"):
        store.ask_for("x", Speed.BULK, None)
    with pytest.raises(NotFoundError):
        store.standing("nothing")


def _signature(azurite: Azurite, permissions: str) -> str:
    """Return an account's shared access signature (Create an account SAS, learn.microsoft.com)."""
    asked = {"sp": permissions, "ss": "b", "srt": "sco", "st": "", "se": "2099-01-01T00:00:00Z", "sip": "", "spr": ""}
    text = "\n".join([azurite.account, *asked.values(), "2019-12-12", ""])
    signature = hmac.new(base64.b64decode(azurite.account_key), text.encode(), hashlib.sha256).digest()
    given = {name: value for name, value in asked.items() if value} | {"sv": "2019-12-12"}
    return urlencode(given | {"sig": base64.b64encode(signature).decode()})


def test_a_shared_access_signature_that_may_write_brings_a_blob_back(
    blobs: tuple[Store, FaultyProxy], azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = blobs
    store.put("a ü/x", b"x", storage_class="Archive")
    sas = {"account_key": None, "sas": SecretRef.parse("env:TEST_SAS")}
    signed = open_store(store.url, azure_profile(azurite, **sas), rule=QUICK)
    monkeypatch.setenv("TEST_SAS", _signature(azurite, "rl"))
    assert signed.standing("a ü/x").access is Access.ARCHIVED
    with pytest.raises(CredentialsError) as refused:
        signed.ask_for("a ü/x", Speed.STANDARD, None)
    assert "sig" not in f"{refused.value!r}{refused.value.__cause__!r}"
    monkeypatch.setenv("TEST_SAS", _signature(azurite, "rwl"))
    signed = open_store(store.url, azure_profile(azurite, **sas), rule=QUICK)
    assert signed.ask_for("a ü/x", Speed.STANDARD, None) is Answer.ASKED
    assert signed.standing("a ü/x") == Standing(Access.PLAIN, "Hot")


def test_blobs_of_every_tier_stand_as_they_were_written(blobs: tuple[Store, FaultyProxy]) -> None:
    store, _ = blobs
    for tier in ("Hot", "Cool", "Cold"):
        store.put(tier, bytes(9 * MIB), storage_class=tier)
        assert store.standing(tier) == Standing(Access.PLAIN, tier)


def test_without_a_key_to_sign_with_blobs_cannot_be_asked(blobs: tuple[Store, FaultyProxy]) -> None:
    store, proxy = blobs
    bare = Profile(endpoint=f"{proxy.endpoint}/devstoreaccount1", account="devstoreaccount1")
    with pytest.raises(ConfigurationError, match="account key or a shared access signature"):
        open_store(store.url, bare, rule=QUICK).standing("x")


def test_folders_and_memory_have_no_classes(rig_of_file: Rig, rig_of_memory: Rig) -> None:
    for rig in (rig_of_file, rig_of_memory):
        store = rig.open()
        store.put("x", b"x")
        assert store.standing("x") == Standing(Access.PLAIN)
        with pytest.raises(NotFoundError):
            store.standing("nothing")
        with pytest.raises(UsageError, match="no storage classes"):
            store.put("x", b"x", storage_class="GLACIER")
        with pytest.raises(UsageError, match="no archived objects"):
            store.ask_for("x", Speed.BULK, 1)


def test_a_class_that_aws_does_not_have_is_refused_before_anything_is_sent() -> None:
    store = open_store("s3://bucket", Profile(region="us-east-1"))
    with pytest.raises(UsageError, match=r"'GLACEIR' is not a storage class.*DEEP_ARCHIVE"):
        store.put("x", b"x", storage_class="GLACEIR")
    with pytest.raises(UsageError, match="not a storage class"):
        store.put_stream("x", iter([b"x"]), storage_class="ARCHIVE_ACCESS")
