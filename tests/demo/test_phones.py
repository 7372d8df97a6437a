"""The phone zips of demo and tests: read back with other tools they hold what their truth says."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import replace

import pytest
from PIL import Image

from demo import phones

SHAPE = phones.Shape(panelists=4, zips=3, screenshots=3, restricted=2, rows=8, size=(108, 234), opted_out=1)
BOTH_SHAPES = re.compile(
    r"(academia/tenant/\d+_\w+/panel/\d+/V_\d\d/panelist|tenant/\d+_\w+/panel/\d+/V_\d\d)"
    r"/[0-9a-f]{64}/image_zip_[0-9a-f-]{36}_5\.zip(\.zip)?"
)
DOCUMENTED = {  # the order of the screenshot table in the app's documented version
    "screenshot_data": "id_user file zipFileId apk id_session id_segment app text weekday t_epoch_ts_ms "
    "t_natural_utc_ts t_natural_second_ts t_natural_day_ts",
    "app_accessibility_data": "id_user type t_unix_ts_ms apk id_session id_interval text",
    "log_data": "event msg user timestamp",
}


@pytest.fixture(scope="module")
def made() -> list[phones.Phone]:
    return list(phones.make(SHAPE))


def test_the_standard_library_opens_them(made: list[phones.Phone]) -> None:
    assert len(made) == 12
    for phone in made:
        with zipfile.ZipFile(io.BytesIO(phone.data)) as archive:
            assert archive.testzip() is None
            images = {info.filename for info in archive.infolist() if info.filename.endswith(".jpg")}
            assert all(info.flag_bits & 8 and "/" not in info.filename for info in archive.infolist())
            assert images == {image.name for image in phone.images}
            for image in phone.images:
                data = archive.read(image.name)
                assert hashlib.sha256(data).hexdigest() == image.digest
                with Image.open(io.BytesIO(data)) as picture:
                    picture.load()
                    assert (picture.format, picture.size) == ("JPEG", (108, 234))
            assert set(archive.namelist()) - images == {table.name for table in phone.tables}


def test_the_rows_are_read_back_by_splitting(made: list[phones.Phone]) -> None:
    kinds, quotes = Counter[str](), 0
    for phone in made:
        with zipfile.ZipFile(io.BytesIO(phone.data)) as archive:
            for table in phone.tables:
                text = archive.read(table.name).decode()
                header, *rows = [tuple(line[1:-1].split('","')) for line in text.splitlines()]
                assert header == table.columns
                assert tuple(rows) == table.rows
                kinds[table.prefix] += len(rows)
                quotes += sum('"' in cell for row in rows for cell in row)
                if "/V_02/" in phone.key and table.prefix in DOCUMENTED:
                    assert list(header) == DOCUMENTED[table.prefix].split()
    assert quotes > 5
    assert kinds["screenshot_data"] == 12 * 5
    assert kinds["app_accessibility_data"] == 12 * 8
    assert kinds["session_data"] == kinds["log_data"] == 12 * 2
    assert kinds["app_segment_data"] >= 12


def test_the_truth_adds_up(made: list[phones.Phone]) -> None:
    truth = phones.truth(made)
    assert len(truth) == 4
    assert sorted(len(whole.images) for whole in truth.values()) == [0, 9, 9, 9]
    for whole in truth.values():
        rows = whole.rows["screenshot_data"]
        assert len(rows) == 15
        if whole.images:
            assert {row["file"].rpartition("/")[2] for row in rows if row["text"] != "null"} == set(whole.images)
        assert all(row["id_user"].startswith("000") for row in rows)
    digests = [digest for whole in truth.values() for digest in whole.images.values()]
    assert len(set(digests)) == len(digests)


def test_keys_have_both_shapes_and_some_are_zipped_twice(made: list[phones.Phone]) -> None:
    keys = [phone.key for phone in made]
    assert all(BOTH_SHAPES.fullmatch(key) for key in keys)
    assert len(set(keys)) == 12
    assert sum(key.startswith("tenant/") for key in keys) == 3
    assert any(key.endswith(".zip.zip") for key in phones_keys(double=1.0))
    assert not any(key.endswith(".zip.zip") for key in phones_keys(double=0.0))


def phones_keys(double: float) -> list[str]:
    small = phones.Shape(panelists=1, zips=1, screenshots=0, size=(20, 40), double=double)
    return [phone.key for phone in phones.make(small)]


def test_the_same_seed_gives_the_same_zips_however_many(made: list[phones.Phone]) -> None:
    more = replace(SHAPE, panelists=5, opted_out=2)
    again = {(phone.panelist, phone.key): phone.data for phone in phones.make(more)}
    assert [again[phone.panelist, phone.key] for phone in made] == [phone.data for phone in made]
    other = list(phones.make(replace(SHAPE, seed=8)))
    assert not {phone.data for phone in made} & {phone.data for phone in other}


def test_faces_are_pasted_where_asked() -> None:
    def paste(picture: Image.Image, rng: object) -> list[tuple[float, float, float, float]]:
        picture.paste((255, 0, 0), (10, 20, 40, 60))
        return [(10, 20, 30, 40)]

    shape = phones.Shape(panelists=1, zips=1, screenshots=1, paste=paste)
    (phone,) = phones.make(shape)
    (image,) = phone.images
    assert image.faces == [(10, 20, 30, 40)]
    with zipfile.ZipFile(io.BytesIO(phone.data)) as archive, Image.open(archive.open(image.name)) as picture:
        red, green, _ = picture.getpixel((25, 40))
        assert red > 200
        assert green < 60


def test_a_stack_trace_keeps_its_line_ends() -> None:
    (phone,) = phones.make(phones.Shape(panelists=1, zips=1, screenshots=0, restricted=0, traces=1.0))
    (log,) = [table for table in phone.tables if table.prefix == "log_data"]
    assert b'write(Zip.kt:42)\n"' in log.written


def test_importing_it_loads_no_image_library() -> None:
    line = "import sys, demo.phones; sys.exit('PIL' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", line], check=False).returncode == 0
