"""Found by trying to break it: what was lost, shown or stuck then, and must not be again."""

from __future__ import annotations

import hashlib
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from demo.phones import Phone, Shape, make

from bondstore.domains.screenlake import part
from bondstore.domains.screenlake.extract import ZipWork
from bondstore.domains.screenlake.handling import Handling
from bondstore.domains.screenlake.part import SealedSpool
from bondstore.domains.screenlake.selection import selection_of
from bondstore.errors import PolicyError
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.proof import changed_files
from tests.domains.screenlake.test_process import members, sibling, zipped
from tests.phonelab import PLAIN, PhoneLab, Results, whole

SHAPE = Shape(panelists=1, zips=2, screenshots=2, restricted=0, rows=3, size=(16, 24))
DROP, PATTERNS = Handling(redact="none", text="drop"), Handling(redact="none", text="patterns")
SECRET, MAIL = b"wordsfromthescreen", b"somebody.special@example.org"


def only(lab: PhoneLab) -> Results:
    (result,) = lab.results().values()
    return result


def kinds(lab: PhoneLab) -> set[str]:
    with FolderDestination(lab.dest).ledger(create=False) as ledger:
        return {one.kind for one in ledger.findings.walk()}


def altered(lab: PhoneLab) -> list[str]:
    destination = FolderDestination(lab.dest)
    with destination.ledger(create=False) as ledger:
        return [one.key for one in changed_files(ledger, destination)]


def line(*values: bytes) -> bytes:
    return b",".join(b'"' + value + b'"' for value in values) + b"\n"


def without_images(phone: Phone) -> bytes:
    return zipped({name: data for name, data in members(phone.data).items() if not name.endswith(".jpg")})


def test_two_images_of_one_name_in_one_zip_are_told_apart(lab: PhoneLab) -> None:
    (phone,) = lab.fill(replace(SHAPE, zips=1))
    files = members(phone.data)
    first, second = (files.pop(image.name) for image in phone.images)
    lab.put(phone.key, zipped({**files, "a/shot.jpg": first, "b/shot.jpg": second}))
    lab.run()
    result = only(lab)
    assert len(result.images) == 2
    for said in result.redactions:
        assert hashlib.sha256(result.images[said["image"]]).hexdigest() == said["sha256_after"]


def test_a_refused_question_does_not_take_the_query_id_away(lab: PhoneLab) -> None:
    lab.fill(SHAPE)
    lab.run()
    for _ in range(2):
        with pytest.raises(PolicyError, match="another selection"):
            lab.run(selection=selection_of("2024-01-01", None))
    assert lab.run().state == "finished"


def test_a_question_that_found_nothing_does_not_take_the_query_id_away(lab: PhoneLab) -> None:
    lab.fill(SHAPE)
    lab.run(selection=selection_of("1999-01-01", "1999-01-02"))
    assert lab.run().tally.done.objects == 2


