"""Uploads in parts: over each kind of store they go on where they were stopped, and what arrived is what was sent."""

from __future__ import annotations

import hashlib
import json
import os
import random
import stat
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from bondstore.errors import (
    ChangedError,
    ChecksumError,
    CredentialsError,
    Exit,
    Interrupted,
    NotFoundError,
    ReadOnlyError,
    TransientStoreError,
    UsageError,
)
from bondstore.stores import Store, open_store
from bondstore.stores.parts import Upload, part_size
from bondstore.stores.uploads import Sent
from tests.servers.azurite import Azurite
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.moto import Moto
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import QUICK, Rig, azure_profile, s3_profile
from tests.waiting import wait_until

MIB = 1 << 20
PART = 5 * MIB
KEY = "subjects/Zoë & Søn/video 1.c4gh"
DATA = random.Random(12).randbytes(2 * PART + 1234)
PARTS = [DATA[at : at + PART] for at in range(0, len(DATA), PART)]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journals" / "video.jsonl"


def send(upload: Upload, parts: list[bytes]) -> None:
    for number, data in enumerate(parts, 1):
        upload.send(number, data, f"part {number}")


def send_all(upload: Upload, parts: list[bytes]) -> Sent:
    send(upload, parts)
    return upload.finish()


def stop_after(store: Store, journal: Path, parts: list[bytes], key: str = KEY, **options: Any) -> None:
    """Send some parts and go away."""
    with store.open_upload(key, journal, **options) as upload:
        send(upload, parts)
        wait_until(lambda: len(upload.proved) == len(parts))


def finish(store: Store, journal: Path, parts: list[bytes], key: str = KEY, **options: Any) -> None:
    """Send all that is left, and look at what came of it."""
    with store.open_upload(key, journal, **options) as upload:
        send(upload, parts)
        sent = upload.finish()
    found = store.head(key)
    assert (sent.size, sent.etag) == (found.size, found.etag) == (len(b"".join(parts)), found.etag)
    assert bytes(store.get(key).data) == b"".join(parts)
    assert not journal.exists()


def lines_of(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()]


# Every kind of store


def test_an_object_is_seen_when_it_is_whole(store: Store, journal: Path) -> None:
    with store.open_upload(KEY, journal) as upload:
        send(upload, PARTS)
        wait_until(lambda: len(upload.proved) == len(PARTS))
        assert list(store.list()) == []
        with pytest.raises(NotFoundError):
            store.head(KEY)
        [mine] = store.unfinished(journals=[journal])
        assert (mine.key, mine.ours) == (KEY, True)
        sent = upload.finish()
        assert upload.finish() == upload.sent == sent
    assert sent.size == len(DATA)
    assert sent.etag == store.head(KEY).etag
    assert bytes(store.get(KEY).data) == DATA
    assert [one.key for one in store.list()] == [KEY]
    assert list(store.unfinished()) == []
    assert list(journal.parent.iterdir()) == []


def test_it_replaces_what_was_there_only_at_the_end(store: Store, journal: Path) -> None:
    store.put(KEY, b"before")
    stop_after(store, journal, PARTS)
    assert bytes(store.get(KEY).data) == b"before"
    finish(store, journal, PARTS)


def test_the_next_run_goes_on(store: Store, journal: Path) -> None:
    stop_after(store, journal, PARTS[:2])
    with store.open_upload(KEY, journal) as upload:
        assert sorted(upload.proved) == [1, 2]
        first = upload.proved[1]
        assert (first.offset, first.size, first.note) == (0, PART, "part 1")
        assert first.sha256 == hashlib.sha256(PARTS[0]).hexdigest()
        assert upload.restarted == ""
    finish(store, journal, PARTS)


def test_a_part_that_changed_is_refused_and_nothing_more_is_sent(store: Store, journal: Path) -> None:
    stop_after(store, journal, PARTS[:2])
    with store.open_upload(KEY, journal) as upload:
        upload.send(1, PARTS[0])
        with pytest.raises(ChangedError, match=r"Part 2 of .* is not the one"):
            upload.send(2, PARTS[1][:-1] + b"!")
        with pytest.raises(ChangedError):
            upload.send(3, PARTS[2])
        with pytest.raises(ChangedError):
            upload.finish()
        assert sorted(upload.proved) == [1, 2]
        assert list(store.list()) == []
        upload.abort()
    assert list(store.unfinished()) == []
    finish(store, journal, [b"other data"])


