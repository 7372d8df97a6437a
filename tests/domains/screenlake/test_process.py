"""From zips to tables and images: all of it, once, the same at any width, and after whatever happens to the store."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from demo.phones import Phone, Shape
from PIL import Image

from bondstore.domains.screenlake.handling import Handling
from bondstore.domains.screenlake.selection import selection_of
from bondstore.errors import Interrupted, PolicyError
from bondstore.runs import pulse
from bondstore.runs.engine import execute, only_plan
from bondstore.runs.executors import Executor, Processes, Serial, Threads
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.progress import NOTHING, Quiet
from bondstore.runs.tally import Count
from tests.phonelab import PLAIN, PhoneLab, same_rows, tree, whole

SHAPE = Shape(panelists=3, zips=3, opted_out=1)


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def sibling(phone: Phone, name: str) -> str:
    """Return the key of another zip of the same panelist."""
    return phone.key.rpartition("/")[0] + "/" + name


def test_every_image_and_every_row_comes_out_once(lab: PhoneLab) -> None:
    phones = lab.fill(SHAPE)
    result = lab.run()
    assert result.tally.objects() == {"planned": 9, "done": 9, "skipped": 0, "quarantined": 0, "failed": 0}
    assert result.tally.inside == {"images": sum(len(phone.images) for phone in phones)}
    whole(lab)


def test_text_is_as_it_came(lab: PhoneLab) -> None:
    lab.fill(Shape(panelists=1, zips=4, quotes=1.0))
    lab.run()
    rows = next(iter(lab.results().values())).rows("screenshot_data")
    assert all(row["id_user"].startswith("000") for row in rows)
    assert any(row["text"] == "null" for row in rows)
    assert any('"' in row["text"] for row in rows)
    assert all(row["_source"].split("/")[0].startswith("image_zip_") for row in rows)


def test_rows_stand_in_the_order_they_were_captured(lab: PhoneLab) -> None:
    lab.fill(Shape(panelists=1, zips=5))
    lab.run()
    times = [int(row["t_epoch_ts_ms"]) for row in next(iter(lab.results().values())).rows("screenshot_data")]
    assert times == sorted(times)


@pytest.mark.parametrize("executor", [Threads(3), Processes(2)], ids=["threads", "processes"])
def test_the_width_changes_nothing(lab: PhoneLab, tmp_path: Path, executor: Executor) -> None:
    lab.fill(Shape(panelists=3, zips=4))
    fast = Handling(effort="fast")
    lab.run(fast)
    lab.run(fast, executor=executor, dest=tmp_path / "wide")
    assert tree(tmp_path / "wide") == tree(lab.dest)
    assert len(tree(lab.dest)) > 3 * 4 * 4


def test_a_second_run_does_nothing(lab: PhoneLab) -> None:
    lab.fill(SHAPE)
    lab.run()
    before = tree(lab.dest)
    stamps = {path: path.stat().st_mtime_ns for path in lab.dest.rglob("*") if path.is_file() and "q" in path.parts}
    result = lab.run()
    assert (result.tally.done.objects, result.tally.skipped.objects) == (0, 9)
    assert tree(lab.dest) == before
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}


def test_a_zip_that_came_late_and_one_that_changed(lab: PhoneLab) -> None:
    first, _, late, *_ = lab.fill(Shape(panelists=2, zips=3))
    (lab.source / late.key).unlink()
    del lab.phones[late.key]
    lab.run()
    whole(lab)
    lab.put(late.key, late.data)
    lab.phones[late.key] = late
    other = next(iter(PhoneLab(lab.folder / "other").fill(Shape(panelists=1, zips=1, seed=99))))
    lab.put(first.key, other.data)
    lab.phones[first.key] = replace(other, key=first.key, panelist=first.panelist)
    result = lab.run()
    assert (result.tally.done.objects, result.tally.skipped.objects) == (2, 4)
    whole(lab)
    fresh = PhoneLab(lab.folder / "fresh")
    for key, phone in lab.phones.items():
        fresh.put(key, phone.data)
    fresh.run()
    assert tree(fresh.dest) == tree(lab.dest), "the same as if it had been so from the start"


def test_a_zip_uploaded_twice_adds_nothing(lab: PhoneLab) -> None:
    phones = lab.fill(SHAPE)
    for phone in phones[:3]:
        lab.put(sibling(phone, "image_zip_again_" + phone.key[-20:]), phone.data)
    result = lab.run()
    assert result.tally.done.objects == 12
    whole(lab)
    summary = lab.results()[phones[0].panelist].summary
    assert summary["images"]["repeated"] == sum(len(phone.images) for phone in phones[:3])
    assert sum(table["repeats"] for table in summary["tables"].values()) == sum(
        len(table.rows) for phone in phones[:3] for table in phone.tables
    )


def test_a_zip_that_was_dropped_from_the_store_stays_in_the_results(lab: PhoneLab) -> None:
    phones = lab.fill(Shape(panelists=1, zips=3))
    lab.run()
    (lab.source / phones[0].key).unlink()
    lab.run()
    whole(lab)


def test_other_content_under_the_same_name_is_kept_too(lab: PhoneLab) -> None:
    first, second = lab.fill(Shape(panelists=1, zips=2))
    name = first.images[0].name
    files = members(second.data)
    files[name] = files.pop(second.images[0].name)
    lab.put(second.key, zipped(files))
    lab.run()
    result = lab.results()[first.panelist]
    assert len(result.images) == len(first.images) + len(second.images)
    assert name in result.images
    by_zip = {(line["zip"], line["member"]): line["image"] for line in result.redactions}
    assert by_zip[first.key, name] == name, "the zip that was captured first has the name"
    assert by_zip[second.key, name] != name
    lab.run(dest=lab.folder / "again", executor=Threads(3))
    assert tree(lab.folder / "again") == tree(lab.dest)


def test_an_earlier_zip_that_comes_late_takes_the_name_over(lab: PhoneLab) -> None:
    first, second = lab.fill(Shape(panelists=1, zips=2))
    name = first.images[0].name
    files = members(second.data)
    files[name] = files.pop(second.images[0].name)
    lab.put(second.key, zipped(files))
    (lab.source / first.key).unlink()
    lab.run()
    before = lab.results()[first.panelist].images
    lab.put(first.key, first.data)
    lab.run()
    after = lab.results()[first.panelist].images
    assert before[name] != after[name]
    assert before[name] in after.values()
    whole_again = PhoneLab(lab.folder / "fresh")
    for path in lab.source.rglob("*.zip*"):
        whole_again.put(path.relative_to(lab.source).as_posix(), path.read_bytes())
    whole_again.run()
    assert tree(whole_again.dest) == tree(lab.dest)


@pytest.mark.parametrize("what", ["image", "table", "report", "part", "redactions"])
def test_what_somebody_removes_or_alters_is_made_again(lab: PhoneLab, what: str) -> None:
    lab.fill(Shape(panelists=2, zips=2))
    lab.run()
    before = tree(lab.dest)
    patterns = {
        "image": "images/*.jpg",
        "table": "*-consolidated.csv",
        "report": "report.html",
        "part": "*.zip",
        "redactions": "redactions.jsonl",
    }
    gone, altered = sorted(lab.dest.rglob(patterns[what]))[:2]
    gone.unlink()
    altered.write_bytes(b"something else")
    lab.run()
    assert tree(lab.dest) == before
    (folder,) = (lab.dest / ".bondstore").glob("changed-*")
    assert [path.read_bytes() for path in folder.rglob("*") if path.is_file()] == [b"something else"]
    assert (folder / altered.relative_to(lab.dest)).is_file()


def test_days_are_those_of_the_upload(lab: PhoneLab) -> None:
    phones = lab.fill(Shape(panelists=1, zips=3))
    for day, phone in enumerate(phones, 10):
        lab.put(phone.key, phone.data, modified=time.mktime((2024, 2, day, 23, 59, 59, 0, 0, 0)))
    result = lab.run(selection=selection_of("2024-02-10", "2024-02-11"))
    assert result.tally.done.objects == 2
    for phone in phones[2:]:
        del lab.phones[phone.key]
    whole(lab)


def test_days_are_those_of_the_capture(lab: PhoneLab) -> None:
    phones = lab.fill(Shape(panelists=2, zips=3))
    day = selection_of("2024-01-06", "2024-01-06", "captured")
    lab.run(selection=day)
    since, until = day.window_ms()
    assert since is not None
    assert until is not None
    inside = {phone.key for phone in phones if since <= phone.first_ms and phone.last_ms < until}
    assert len(inside) == 2, "each turn is a day of its own"
    for panelist, result in lab.results().items():
        mine = [phone for phone in phones if phone.panelist == panelist and phone.key in inside]
        assert set(result.images) == {image.name for phone in mine for image in phone.images}
        expected = [
            dict(zip(table.columns, row, strict=True))
            for phone in mine
            for table in phone.tables
            if table.prefix == "screenshot_data"
            for row in table.rows
        ]
        assert same_rows(result.rows("screenshot_data"), expected)
        outside = [line for line in result.redactions if line["outcome"] == "outside"]
        assert len(outside) == sum(len(phone.images) for phone in phones if phone.panelist == panelist) - len(
            result.images
        )


def test_only_the_panelists_that_are_asked_for(lab: PhoneLab) -> None:
    phones = lab.fill(SHAPE)
    lab.run(selection=selection_of(None, None, panelists=[phones[0].panelist]))
    assert set(lab.results()) == {phones[0].panelist}


def test_another_handling_does_everything_anew_and_leaves_nothing_of_the_old(lab: PhoneLab) -> None:
    lab.fill(Shape(panelists=1, zips=2, quotes=0.0))
    lab.run()
    panelist = next(iter(lab.results().values()))
    assert any(row["text"] for row in panelist.rows("screenshot_data"))
    lab.run(Handling(redact="none", text="drop"))
    assert {row["text"] for row in panelist.rows("screenshot_data")} == {""}
    fresh = lab.folder / "fresh"
    lab.run(Handling(redact="none", text="drop"), dest=fresh)
    assert tree(fresh) == tree(lab.dest)
    assert panelist.summary["marks"].keys() == {"DROPPED"}


def test_what_was_handled_otherwise_is_not_passed_off_as_todays(lab: PhoneLab) -> None:
    """A zip that is gone from the store cannot be handled anew: what came of it before is left out, and named."""
    gone, stays = lab.fill(Shape(panelists=1, zips=2))
    lab.run()
    (lab.source / gone.key).unlink()
    drop = Handling(redact="none", text="drop")
    result = lab.run(drop)
    panelist = lab.results()[gone.panelist]
    assert result.tally.done.objects == 1
    assert {row["text"] for row in panelist.rows("screenshot_data")} == {""}
    assert set(panelist.images) == {image.name for image in stays.images}
    assert panelist.summary["findings"][0][0] == "stale"
    with FolderDestination(lab.dest).ledger(create=False) as ledger:
        assert [one.key for one in ledger.findings.of_run(result.run) if one.kind == "stale"] == [gone.key]
    again = lab.run(drop)
    assert again.tally.done.objects == 0
    lab.run()
    whole(lab)


def test_images_lose_what_they_carry_beside_their_pixels(lab: PhoneLab) -> None:
    phone = lab.fill(Shape(panelists=1, zips=1))[0]
    files = members(phone.data)
    name = phone.images[0].name
    picture = Image.open(io.BytesIO(files[name]))
    exif = Image.Exif()
    exif[0x010F] = "Secret Maker"
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif, comment=b"Secret comment", quality=60)
    assert b"Secret" in out.getvalue()
    files[name] = out.getvalue()
    lab.put(phone.key, zipped(files))
    lab.run()
    data = lab.results()[phone.panelist].images[name]
    assert b"Secret" not in data
    assert not Image.open(io.BytesIO(data)).getexif()


def test_a_query_id_stands_for_one_selection(lab: PhoneLab) -> None:
    lab.fill(Shape(panelists=1, zips=1))
    lab.run()
    with pytest.raises(PolicyError, match="another selection"):
        lab.run(selection=selection_of("2024-01-01", None))


def test_a_dry_run_writes_nothing(lab: PhoneLab) -> None:
    lab.fill(SHAPE)
    lab.put("academia/readme.txt", b"hello")
    result = only_plan(lab.job(), FolderDestination(lab.dest))
    assert result.plan.todo.objects == 9
    assert result.plan.left_out == {"not a zip": 1}
    assert not lab.dest.exists()


def test_parquet_holds_the_same_rows(lab: PhoneLab) -> None:
    import polars as pl

    lab.fill(Shape(panelists=1, zips=2))
    lab.run(Handling(redact="none", parquet=True))
    panelist = next(iter(lab.results().values()))
    for prefix in panelist.prefixes:
        frame = pl.read_parquet(panelist.folder / "metadata" / f"{prefix}-consolidated.parquet")
        assert frame.to_dicts() == panelist.rows(prefix)


def test_large_zips_are_read_in_ranges(lab: PhoneLab, monkeypatch: pytest.MonkeyPatch) -> None:
    from bondstore.domains.screenlake import phone_zips

    lab.fill(SHAPE)
    lab.run()
    monkeypatch.setattr(phone_zips, "WHOLE", 1000)
    lab.run(dest=lab.folder / "ranges", executor=Serial())
    assert tree(lab.folder / "ranges") == tree(lab.dest)


def test_the_plan_knows_what_another_handling_must_do(lab: PhoneLab) -> None:
    lab.fill(SHAPE)
    lab.run(PLAIN)
    plan = only_plan(lab.job(Handling(redact="none", text="drop")), FolderDestination(lab.dest)).plan
    assert (plan.todo.objects, plan.skipped.objects) == (9, 0)


def test_patterns_are_taken_out_of_every_column_that_may_hold_text(lab: PhoneLab) -> None:
    """Also out of columns that nobody knows, and of users' names, which can be addresses."""
    phone = lab.fill(Shape(panelists=1, zips=1))[0]
    files = members(phone.data)
    for name in list(files):
        if name.startswith("log_data"):
            files[name] = b'"event","msg","user","timestamp","more"\n'
            files[name] += b'"e","m a.b@example.org","zoe@example.org","1704441600000","or +44 20 7946 0018"\n'
    lab.put(phone.key, zipped(files))
    lab.run(Handling(redact="none", text="patterns"))
    panelist = lab.results()[phone.panelist]
    row = panelist.rows("log_data")[0]
    assert (row["msg"], row["user"], row["more"]) == ("m [EMAIL]", "[EMAIL]", "or [PHONE]")
    assert row["timestamp"] == "1704441600000"
    assert not any(
        "@example" in value for prefix in panelist.prefixes for one in panelist.rows(prefix) for value in one.values()
    )
    assert panelist.summary["marks"]["EMAIL"] >= 2
    times = [one["t_epoch_ts_ms"] for one in panelist.rows("screenshot_data")]
    assert all(time.isdigit() for time in times)


def test_each_image_is_told_to_who_watches_and_what_is_stopped_is_counted(
    lab: PhoneLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.fill(Shape(panelists=2, zips=2))
    assert lab.run().tally.complete
    images = sum(len(phone.images) for phone in lab.phones.values())
    things, size = pulse.seen()
    assert things >= images
    assert 0 < size <= sum(len(phone.data) for phone in lab.phones.values()) * 2

    class Impatient(Quiet):
        def advance(self, step: Count, inside: Mapping[str, int] = NOTHING) -> None:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stopped:
        execute(lab.job(), FolderDestination(lab.folder / "other"), Serial(), progress=Impatient())
    assert re.fullmatch(r"Stopped\. What was done is kept: \d+ objects?, \d+ images\.", stopped.value.message)