@pytest.mark.parametrize("store", ["gone", "there"])
def test_a_retry_takes_nothing_away(lab: PhoneLab, store: str) -> None:
    damaged, _ = lab.fill(SHAPE)
    lab.put(damaged.key, damaged.data[: len(damaged.data) * 7 // 10])
    lab.run()
    before = only(lab).rows("app_accessibility_data")
    if store == "gone":
        (lab.source / damaged.key).unlink()
    lab.run(retry=True)
    assert only(lab).rows("app_accessibility_data") == before
    assert "stale" not in kinds(lab)


def test_an_image_that_is_gone_for_good_is_named_and_stops_nobody(lab: PhoneLab) -> None:
    """Somebody took an image out, the store has dropped its zip since, and a new zip comes."""
    phones = list(make(replace(SHAPE, zips=3)))
    for phone in phones[:2]:
        lab.put(phone.key, phone.data)
    lab.run()
    result, name = only(lab), phones[0].images[0].name
    (result.folder / "images" / name).unlink()
    for phone in phones[:2]:
        (lab.source / phone.key).unlink()
    lab.put(phones[2].key, phones[2].data)
    lab.run()
    assert len(result.images) == 5
    assert result.summary["images"]["image-gone"] == 1
    assert "gone from the folder" in (result.folder / "report.html").read_text()
    assert "image-gone" in kinds(lab)
    assert [said["outcome"] for said in result.redactions if said["image"] is None] == ["image-gone"]
    rows = [row for row in result.rows("screenshot_data") if row["file"].endswith(name)]
    assert [row["image"] for row in rows] == ["(withheld: image-gone)"]
    for phone in phones:
        lab.put(phone.key, phone.data)
        lab.phones[phone.key] = phone
    lab.run()
    whole(lab)
    assert "image-gone" not in result.summary["images"]
    assert altered(lab) == []


@pytest.mark.parametrize("how", ["removed", "altered"])
def test_what_came_of_a_zip_that_is_gone_is_not_made_of_something_else(lab: PhoneLab, how: str) -> None:
    gone, stays = lab.fill(SHAPE)
    lab.run()
    (lab.source / gone.key).unlink()
    with FolderDestination(lab.dest).ledger(create=False) as ledger:
        path = lab.dest / next(one.path for one in ledger.outputs.walk() if _belongs(lab, one.path, gone))
    if how == "removed":
        path.unlink()
    else:
        path.write_bytes(zipped({"index.json": b"{}"}))
    lab.run()
    assert set(only(lab).images) == {image.name for image in stays.images}
    assert "stale" in kinds(lab)
    lab.put(gone.key, gone.data)
    lab.run()
    whole(lab)
    assert altered(lab) == []


def _belongs(lab: PhoneLab, path: str, phone: Phone) -> bool:
    if not path.endswith(".zip"):
        return False
    with part.PartCache(FolderDestination(lab.dest)) as cache:
        return part.PartFile(path, cache).index().key == phone.key


def test_an_image_of_two_zips_comes_back_with_the_one_that_still_has_it(lab: PhoneLab) -> None:
    (phone,) = lab.fill(replace(SHAPE, zips=1))
    again = sibling(phone, "image_zip_zz.zip")
    lab.put(again, phone.data)
    lab.run()
    lab.put(again, without_images(phone))
    lab.run()
    (only(lab).folder / "images" / phone.images[0].name).unlink()
    lab.run()
    assert set(only(lab).images) == {image.name for image in phone.images}
    assert lab.run().tally.skipped.objects == 2


@pytest.mark.parametrize("handling", [DROP, PATTERNS], ids=["drop", "patterns"])
def test_a_table_that_begins_with_a_row_keeps_its_text_to_itself(lab: PhoneLab, handling: Handling) -> None:
    (phone,) = lab.fill(replace(SHAPE, zips=1))
    rows = line(b"0001", MAIL + b" " + SECRET, b"1704441600000") * 2
    lab.put(phone.key, zipped({**members(phone.data), "app_accessibility_data_csv_x.csv": rows, "x_data.csv": MAIL}))
    assert lab.run(handling).tally.quarantined.objects == 1
    assert "rows-aside" in kinds(lab)
    assert only(lab).summary["tables"]["app_accessibility_data"]["aside"] == 2
    for path in (one for one in lab.dest.rglob("*") if one.is_file()):
        whole_file = path.read_bytes()
        for data in members(whole_file).values() if path.suffix == ".zip" else (whole_file,):
            assert MAIL not in data, path
            assert handling.text != "drop" or SECRET not in data, path


def test_a_table_with_odd_names_of_columns_is_one(lab: PhoneLab) -> None:
    (phone,) = lab.fill(replace(SHAPE, zips=1))
    rows = line(b"id_user", b"text", b"battery level (%)", b"") + line(b"0001", SECRET, b"73", b"x")
    lab.put(phone.key, zipped({"battery_data_csv_1.csv": rows}))
    lab.run(DROP)
    assert [row["battery level (%)"] for row in only(lab).rows("battery_data")] == ["73"]


def test_text_that_is_taken_out_never_lies_on_a_disk(lab: PhoneLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also not in a file without a name, where a large table waits to be read again."""
    (phone,) = lab.fill(replace(SHAPE, zips=1))
    rows = line(b"id_user", b"text") + line(b"0001", SECRET * 10) * 30_000
    lab.put(phone.key, zipped({"app_accessibility_data_csv_1.csv": rows}))
    real, looked = ZipWork._read, []

    def look(work: ZipWork, *args: object, **named: object) -> None:
        for file in Path("/proc/self/fd").iterdir():
            target = str(file.readlink()) if file.is_symlink() else ""
            if target.startswith(str(lab.dest)) and target.endswith("(deleted)"):
                looked.append(file.read_bytes())
        real(work, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(ZipWork, "_read", look)
    lab.run(DROP)
    assert max(map(len, looked)) > 4 << 20, "it was there"
    assert not any(SECRET in data for data in looked)
    assert len(only(lab).rows("app_accessibility_data")) == 30_000


@pytest.mark.parametrize("sizes", [[], [3], [10, 0, 1], [4, 7, 300, 1]])
def test_a_spool_gives_back_what_it_took(tmp_path: Path, sizes: list[int]) -> None:
    data = bytes(range(256)) * 2
    with SealedSpool(10, tmp_path) as spool:
        for size in sizes:
            spool.write(data[:size])
        expected = b"".join(data[:size] for size in sizes)
        assert [b"".join(spool.chunks()) for _ in range(2)] == [expected] * 2
    assert list(tmp_path.iterdir()) == []


def test_many_tables_in_one_zip_open_their_part_once(lab: PhoneLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that is read for every table makes ten thousand of them a matter of hours."""
    (phone,) = lab.fill(replace(SHAPE, zips=1))
    lab.put(phone.key, zipped({f"log_data_{n}.csv": b'"msg"\n"%d"\n' % n for n in range(200)}))
    opened = []
    real = part.PartCache.take

    def take(shelf: part.PartCache, path: Path) -> object:
        found = real(shelf, path)
        opened.append(found)
        return found

    monkeypatch.setattr(part.PartCache, "take", take)
    lab.run()
    assert len(opened) > 200
    assert len(set(map(id, opened))) == 1
    assert len(only(lab).rows("log_data")) == 200


def test_rows_aside_of_more_tables_than_files_may_be_open(lab: PhoneLab) -> None:
    (phone,) = lab.fill(replace(SHAPE, zips=1))
    lab.put(phone.key, zipped({f"t{n}_data_1.csv": b'"msg","b"\n"%d"\n' % n for n in range(150)}))
    with few_files(120):
        lab.run()
    assert len(list((only(lab).folder / "metadata").glob("*-aside.csv"))) == 150


@contextmanager
def few_files(most: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_images_that_nobody_may_see_any_more_are_gone_at_once(lab: PhoneLab) -> None:
    """Covered from now on, and the name that an image had given way to is free: the uncovered one is not left there."""
    first, second = lab.fill(SHAPE)
    files = members(second.data)
    files[first.images[0].name] = files.pop(second.images[0].name)
    lab.put(second.key, zipped(files))
    lab.run(PLAIN)
    uncovered = set(only(lab).images)
    lab.put(first.key, without_images(first))
    lab.run(Handling(effort="fast"))
    left = only(lab).images
    assert len(uncovered) == 4
    assert set(left) == {first.images[0].name, second.images[1].name}
    assert {said["image"] for said in only(lab).redactions} == set(left)
    assert altered(lab) == []


def test_an_image_that_a_wanted_row_names_is_wanted(lab: PhoneLab) -> None:
    """Also if another row, of another day, names it too."""
    (phone,) = lab.fill(replace(SHAPE, zips=1))
    files = members(phone.data)
    rows = line(b"file", b"t_epoch_ts_ms") + line(b"/x/a.jpg", b"1704412800000") + line(b"/x/a.jpg", b"1704326399999")
    lab.put(phone.key, zipped({"screenshot_data_csv_1.csv": rows, "a.jpg": files[phone.images[0].name]}))
    lab.run(selection=selection_of("2024-01-05", "2024-01-05", "captured"))
    assert set(only(lab).images) == {"a.jpg"}
    assert [row["image"] for row in only(lab).rows("screenshot_data")] == ["a.jpg"]