def test_fewer_parts_than_before_are_refused(store: Store, journal: Path) -> None:
    stop_after(store, journal, PARTS)
    with store.open_upload(KEY, journal) as upload:
        send(upload, PARTS[:2])
        with pytest.raises(ChangedError, match="fewer parts"):
            upload.finish()
    assert list(store.list()) == []


def test_aborted_nothing_is_left(store: Store, journal: Path) -> None:
    upload = store.open_upload(KEY, journal)
    send(upload, PARTS[:2])
    upload.abort()
    upload.abort()
    assert not journal.exists()
    assert list(store.unfinished()) == []
    assert list(store.list()) == []
    upload.close()
    with pytest.raises(Interrupted):
        upload.send(3, PARTS[2])


def test_killed_before_the_journal_went_it_is_not_sent_again(store: Store, journal: Path) -> None:
    stop_after(store, journal, PARTS)
    text = journal.read_text() + '{"finishing": true}\n'
    finish(store, journal, PARTS)
    etag = store.head(KEY).etag
    journal.write_text(text)
    with store.open_upload(KEY, journal) as upload:
        assert upload.sent is not None
        assert upload.sent.etag == etag
        send(upload, PARTS)
        with pytest.raises(ChangedError):
            upload.send(4, b"more")
    with store.open_upload(KEY, journal) as upload:
        assert send_all(upload, PARTS) == upload.sent
    assert store.head(KEY).etag == etag
    assert not journal.exists()


def test_another_object_under_its_key_is_not_taken_for_it(store: Store, journal: Path) -> None:
    stop_after(store, journal, PARTS)
    text = journal.read_text() + '{"finishing": true}\n'
    with store.open_upload(KEY, journal) as upload:
        upload.abort()
    store.put(KEY, DATA[::-1])
    journal.write_text(text)
    with store.open_upload(KEY, journal) as upload:
        assert upload.sent is None
        assert upload.proved == {}
        assert "starts over" in upload.restarted
    finish(store, journal, PARTS)


def test_an_upload_that_is_gone_starts_over_and_says_so_once(store: Store, journal: Path) -> None:
    stop_after(store, journal, PARTS[:2])
    kept = journal.read_text()
    with store.open_upload(KEY, journal) as upload:
        upload.abort()
    journal.write_text(kept)
    with store.open_upload(KEY, journal) as upload:
        assert upload.restarted == f"The upload of {store.url}/{KEY} starts over: its parts are no longer in the store."
        assert upload.proved == {}
    with store.open_upload(KEY, journal) as upload:
        assert upload.restarted == ""
    finish(store, journal, PARTS)


def test_what_is_not_in_a_journal_is_listed_and_left(store: Store, journal: Path, tmp_path: Path) -> None:
    other = tmp_path / "theirs"
    stop_after(store, other, PARTS[:2], key="theirs")
    stop_after(store, journal, PARTS[:2])
    found = {one.key: one.ours for one in store.unfinished(journals=[journal, tmp_path / "none"])}
    assert found == {"theirs": False, KEY: True}
    assert [one.key for one in store.unfinished("subjects")] == [KEY]
    finish(store, journal, PARTS)
    assert [one.key for one in store.unfinished()] == ["theirs"]
    finish(store, other, PARTS, key="theirs")


@pytest.mark.parametrize("part", [b"", b"1"], ids=["empty", "one byte"])
def test_a_tiny_object(store: Store, journal: Path, part: bytes) -> None:
    stop_after(store, journal, [part])
    finish(store, journal, [part])


def test_parts_come_in_order_and_have_short_notes(store: Store, journal: Path) -> None:
    with store.open_upload(KEY, journal) as upload:
        with pytest.raises(UsageError, match="part 1 comes next"):
            upload.send(2, b"1")
        with pytest.raises(UsageError, match="note"):
            upload.send(1, b"1", "n" * 201)
        with pytest.raises(UsageError, match="No part"):
            upload.finish()
    with pytest.raises(UsageError, match="no possible key"):
        store.open_upload("a//b", journal)


def test_a_read_only_store_takes_none(rig: Rig, journal: Path) -> None:
    with pytest.raises(ReadOnlyError):
        rig.open(read_only=True).open_upload(KEY, journal)


def test_a_store_without_classes_says_so(store: Store, journal: Path) -> None:
    if store.address.kind in {"s3", "az"}:
        pytest.skip("has classes")
    with pytest.raises(UsageError, match="no storage classes"):
        store.open_upload(KEY, journal, storage_class="GLACIER")
    assert not journal.exists()


