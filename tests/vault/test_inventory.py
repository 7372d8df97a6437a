"""`bondstore vault inventory`: the job is asked for once, found again, waited for, and asked again when it expired."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import time
from pathlib import Path

import pytest
from botocore.utils import calculate_tree_hash
from hypothesis import given
from hypothesis import strategies as st

from bondstore.errors import DamagedError
from bondstore.vault.glacier.archives import InventoryReader, name_in
from bondstore.vault.glacier.treehash import LEAF, root, tree_hash
from tests.cli.conftest import Call, Result, cli
from tests.homes import home
from tests.servers.glacier import Glacier, glacier
from tests.servers.moto import Moto

__all__ = ["cli", "glacier", "home"]

NAMES = {
    "p1/day1.edf": "p1/day1.edf",
    "": "",
    "<m><v>4</v><p>UDFmw7wvZGF5MS5lZGY=</p><lm>20140301T100000Z</lm></m>": "P1fü/day1.edf",
    '{"Path":"C:\\\\eeg\\\\p1.edf","UTCDateModified":"20140301T100000Z"}': "C:\\eeg\\p1.edf",
    "mt2 "
    + base64.urlsafe_b64encode(b'{"filename":"p1/\xc3\xbc.edf","mtime":"20140301T100000Z"}').decode(): "p1/ü.edf",
    "cDEvZGF5MS5lZGY=": "p1/day1.edf",
    "recording": "recording",
    "recordingsofp001": "recordingsofp001",
    '{"note": 1}': '{"note": 1}',
    "{": "{",
    "<m><v>4</v><p>%%%</p></m>": "<m><v>4</v><p>%%%</p></m>",
}


@pytest.mark.parametrize("size", [0, 1, LEAF - 1, LEAF, LEAF + 1, 2 * LEAF, 3 * LEAF, 5 * LEAF + 7, 8 * LEAF])
def test_the_tree_hash_is_botocores(size: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    expected = calculate_tree_hash(io.BytesIO(content)) if size else hashlib.sha256(b"").hexdigest()
    assert tree_hash(content).hex() == expected


def test_the_tree_hash_of_three_leaves_by_hand() -> None:
    a, b, c = (hashlib.sha256(bytes([one]) * LEAF).digest() for one in (1, 2, 3))
    pair = hashlib.sha256(a + b).digest()
    assert tree_hash(b"\1" * LEAF + b"\2" * LEAF + b"\3" * LEAF) == hashlib.sha256(pair + c).digest()


@pytest.mark.parametrize("leaves", range(1, 20))
def test_roots_of_aligned_ranges_make_the_root_of_all(leaves: int) -> None:
    hashes = [hashlib.sha256(bytes([one])).digest() for one in range(leaves)]
    for width in (1, 2, 4, 8):
        assert root([root(hashes[at : at + width]) for at in range(0, leaves, width)]) == root(hashes)


@pytest.mark.parametrize(("description", "name"), NAMES.items())
def test_names_are_made_out_in_what_each_program_writes(description: str, name: str) -> None:
    assert name_in(description) == name


@pytest.mark.parametrize("text", ['{"a":' + "[" * 1018, "mt2 " + base64.b64encode(b"[" * 760).decode()])
def test_a_description_of_nothing_but_brackets_is_a_name_itself(text: str) -> None:
    """1,024 characters, the longest that the service keeps."""
    assert name_in(text) == text


@given(st.text(max_size=200))
def test_any_description_gives_some_name(description: str) -> None:
    assert isinstance(name_in(description), str)


@given(st.lists(st.text(max_size=40), max_size=20), st.integers(1, 50), st.booleans())
def test_an_inventory_in_any_pieces_gives_the_same_and_cut_is_refused(
    descriptions: list[str], piece: int, last: bool
) -> None:
    entries = [
        {"ArchiveId": f"a{number}", "ArchiveDescription": one, "Size": number, "SHA256TreeHash": "0" * 64}
        for number, one in enumerate(descriptions)
    ]
    said = {"VaultARN": "arn:x", "InventoryDate": "2026-11-29T02:00:00Z"}
    whole = {**said, "ArchiveList": entries} if last else {"ArchiveList": entries, **said}
    raw = json.dumps(whole, ensure_ascii=False).encode("utf-8", "surrogatepass").replace(b"\xed", b"?")
    try:
        raw.decode()
    except UnicodeDecodeError:
        return
    chunks = [raw[at : at + piece] for at in range(0, len(raw), piece)]
    reader = InventoryReader()
    found = list(reader.read(chunks))
    assert [one.id for one in found] == [one["ArchiveId"] for one in entries]
    assert reader.head() == said
    with pytest.raises(DamagedError):
        list(InventoryReader().read(chunks[:-1]))


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"404 Not Found", b'{"ArchiveList": [1]}', b"\xff", b'{"ArchiveList":' + b"[" * 99999]
)
def test_what_is_no_inventory_is_refused(raw: bytes) -> None:
    with pytest.raises(DamagedError):
        list(InventoryReader().read([raw]))


def ask(cli: Call, *words: str) -> Result:
    return cli("vault", "inventory", "lab", "--json", "--yes", *words)


def found(result: Result) -> list[str]:
    return [one["finding"] for one in result.records if one["kind"] == "finding"]


def archives(result: Result) -> list[dict[str, object]]:
    return [one for one in result.records if one["kind"] == "archive"]


def test_asked_once_waited_for_then_a_table(glacier: Glacier, cli: Call) -> None:
    first = ask(cli)
    assert first.code == 8
    assert found(first) == ["inventory-waiting"]
    again = ask(cli)
    assert again.code == 8
    [said] = [one["message"] for one in again.records if one["kind"] == "finding"]
    assert "3 to 5 hours" in said
    assert "after 2026-11-30 13:00:00Z" in said  # asked for at 08:00
    glacier.finish()
    ready = ask(cli)
    assert ready.code == 0
    assert [(one["name"], one["bytes"]) for one in archives(ready)] == [
        ("p1/day1.edf", 3000),
        ("p1/day2.edf", 3),
        ("", 5),
    ]
    [about] = [one for one in ready.records if one["kind"] == "inventory"]
    assert (about["archives"], about["bytes"], about["date"]) == (3, 3008, "2026-11-29T02:00:00Z")
    rows = list(csv.DictReader(io.StringIO(Path(about["table"]).read_text())))
    assert [row["archive"] for row in rows] == [one["ArchiveId"] for one in glacier.listed]
    assert [row["tree_hash"] for row in rows] == [one["SHA256TreeHash"] for one in glacier.listed]
    assert glacier.asked == ["POST inventory", "GET inventory None"]

    still = ask(cli)  # nothing is asked for what is here
    assert still.code == 0
    assert archives(still) == archives(ready)
    assert len(glacier.asked) == 2


def test_a_job_that_expired_after_a_day_is_asked_for_again_and_said(glacier: Glacier, cli: Call) -> None:
    assert ask(cli).code == 8
    glacier.finish()
    glacier.expire()
    again = ask(cli)
    assert again.code == 8
    assert sorted(found(again)) == ["inventory-expired", "inventory-waiting"]
    assert glacier.asked == ["POST inventory"] * 2
    glacier.finish()
    assert ask(cli).code == 0


def test_a_job_that_nobody_noted_is_found_in_the_services_list(glacier: Glacier, cli: Call) -> None:
    for _ in range(4):  # of the other kind, so that it is on another page
        glacier.begin(glacier.listed[0]["ArchiveId"])
    glacier.begin(None)
    glacier.finish()
    done = ask(cli)
    assert done.code == 0
    assert glacier.asked == ["GET inventory None"]


def test_refresh_asks_for_a_new_one_once(glacier: Glacier, cli: Call) -> None:
    ask(cli)
    glacier.finish()
    assert ask(cli).code == 0
    glacier.upload(b"four", "p2/day1.edf")
    assert ask(cli, "--refresh").code == 8
    assert ask(cli, "--refresh").code == 8
    glacier.finish()
    new = ask(cli, "--refresh")
    assert new.code == 0
    assert len(archives(new)) == 4
    assert glacier.asked.count("POST inventory") == 2


def test_a_job_that_failed_is_named_and_asked_for_again(glacier: Glacier, cli: Call) -> None:
    ask(cli)
    glacier.finish("Failed", "internal")
    failed = ask(cli)
    assert failed.code == 5
    assert found(failed) == ["inventory-failed"]
    assert ask(cli).code == 8
    assert glacier.asked == ["POST inventory"] * 2


def test_an_inventory_that_is_cut_is_not_kept(glacier: Glacier, cli: Call) -> None:
    ask(cli)
    glacier.finish()
    glacier.cut = 100
    cut = ask(cli)
    assert cut.code == 5
    assert found(cut) == ["inventory-damaged"]
    glacier.cut = None
    assert ask(cli).code == 0


def test_a_dry_run_and_a_missing_yes_ask_for_nothing(glacier: Glacier, cli: Call) -> None:
    plan = cli("vault", "inventory", "lab", "--dry-run")
    assert plan.code == 0
    assert "3 to 5 hours" in plan.err
    assert cli("vault", "inventory", "lab").code == 2
    assert glacier.asked == []


def test_wait_looks_after_one_five_and_fifteen_minutes(
    glacier: Glacier, cli: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:
            glacier.finish()

    monkeypatch.setattr("bondstore.cli.vault._rounds.time.sleep", sleep)
    assert ask(cli, "--wait").code == 0
    assert pauses == [60, 300, 900, 900]
    assert glacier.asked == ["POST inventory", "GET inventory None"]


def test_a_vault_that_is_not_there_ends_with_3(glacier: Glacier, cli: Call) -> None:
    missing = cli("vault", "inventory", "other", "--yes")
    assert missing.code == 3
    assert "There is no vault other." in missing.err
    assert cli("vault", "inventory", "https://x/y", "--yes").code == 2


def test_a_person_sees_the_archives_the_total_and_the_table(glacier: Glacier, cli: Call) -> None:
    waiting = cli("vault", "inventory", "lab", "--yes")
    assert waiting.code == 8
    assert "run the same command again after" in waiting.out
    glacier.finish()
    ready = cli("vault", "inventory", "lab")
    assert ready.code == 0
    assert "p1/day2.edf" in ready.out
    assert "3 archives, 3.0 kB, as of 2026-11-29T02:00:00Z." in ready.err


def test_against_moto(home: object, moto_environment: Moto, cli: Call) -> None:
    client = moto_environment.client("glacier")
    client.create_vault(vaultName="lab")
    content = bytes(range(256)) * 100
    client.upload_archive(vaultName="lab", archiveDescription="p1/day1.edf", body=content)
    assert ask(cli).code == 8
    deadline = time.monotonic() + 30  # moto's jobs take five seconds
    while (result := ask(cli)).code == 8:
        assert time.monotonic() < deadline
        time.sleep(1)
    assert result.code == 0
    [archive] = archives(result)
    assert (archive["name"], archive["bytes"]) == ("p1/day1.edf", len(content))
    assert archive["tree_hash"] == tree_hash(content).hex()
