"""A folder and a store take outputs in the same way: whole, with their hashes, and found again by the same calls."""

from __future__ import annotations

import hashlib
import pickle
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.resolve import resolve_store
from bondstore.errors import AlreadyExistsError, ConfigurationError, NotFoundError
from bondstore.ledger import Item, Ledger, Output
from bondstore.runs.context import RunContext
from bondstore.runs.destination import Destination
from bondstore.runs.destinations import open_destination
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.quarantine import sweep
from bondstore.runs.receipt import Receipt
from bondstore.runs.record import record
from bondstore.runs.store_destination import StoreDestination
from bondstore.runs.work import Work
from bondstore.runs.writers import HELD

FACTS = {"kind": "table", "made_by": "digest", "rows": 3, "source": "a/b"}


@pytest.fixture(params=["folder", "s3"])
def dest(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Destination:
    if request.param == "folder":
        return open_destination(StoreSpec((tmp_path / "out").as_uri(), Profile()))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    url: str = request.getfixturevalue("s3_environment")
    return open_destination(resolve_store(f"{url}/results"))


def written(dest: Destination, **files: bytes) -> dict[str, Output]:
    """Write files, seal and show them."""
    writer = dest.writer()
    for path, data in files.items():
        writer.write(path, [data], **FACTS)
    outputs, staged = writer.seal()
    dest.show(staged)
    return {one.path: one for one in outputs}


def test_an_address_opens_its_kind(dest: Destination, tmp_path: Path) -> None:
    kind = FolderDestination if dest.shown == str(tmp_path / "out") else StoreDestination
    assert type(dest) is kind
    assert pickle.loads(pickle.dumps(dest)) == dest


def test_outputs_have_their_hash_and_facts(dest: Destination) -> None:
    with dest.locked():
        found = written(dest, **{"a/one.csv": b"1\n", "two": b""})
        assert found.keys() == {"a/one.csv", "two"}
        one = found["a/one.csv"]
        assert (one.sha256, one.size) == (hashlib.sha256(b"1\n").digest(), 2)
        assert {name: getattr(one, name) for name in FACTS} == FACTS
        assert dest.read_many(["a/one.csv", "two"]) == [b"1\n", b""]
        assert dest.sha256("a/one.csv") == one.sha256
        with dest.open("a/one.csv") as file:
            file.seek(1)
            assert file.read() == b"\n"


def test_large_ones_and_ones_made_elsewhere(dest: Destination) -> None:
    large = [bytes([number]) * (1 << 20) for number in range(9)]
    with dest.locked():
        writer = dest.writer()
        writer.write("small", [b"x", b"y"])
        writer.write("large", iter(large), kind="object")
        temporary = writer.reserve()
        temporary.write_bytes(b"from another writer")
        writer.adopt("adopted", temporary, rows=7)
        outputs, staged = writer.seal()
        dest.show(staged)
        assert {(one.path, one.sha256, one.rows, one.kind) for one in outputs} == {
            ("small", hashlib.sha256(b"xy").digest(), None, ""),
            ("large", hashlib.sha256(b"".join(large)).digest(), None, "object"),
            ("adopted", hashlib.sha256(b"from another writer").digest(), 7, ""),
        }
        assert dest.read("large") == b"".join(large)
    assert not list(dest.corner.rglob("tmp/*"))


def test_more_than_is_held_in_memory_all_comes_out(dest: Destination) -> None:
    files = {f"f{number}": bytes([number]) * (HELD // 3) for number in range(7)}
    with dest.locked():
        found = written(dest, **files)
        assert {path: one.sha256 for path, one in found.items()} == {
            path: hashlib.sha256(data).digest() for path, data in files.items()
        }
        assert all(dest.holder().holds(one) for one in found.values())


def test_what_is_new_for_certain_is_put_while_the_rest_is_made(dest: Destination) -> None:
    contents = {f"{number % 7}/{number}": bytes([number]) * 1000 * number for number in range(120)}
    with dest.locked():
        writer = dest.writer()
        for path, data in contents.items():
            writer.write(path, [data], fresh=True)
        assert writer.read("3/31") == contents["3/31"]
        outputs, staged = writer.seal()
        dest.show(staged)
        assert {one.path: one.sha256 for one in outputs} == {
            path: hashlib.sha256(data).digest() for path, data in contents.items()
        }
        assert {path: dest.read(path) for path in contents} == contents
        holder = dest.holder()
        assert all(map(holder.holds, outputs))


def test_of_two_contents_of_one_path_the_later_one_stays(dest: Destination) -> None:
    if not dest.at_once:
        pytest.skip("files have temporary names of their own")
    with dest.locked():
        writer = dest.writer()
        for number in range(40):
            writer.write("one", [bytes([number]) * 200_000], fresh=True)
        [output] = writer.seal().outputs
        assert dest.read("one") == bytes([39]) * 200_000
        assert output.etag == dict(dest.tags(""))["one"]


def test_nothing_is_put_any_more_once_a_writer_is_discarded(dest: Destination) -> None:
    with dest.locked():
        writer = dest.writer()
        for number in range(200):
            writer.write(str(number), [b"x" * 10_000], fresh=True)
        writer.discard()
        there = set(dest.walk(""))
        assert len([one for one in there if one.isdigit()]) < 200
        time.sleep(0.3)
        assert set(dest.walk("")) == there


@pytest.mark.parametrize("few", [False, True])
def test_whether_outputs_are_in_place(dest: Destination, few: bool) -> None:
    with dest.locked():
        found = written(dest, same=b"1", changed=b"1", gone=b"1")
        written(dest, changed=b"2")
        dest.remove(["gone", "never"])
        holder = dest.holder(few=few)
        assert {path: holder.holds(one) for path, one in found.items()} == {
            "same": True,
            "changed": False,
            "gone": False,
        }
        assert holder.holds(Output("nothing-came-of-it", b"", 0, 0))


def test_what_is_discarded_is_not_there(dest: Destination) -> None:
    with dest.locked():
        writer = dest.writer()
        writer.write("a", [b"1"])
        writer.reserve().write_bytes(b"2")
        writer.discard()
        assert list(dest.walk("")) == [] or all(path.startswith(".bondstore/") for path in dest.walk(""))
        with pytest.raises(NotFoundError):
            dest.read("a")
    assert not list(dest.corner.rglob("tmp/*"))


def test_a_maker_that_fails_leaves_nothing_to_be_seen(dest: Destination) -> None:
    def half() -> object:
        yield b"x" * (9 << 20)
        raise AlreadyExistsError("The source broke.")

    with dest.locked():
        writer = dest.writer()
        with pytest.raises(AlreadyExistsError, match="The source broke"):
            writer.write("half", half())
        writer.discard()
        with pytest.raises(NotFoundError):
            dest.read("half")


def test_outputs_are_renamed_and_walked(dest: Destination) -> None:
    with dest.locked():
        written(dest, **{"w/a": b"1", "w/b/c": b"2", "x": b"3"})
        dest.move([("w/a", "named/a"), ("w/never", "named/never"), ("x", "w/b/c")])
        assert sorted(dest.walk("w")) == ["w/b/c"]
        assert dest.read_many(["named/a", "w/b/c"]) == [b"1", b"3"]
        assert list(dest.walk("missing")) == []


def quarantined(dest: Destination, ledger: Ledger, *keys: str) -> RunContext:
    """Put objects into quarantine, as a run does; those that are mended since are recorded as done."""
    context = RunContext("r", "job", "me", StoreSpec("file:///nowhere", Profile()), dest)
    with ledger.transaction():
        ledger.runs.put("r", "job", {}, who="me", tool="", started_ms=0)
    work = Work(context)
    for key in keys:
        work.quarantine(Item(key, "", 3, ""), "", "truncated", [key.encode()])
    record(ledger, context, [work.seal()])
    mended = Receipt()
    for key in keys:
        if "mended" in key:
            mended.done(Item(key, "", 3, "o"), "2")
    record(ledger, context, [mended])
    return context


def test_quarantine_keeps_what_is_still_in_it(dest: Destination) -> None:
    with dest.locked(), dest.ledger() as ledger:
        context = quarantined(dest, ledger, "bad", "mended", "mended-but-replaced")
        dest.put(".bondstore/quarantine/mended-but-replaced", [b"somebody else's"])
        dest.put(".bondstore/quarantine/nobody-knows", [b"nobody-knows"])
        sweep(ledger, context)
        left = [path.rpartition("/")[2] for path in dest.walk(".bondstore/quarantine")]
        assert "bad" in left
        assert "mended" not in left
        everything = {path: dest.read(path) for path in dest.walk(".bondstore") if "ledger" not in path}
        assert b"nobody-knows" in everything.values()  # it may be the only sealed copy there is
        assert b"somebody else's" in everything.values()
        assert dest.read(".bondstore/quarantine/bad") == b"bad"
        assert ledger.outputs.written([f".bondstore/quarantine/{key}" for key in ("bad", "mended")]) == {
            ".bondstore/quarantine/bad"
        }
        assert not list(ledger.disagreements())


def test_what_another_job_still_has_in_quarantine_stays(dest: Destination) -> None:
    with dest.locked(), dest.ledger() as ledger:
        context = quarantined(dest, ledger, "mended")
        other = replace(context, run="s", job="other")
        with ledger.transaction():
            ledger.runs.put("s", "other", {}, who="me", tool="", started_ms=0)
        work = Work(other)
        work.quarantine(Item("mended", "", 3, ""), "", "truncated", [b"mended"])
        record(ledger, other, [work.seal()])
        sweep(ledger, context)
        assert dest.read(".bondstore/quarantine/mended") == b"mended"
        done = Receipt()
        done.done(Item("mended", "", 3, "o"), "2")
        record(ledger, other, [done])
        sweep(ledger, other)
        assert list(dest.walk(".bondstore/quarantine")) == []
        assert not list(ledger.disagreements())


def test_links_in_the_quarantine_lead_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    dest, other = FolderDestination(tmp_path / "out"), tmp_path / "other"
    with dest.locked(), dest.ledger() as ledger:
        context = quarantined(dest, ledger, "mended", "folder/mended")
        quarantine = dest.corner / "quarantine"
        quarantine.rename(other)  # and a link is in its place: all that is said of it is true, but it is not there
        quarantine.symlink_to(other)
        sweep(ledger, context)
        quarantine.unlink()
        quarantine.mkdir()
        (quarantine / "folder").symlink_to(other)
        (quarantine / "unknown").write_bytes(b"sealed")
        sweep(ledger, context)
    assert (other / "mended").read_bytes() == b"mended"
    assert (other / "folder" / "mended").read_bytes() == b"folder/mended"
    [aside] = dest.corner.glob("unknown-*/unknown")
    assert aside.read_bytes() == b"sealed"
    assert str(aside.parent) in caplog.text


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    dest, other = FolderDestination(tmp_path / "out"), tmp_path / "other"
    other.write_bytes(b"somebody else's")
    dest.prepare()
    (dest.corner / "lock").symlink_to(other)
    with pytest.raises(ConfigurationError), dest.locked():
        raise AssertionError
    assert other.read_bytes() == b"somebody else's"
    assert (dest.corner / "lock").is_symlink()