def test_below_a_prefix(rig: Rig, journal: Path) -> None:
    if not rig.has_prefixes:
        pytest.skip("has no prefixes")
    below = rig.open("/lab/2026")
    stop_after(below, journal, PARTS[:2])
    assert [one.key for one in below.unfinished()] == [KEY]
    assert [one.key for one in rig.open().unfinished()] == [f"lab/2026/{KEY}"]
    finish(below, journal, PARTS)
    assert [one.key for one in rig.open().list()] == [f"lab/2026/{KEY}"]


def test_data_may_be_any_buffer(store: Store, journal: Path) -> None:
    with store.open_upload(KEY, journal) as upload:
        upload.send(1, bytearray(PARTS[0]))
        upload.send(2, memoryview(PARTS[1]).cast("I"))
        upload.finish()
    assert bytes(store.get(KEY).data) == PARTS[0] + PARTS[1]


# The journal


@pytest.fixture
def local(tmp_path: Path) -> Store:
    return open_store((tmp_path / "place").as_uri())


def test_it_is_for_the_owner_alone_and_has_a_line_for_each_part(local: Store, journal: Path) -> None:
    stop_after(local, journal, PARTS)
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.parent.stat().st_mode) == 0o700
    head, mark, upload, *parts = lines_of(journal)
    assert head == {"bondstore-upload": 1, "store": local.url, "endpoint": "", "key": KEY, "class": ""}
    assert (list(mark), list(upload)) == (["mark"], ["upload"])
    assert {one["part"]["number"]: one["part"]["sha256"] for one in parts} == {
        number: hashlib.sha256(data).hexdigest() for number, data in enumerate(PARTS, 1)
    }


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_torn_last_line_is_dropped(local: Store, journal: Path, cut: int) -> None:
    stop_after(local, journal, PARTS)
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-cut])
    with local.open_upload(KEY, journal) as upload:
        assert len(upload.proved) == 2
        assert whole.startswith(journal.read_bytes())
        assert journal.read_bytes().endswith(b"\n")
    finish(local, journal, PARTS)


def test_at_whatever_byte_it_was_cut_off_the_upload_ends_well(local: Store, journal: Path) -> None:
    parts = [bytes([number]) * 100 for number in range(4)]
    stop_after(local, journal, parts)
    whole = journal.read_bytes()
    with local.open_upload(KEY, journal) as upload:
        upload.abort()
    for cut in range(0, len(whole), 7):
        journal.write_bytes(whole[:cut])
        finish(local, journal, parts)
    assert list(local.unfinished()) == []


@pytest.mark.parametrize("line", [b"\0" * 60, b'{"part": {"number": 1}}', b'{"part": 3}', b"[]", b'"', b"\xff{}"])
def test_a_damaged_line_costs_its_part_only(local: Store, journal: Path, line: bytes) -> None:
    stop_after(local, journal, PARTS)
    lines = journal.read_bytes().splitlines()
    number = json.loads(lines[4])["part"]["number"]
    lines[4] = line
    journal.write_bytes(b"\n".join(lines) + b"\n")
    with local.open_upload(KEY, journal) as upload:
        assert set(upload.proved) == {1, 2, 3} - {number}
    finish(local, journal, PARTS)


@pytest.mark.parametrize("field", ["number", "offset", "size", "sha256", "etag", "note"])
@pytest.mark.parametrize("value", [None, -1, {}])
def test_a_part_of_another_shape_counts_for_nothing(local: Store, journal: Path, field: str, value: object) -> None:
    stop_after(local, journal, PARTS[:1])
    lines = lines_of(journal)
    lines[3]["part"][field] = value
    journal.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with local.open_upload(KEY, journal) as upload:
        assert upload.proved == {}


def test_of_another_object_it_is_refused_and_stays(local: Store, journal: Path, tmp_path: Path) -> None:
    stop_after(local, journal, PARTS)
    text = journal.read_text()
    elsewhere = open_store((tmp_path / "elsewhere").as_uri())
    for store, key in ((local, "other"), (elsewhere, KEY)):
        with pytest.raises(UsageError, match="belongs to another upload") as refused:
            store.open_upload(key, journal)
        assert f"{local.url}/{KEY}" in refused.value.message
        assert journal.read_text() == text


def test_of_another_version_it_is_refused(local: Store, journal: Path) -> None:
    stop_after(local, journal, PARTS)
    text = journal.read_text().replace('"bondstore-upload": 1', '"bondstore-upload": 2')
    journal.write_text(text)
    with pytest.raises(UsageError, match="another version"):
        local.open_upload(KEY, journal)
    assert journal.read_text() == text


@pytest.mark.parametrize("text", ["notes of mine", '{"a": 1}\n', "{", "\n", "one\ntwo"])
def test_somebodys_file_is_left_alone(local: Store, journal: Path, text: str) -> None:
    journal.parent.mkdir()
    journal.write_text(text)
    if text == "{":  # may be ours, torn
        finish(local, journal, PARTS)
        return
    with pytest.raises(UsageError, match="not the journal"):
        local.open_upload(KEY, journal)
    assert journal.read_text() == text


def test_a_link_is_not_followed(local: Store, journal: Path, tmp_path: Path) -> None:
    journal.parent.mkdir()
    journal.symlink_to(tmp_path / "precious")
    with pytest.raises(Exception, match="cannot be written") as refused:
        local.open_upload(KEY, journal)
    assert getattr(refused.value, "exit_code", None) == Exit.CONFIGURATION
    assert not (tmp_path / "precious").exists()


def test_only_one_at_a_time(local: Store, journal: Path) -> None:
    with local.open_upload(KEY, journal), pytest.raises(UsageError, match="in use"):
        local.open_upload(KEY, journal)
    finish(local, journal, PARTS)


def test_other_characters_stay_what_they_are(local: Store, journal: Path) -> None:
    key = "\u2028\U0001f600 \\\"'é.bin"
    stop_after(local, journal, PARTS[:1], key=key)
    finish(local, journal, PARTS, key=key)


# A folder


def test_a_part_file_is_not_cleared_as_a_leftover(local: Store, journal: Path) -> None:
    stop_after(local, journal, PARTS[:2])
    assert local.clear_unfinished(lambda _: True) == []
    local.put(KEY, b"another writer of the same")
    with local.open_upload(KEY, journal) as upload:
        assert sorted(upload.proved) == [1, 2]
    [one] = local.unfinished()
    with pytest.raises(UsageError):
        local.put(f"x.bondstore#p{one.id}", b"1")
    finish(local, journal, PARTS)


def test_the_file_has_the_mode_and_the_longest_name_that_others_have(local: Store, journal: Path) -> None:
    local.put("a", b"1")
    key = "é" * 127
    finish(local, journal, PARTS, key=key)
    folder = Path(local.address.place)
    assert (folder / key).stat().st_mode == (folder / "a").stat().st_mode


def test_parts_behind_a_gap_are_kept(local: Store, journal: Path) -> None:
    stop_after(local, journal, PARTS)
    lines = [line for line in lines_of(journal) if line.get("part", {}).get("number") != 2]
    journal.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with local.open_upload(KEY, journal) as upload:
        assert sorted(upload.proved) == [1, 3]
    finish(local, journal, PARTS)


def test_a_full_disk_is_told(local: Store, journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = local.open_upload(KEY, journal)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with upload, pytest.raises(OSError, match="No space is left"):
        send_all(upload, PARTS)
    monkeypatch.undo()
    finish(local, journal, PARTS)


# S3


@pytest.fixture
def lab(faulty: FaultyProxy, bucket: str) -> Store:
    return open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=QUICK)


def sent_parts(proxy: FaultyProxy) -> Counter[int]:
    """Count the requests that brought each part."""
    query = [
        dict(part.partition("=")[::2] for part in one.query.split("&")) for one in proxy.seen if one.method == "PUT"
    ]
    return Counter(int(one["partNumber"]) for one in query if "partNumber" in one)


def open_uploads(seaweedfs: SeaweedFS, bucket: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = seaweedfs.client().list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return found


def test_what_is_proved_is_not_sent_again(lab: Store, faulty: FaultyProxy, journal: Path) -> None:
    stop_after(lab, journal, PARTS[:2])
    assert sent_parts(faulty) == {1: 1, 2: 1}
    finish(lab, journal, PARTS)
    assert sent_parts(faulty) == {1: 1, 2: 1, 3: 1}


def test_the_etag_is_that_of_the_parts(lab: Store, journal: Path) -> None:
    with lab.open_upload(KEY, journal) as upload:
        sent = send_all(upload, PARTS)
    md5s = b"".join(hashlib.md5(part).digest() for part in PARTS)
    assert sent.etag == f'"{hashlib.md5(md5s).hexdigest()}-3"'


def test_a_part_that_the_store_lost_is_sent_again(lab: Store, faulty: FaultyProxy, journal: Path) -> None:
    stop_after(lab, journal, PARTS)
    etag = hashlib.md5(PARTS[1]).hexdigest().encode()
    faulty.add(Fault("rewrite", contains="uploadId", times=2, rewriter=lambda body: body.replace(etag, b"0" * 32)))
    with lab.open_upload(KEY, journal) as upload:
        assert sorted(upload.proved) == [1, 3]
    finish(lab, journal, PARTS)
    assert sent_parts(faulty) == {1: 1, 2: 2, 3: 1}


def test_small_parts_are_refused_before_the_store_does(lab: Store, faulty: FaultyProxy, journal: Path) -> None:
    with lab.open_upload(KEY, journal) as upload:
        upload.send(1, b"small")
        with pytest.raises(UsageError, match=r"Part 1 of .* has 5 bytes; all but the last need 5242880"):
            upload.send(2, b"small")
        assert sent_parts(faulty).keys() <= {1}


PASSING = {
    "503": Fault("status", "PUT", "partNumber", times=3),
    "500": Fault("status", "PUT", "partNumber", times=2, status=500, body=b""),
    "refused": Fault("refuse", "PUT", "partNumber", times=3),
    "answer lost": Fault("lose_answer", "PUT", "partNumber", times=3),
    "busy to begin": Fault("status", "POST", "uploads", times=2),
    "busy to list": Fault("status", "GET", "uploads", times=2),
    "busy to end": Fault("status", "POST", "uploadId", times=2),
    "lost at the end": Fault("lose_answer", "POST", "uploadId"),
    "refused at the end": Fault("refuse", "POST", "uploadId"),
    "busy to look": Fault("status", "HEAD", KEY, times=2),
    "another byte on the way": Fault("damage", "PUT", "partNumber=2"),
    "another md5": Fault("headers", "PUT", "partNumber=2", headers={"etag": f'"{"0" * 32}"'}),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_is_outlived(
    lab: Store, seaweedfs: SeaweedFS, bucket: str, faulty: FaultyProxy, journal: Path, name: str
) -> None:
    fault = faulty.add(PASSING[name])
    finish(lab, journal, PARTS)
    assert fault.matched > fault.times - 1
    assert open_uploads(seaweedfs, bucket) == []


@pytest.mark.parametrize("name", ["another byte on the way", "another md5"])
def test_other_bytes_twice_are_an_error(lab: Store, faulty: FaultyProxy, journal: Path, name: str) -> None:
    fault = PASSING[name]
    faulty.add(Fault(fault.kind, fault.method, fault.contains, times=2, headers=fault.headers))
    with (
        lab.open_upload(KEY, journal) as upload,
        pytest.raises(ChecksumError, match=r"Part 2 of s3://.*/video 1") as told,
    ):
        send_all(upload, PARTS)
    assert told.value.exit_code == Exit.INTEGRITY
    assert list(lab.list()) == []
    finish(lab, journal, PARTS)


def test_an_opaque_etag_says_nothing(lab: Store, bucket: str, faulty: FaultyProxy, journal: Path) -> None:
    opaque = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint, etags="opaque"), rule=QUICK)
    with opaque.open_upload(KEY, journal) as upload:
        assert send_all(upload, PARTS).size == len(DATA)


def test_another_object_at_the_end_is_an_error(
    lab: Store, seaweedfs: SeaweedFS, bucket: str, faulty: FaultyProxy, journal: Path
) -> None:
    def replace(body: bytes) -> bytes:
        seaweedfs.client().put_object(Bucket=bucket, Key=KEY, Body=DATA)  # the same bytes, and not as they were sent
        return body

    faulty.add(Fault("rewrite", "POST", "uploadId", rewriter=replace))
    with lab.open_upload(KEY, journal) as upload, pytest.raises(ChecksumError, match="not the object that was sent"):
        send_all(upload, PARTS)
    with lab.open_upload(KEY, journal) as upload:
        assert "starts over" in upload.restarted
    finish(lab, journal, PARTS)


def test_refused_credentials_are_not_tried_again(lab: Store, faulty: FaultyProxy, journal: Path) -> None:
    denied = b"<Error><Code>AccessDenied</Code></Error>"
    fault = faulty.add(Fault("status", "PUT", "partNumber", times=99, status=403, body=denied))
    with lab.open_upload(KEY, journal) as upload, pytest.raises(CredentialsError) as told:
        send_all(upload, PARTS)
    assert told.value.exit_code == Exit.CONFIGURATION
    assert fault.matched <= len(PARTS)
    faulty.clear()
    finish(lab, journal, PARTS)


def test_who_may_not_list_uploads_can_send_all_the_same(lab: Store, faulty: FaultyProxy, journal: Path) -> None:
    denied = b"<Error><Code>AccessDenied</Code></Error>"
    fault = faulty.add(Fault("status", "GET", "uploads", times=99, status=403, body=denied))
    finish(lab, journal, PARTS)
    assert fault.matched == 1


def test_who_may_only_write_is_served(
    seaweedfs: SeaweedFS, bucket: str, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `policy make --put-only` has it: no reading, no listing, no looking at what came of it."""
    actions = ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject"]
    allow = {"Effect": "Allow", "Action": actions, "Resource": f"arn:aws:s3:::{bucket}/*"}
    user = seaweedfs.user_with({"Version": "2012-10-17", "Statement": [allow]})
    monkeypatch.setenv("TEST_S3_KEY", user["AWS_ACCESS_KEY_ID"])
    monkeypatch.setenv("TEST_S3_SECRET", user["AWS_SECRET_ACCESS_KEY"])
    store = open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint), rule=QUICK)
    with pytest.raises(CredentialsError):
        store.head(KEY)
    stop_after(store, journal, PARTS[:2])
    with store.open_upload(KEY, journal) as upload:
        assert sorted(upload.proved) == [1, 2]
        sent = send_all(upload, PARTS)
    found = seaweedfs.client().get_object(Bucket=bucket, Key=KEY)
    assert (found["ETag"], found["Body"].read()) == (sent.etag, DATA)


def test_a_store_that_fails_for_long_is_told_and_the_next_run_goes_on(
    lab: Store, faulty: FaultyProxy, journal: Path
) -> None:
    fault = faulty.add(Fault("status", "PUT", "partNumber=2", times=999))
    with lab.open_upload(KEY, journal) as upload, pytest.raises(TransientStoreError):
        send_all(upload, PARTS)
    faulty.clear()
    assert fault.matched > 5
    with lab.open_upload(KEY, journal) as upload:
        already = set(upload.proved)
    assert already <= {1, 3}
    finish(lab, journal, PARTS)
    assert sent_parts(faulty) == Counter({1, 2, 3} - already)


def send_rest(upload: Upload) -> None:
    for number in (2, 3):
        upload.send(number, PARTS[number - 1])
    upload.finish()


def test_removed_by_a_rule_meanwhile(
    lab: Store, seaweedfs: SeaweedFS, bucket: str, faulty: FaultyProxy, journal: Path
) -> None:
    """Mid-way that is told; at the next run it starts over."""
    with lab.open_upload(KEY, journal) as upload:
        upload.send(1, PARTS[0])
        wait_until(lambda: 1 in upload.proved)
        [mine] = open_uploads(seaweedfs, bucket)
        seaweedfs.client().abort_multipart_upload(Bucket=bucket, Key=KEY, UploadId=mine["UploadId"])
        with pytest.raises(TransientStoreError, match="no longer in the store"):
            send_rest(upload)
    finish(lab, journal, PARTS)
    assert open_uploads(seaweedfs, bucket) == []


def theirs(seaweedfs: SeaweedFS, bucket: str, key: str, *, part: bool) -> str:
    made = seaweedfs.client().create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    if part:
        seaweedfs.client().upload_part(Bucket=bucket, Key=key, UploadId=made, PartNumber=1, Body=b"theirs")
    return str(made)


def test_an_upload_whose_id_was_lost_is_removed_and_no_other(
    lab: Store, seaweedfs: SeaweedFS, bucket: str, faulty: FaultyProxy, journal: Path
) -> None:
    before = [theirs(seaweedfs, bucket, KEY, part=True), theirs(seaweedfs, bucket, f"{KEY}/more", part=False)]
    faulty.add(Fault("lose_answer", "POST", "uploads", times=2))
    finish(lab, journal, PARTS)
    assert sorted(one["UploadId"] for one in open_uploads(seaweedfs, bucket)) == sorted(before)
    listed = list(lab.unfinished())
    assert {(one.key, one.ours) for one in listed} == {(KEY, False), (f"{KEY}/more", False)}
    assert all(one.started_ms > 1_700_000_000_000 for one in listed)


def test_killed_before_the_id_was_noted_it_is_removed(
    lab: Store, seaweedfs: SeaweedFS, bucket: str, journal: Path
) -> None:
    stop_after(lab, journal, [])
    assert len(open_uploads(seaweedfs, bucket)) == 1
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:2]))
    mine = theirs(seaweedfs, bucket, KEY, part=True)
    finish(lab, journal, PARTS)
    assert [one["UploadId"] for one in open_uploads(seaweedfs, bucket)] == [mine]


@pytest.mark.parametrize("mode", ["always", "when_required"])
def test_the_class_and_the_checksums_arrive(
    seaweedfs: SeaweedFS, faulty: FaultyProxy, bucket: str, journal: Path, mode: str
) -> None:
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint, checksums=mode), rule=QUICK)
    stop_after(store, journal, PARTS, storage_class="GLACIER")
    text = journal.read_text() + '{"finishing": true}\n'
    finish(store, journal, PARTS, storage_class="GLACIER")
    found = seaweedfs.client().head_object(Bucket=bucket, Key=KEY, ChecksumMode="ENABLED")
    assert found["StorageClass"] == "GLACIER"
    whole = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in PARTS)).digest()
    expected = f"{b64encode(whole).decode()}-3" if mode == "always" else None
    assert found.get("ChecksumSHA256") == expected
    journal.write_text(text)
    with store.open_upload(KEY, journal, storage_class="GLACIER") as upload:
        assert upload.sent is not None


def test_a_wrong_sha256_is_refused_by_the_store(faulty: FaultyProxy, bucket: str, journal: Path) -> None:
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint, checksums="always"), rule=QUICK)
    wrong: dict[str, str | None] = {"x-amz-checksum-sha256": b64encode(bytes(32)).decode()}
    fault = faulty.add(Fault("headers", "PUT", "partNumber=1", headers=wrong))
    finish(store, journal, PARTS)
    assert fault.matched == 2


def test_with_another_class_it_starts_over(lab: Store, seaweedfs: SeaweedFS, bucket: str, journal: Path) -> None:
    stop_after(lab, journal, PARTS, storage_class="GLACIER")
    with lab.open_upload(KEY, journal, storage_class="DEEP_ARCHIVE") as upload:
        assert "another storage class" in upload.restarted
    finish(lab, journal, PARTS, storage_class="DEEP_ARCHIVE")
    assert seaweedfs.client().head_object(Bucket=bucket, Key=KEY)["StorageClass"] == "DEEP_ARCHIVE"
    assert open_uploads(seaweedfs, bucket) == []


def test_no_bucket_no_upload(seaweedfs: SeaweedFS, journal: Path) -> None:
    store = open_store("s3://no-such-bucket-here", s3_profile(seaweedfs.endpoint), rule=QUICK)
    with pytest.raises(NotFoundError) as told:
        store.open_upload(KEY, journal)
    assert told.value.exit_code == Exit.NOT_FOUND


def test_the_endpoint_belongs_to_the_journal(lab: Store, seaweedfs: SeaweedFS, bucket: str, journal: Path) -> None:
    stop_after(lab, journal, PARTS)
    same_name = open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint), rule=QUICK)
    with pytest.raises(UsageError, match="belongs to another upload"):
        same_name.open_upload(KEY, journal)


@pytest.mark.parametrize("mode", ["always", "when_required"])
def test_another_server_is_served(moto_server: Moto, moto: str, journal: Path, mode: str) -> None:
    """Moto keeps checksums in a way of its own, and all its uploads began in 2010."""
    store = open_store("s3://bucket-of-moto", s3_profile(moto, checksums=mode, region=moto_server.region), rule=QUICK)
    with pytest.raises(NotFoundError):
        store.open_upload(KEY, journal)
    where = {"LocationConstraint": moto_server.region}
    moto_server.client("s3").create_bucket(Bucket="bucket-of-moto", CreateBucketConfiguration=where)
    stop_after(store, journal, PARTS, storage_class="GLACIER_IR")
    text = journal.read_text() + '{"finishing": true}\n'
    finish(store, journal, PARTS, storage_class="GLACIER_IR")
    assert store.standing(KEY).storage_class == "GLACIER_IR"
    journal.write_text(text)
    with store.open_upload(KEY, journal, storage_class="GLACIER_IR") as upload:
        assert upload.sent is not None


def test_at_most_four_parts_are_under_way(lab: Store, faulty: FaultyProxy, journal: Path) -> None:
    under_way, most = 0, 0
    lock = threading.Lock()

    def slowly(body: bytes) -> bytes:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        threading.Event().wait(0.2)
        with lock:
            under_way -= 1
        return body

    faulty.add(Fault("rewrite", "PUT", "partNumber", times=99, rewriter=slowly))
    finish(lab, journal, [PARTS[0]] * 9)
    assert 2 <= most <= 4


# Azure


@pytest.fixture
def azure_faulty(azurite: Azurite) -> Iterator[FaultyProxy]:
    with FaultyProxy(azurite.endpoint) as proxy:
        yield proxy


@pytest.fixture
def container(rig_of_az: Rig, azurite: Azurite, azure_faulty: FaultyProxy) -> Store:
    profile = azure_profile(azurite, endpoint=f"{azure_faulty.endpoint}/{azurite.account}")
    return open_store(rig_of_az.url, profile, rule=QUICK)


AZURE_PASSING = {
    "503": Fault("status", "PUT", "comp=block&", times=3),
    "busy to end": Fault("status", "PUT", "comp=blocklist", times=2),
    "refused": Fault("refuse", "PUT", "comp=block&", times=3),
    "answer lost": Fault("lose_answer", "PUT", "comp=block&", times=3),
    "lost at the end": Fault("lose_answer", "PUT", "comp=blocklist"),
    "busy to look": Fault("status", "HEAD", KEY, times=2),
    "another byte on the way": Fault("damage", "PUT", "comp=block&"),
}


@pytest.mark.parametrize("name", AZURE_PASSING)
@pytest.mark.parametrize("tier", [None, "Archive"])
def test_a_fault_of_azure_that_passes_is_outlived(
    container: Store, azure_faulty: FaultyProxy, journal: Path, name: str, tier: str | None
) -> None:
    fault = azure_faulty.add(AZURE_PASSING[name])
    with container.open_upload(KEY, journal, storage_class=tier) as upload:
        sent = send_all(upload, PARTS)
    assert fault.matched > fault.times - 1
    found = container.head(KEY)
    assert (found.size, found.etag) == (sent.size, sent.etag) == (len(DATA), sent.etag)
    assert list(container.unfinished()) == []
    if tier is None:
        assert bytes(container.get(KEY).data) == DATA


def test_the_tier_arrives(container: Store, azure_faulty: FaultyProxy, journal: Path) -> None:
    with container.open_upload(KEY, journal, storage_class="Archive") as upload:
        send_all(upload, PARTS)
    with pytest.raises(Exception, match="is archived"):
        container.get(KEY)


def test_blocks_that_arrived_are_not_sent_again(container: Store, azure_faulty: FaultyProxy, journal: Path) -> None:
    stop_after(container, journal, PARTS[:2])
    finish(container, journal, PARTS)
    blocks = [one for one in azure_faulty.seen if one.method == "PUT" and "comp=block&" in one.query]
    assert len(blocks) == len(PARTS)


def test_blocks_of_others_stay_where_an_upload_is_aborted(
    container: Store, azurite: Azurite, azure_faulty: FaultyProxy, journal: Path
) -> None:
    stop_after(container, journal, PARTS[:1])
    azurite.put_block(container.address.place, KEY, b"00000000000000000007", b"theirs")
    assert sorted(one.id for one in container.unfinished())[0] == ""
    with container.open_upload(KEY, journal) as upload:
        upload.abort()
    assert "" in {one.id for one in container.unfinished()}
    assert list(container.list()) == []


def test_of_another_length_they_are_told(container: Store, azurite: Azurite, journal: Path) -> None:
    azurite.put_block(container.address.place, KEY, b"short", b"theirs")
    with container.open_upload(KEY, journal) as upload, pytest.raises(Exception, match="InvalidBlobOrBlock"):
        send_all(upload, [b"mine"])


def test_a_blob_stays_where_an_upload_over_it_is_aborted(container: Store, journal: Path) -> None:
    container.put(KEY, b"before")
    stop_after(container, journal, PARTS)
    with container.open_upload(KEY, journal) as upload:
        upload.abort()
    assert bytes(container.get(KEY).data) == b"before"


def test_refused_by_azure(container: Store, azure_faulty: FaultyProxy, journal: Path) -> None:
    fault = azure_faulty.add(Fault("status", "PUT", "comp=block&", times=99, status=403, body=b""))
    with container.open_upload(KEY, journal) as upload, pytest.raises(CredentialsError):
        send_all(upload, PARTS)
    assert fault.matched <= len(PARTS)


# The size of parts


@given(st.integers(0, 5 * 1024**4), st.integers(1, 1 << 20))
def test_the_size_of_parts_fits(total: int, multiple: int) -> None:
    size = part_size(total, multiple)
    assert size % multiple == 0
    assert 5 * MIB <= size <= 5 * 1024**3
    assert -(-total // size) <= 10_000
    assert size == part_size(total, multiple)
    assert size - multiple < max(8 * MIB, -(-total // 10_000))


def test_the_size_of_parts_by_hand() -> None:
    assert part_size(0) == part_size(60_000_000_000) == 8 * MIB
    assert part_size(3_000_000_000, 65_564) == 128 * 65_564
    assert part_size(1_000_000_000_000) == 100_000_000
    with pytest.raises(UsageError, match="too large"):
        part_size(60 * 1024**4)
