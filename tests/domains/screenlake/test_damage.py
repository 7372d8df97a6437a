"""The damaged set: each kind is named, the rest comes out, and nothing is written outside the destination."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from demo.phones import Phone, Shape

from bondstore.findings import Finding, Severity
from bondstore.runs.executors import Processes
from tests.phonelab import PhoneLab, Results, same_rows, tree

SHAPE = Shape(panelists=1, zips=2, screenshots=3)
Damage = Callable[[Phone], bytes]


def members(data: bytes) -> list[tuple[zipfile.ZipInfo, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(info, archive.read(info)) for info in archive.infolist()]


def zipped(files: list[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def plain(phone: Phone) -> list[tuple[str | zipfile.ZipInfo, bytes]]:
    return [(info.filename, data) for info, data in members(phone.data)]


def with_more(*files: tuple[str | zipfile.ZipInfo, bytes]) -> Damage:
    return lambda phone: zipped([*plain(phone), *files])


def with_other(ending: str, change: Callable[[bytes], bytes]) -> Damage:
    """Change the first member whose name ends so."""

    def damage(phone: Phone) -> bytes:
        files = plain(phone)
        place = next(n for n, (name, _) in enumerate(files) if str(name).endswith(ending))
        files[place] = (files[place][0], change(files[place][1]))
        return zipped(files)

    return damage


def table(prefix: str, change: Callable[[bytes], bytes]) -> Damage:
    def damage(phone: Phone) -> bytes:
        return zipped([(n, change(d) if str(n).startswith(prefix) else d) for n, d in plain(phone)])

    return damage


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("img_link.jpg")
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    return info


def encrypted(phone: Phone) -> bytes:
    """Set the flag of encryption on the last image, in both of its headers."""
    data = bytearray(phone.data)
    name = phone.images[-1].name.encode()
    local, central = data.index(name) - 30, data.rindex(name) - 46
    data[local + 6] |= 1
    data[central + 8] |= 1
    return bytes(data)


def overlapping(phone: Phone) -> bytes:
    """Let two entries of the directory point to one place."""
    data = bytearray(phone.data)
    first, second = (data.rindex(image.name.encode()) - 46 for image in phone.images[:2])
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    return bytes(data)


def bomb(phone: Phone) -> bytes:
    """Many members of zeros that claim more than is allowed, from a small file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("session_data_csv_1.csv", bytes(64 << 20))
    data = bytearray(out.getvalue())
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", (1 << 32) - 2)
    return bytes(data)


def without_directory(phone: Phone) -> bytes:
    return phone.data[: phone.data.index(b"PK\x01\x02")]


CASES: dict[str, tuple[Damage, set[str], int, bool]] = {
    # what is done to the zip; findings; images that are lost of it; whether all of its rows come out
    "truncated": (lambda phone: phone.data[: len(phone.data) * 6 // 10], {"zip-truncated"}, -1, False),
    "directory lost": (without_directory, {"zip-truncated", "zip-no-directory"}, 0, True),
    "bomb": (bomb, {"zip-bomb", "member-too-large"}, 3, False),
    "overlap": (overlapping, {"zip-overlap"}, 3, False),
    "encrypted": (encrypted, {"member-encrypted"}, 1, True),
    "hostile names": (
        with_more(
            ("../../../outside.jpg", b"x"), ("/etc/outside.csv", b"a,b\n1,2\n"), (r"C:\outside.csv", b"a,b\n1,2\n")
        ),
        {"member-name", "image-undecodable"},
        0,
        True,
    ),
    "link": (with_more((link(), b"/etc/passwd")), {"member-link"}, 0, True),
    "nested": (with_more(("more.zip", zipped([("a.jpg", b"x")]))), {"image-undecodable"}, 0, True),
    "unknown": (with_more(("movie.mp4", b"moving")), {"unknown-member"}, 0, True),
    "truncated jpeg": (with_other(".jpg", lambda data: data[: len(data) // 2]), {"image-undecodable"}, 1, True),
    "no jpeg": (with_other(".jpg", lambda _: b"no image at all"), {"image-undecodable"}, 1, True),
    "empty csv": (table("session_data", lambda _: b""), {"table-empty"}, 0, True),
    "ragged csv": (table("log_data", lambda data: data + b'"only one"\n'), {"rows-aside"}, 0, True),
    "not a zip": (lambda _: b"this is no zip", {"not-a-zip"}, 3, False),
    "empty": (lambda _: b"", {"not-a-zip"}, 3, False),
}


def findings(lab: PhoneLab) -> list[Finding]:
    from bondstore.runs.folder_destination import FolderDestination

    with FolderDestination(lab.dest).ledger(create=False) as ledger:
        return list(ledger.findings.walk())


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, lab: PhoneLab) -> str:
    name = str(request.param)
    _, bad = lab.fill(SHAPE)
    lab.put(bad.key, CASES[name][0](bad))
    return name


def test_damage_is_named_and_the_rest_comes_out(lab: PhoneLab, case: str) -> None:
    _, kinds, lost, all_rows = CASES[case]
    result = lab.run()
    good, bad = lab.phones.values()
    found = [one for one in findings(lab) if one.kind != "quotes-repaired"]
    assert {one.kind for one in found} & kinds
    assert {one.key for one in found} == {bad.key}
    errors = [one for one in found if one.severity is Severity.ERROR]
    assert result.tally.quarantined.objects == bool(errors)
    assert result.tally.done.objects == 2 - bool(errors)
    panelist = lab.results()[good.panelist]
    holds_all_of(panelist, good)
    if lost >= 0:
        assert len(panelist.images) == 2 * SHAPE.screenshots - lost
    if all_rows:
        expected = lab.expected()[good.panelist].rows
        assert same_rows(panelist.rows("screenshot_data"), expected["screenshot_data"])
    assert not list(lab.folder.rglob("*outside*.jpg"))
    assert {path.name for path in lab.folder.iterdir()} == {"bucket", "dest"}
    assert not (lab.dest / ".bondstore" / "quarantine").exists(), "no image leaves the store without being looked at"


def holds_all_of(panelist: Results, phone: Phone) -> None:
    assert {image.name for image in phone.images} <= set(panelist.images)
    for one in phone.tables:
        rows = panelist.rows(one.prefix)
        mine = [row for row in rows if row["_source"].endswith(one.name)]
        assert same_rows(mine, [dict(zip(one.columns, row, strict=True)) for row in one.rows])


def test_rows_that_are_none_stand_aside_with_their_reason(lab: PhoneLab) -> None:
    import csv

    phone = lab.fill(Shape(panelists=1, zips=1))[0]
    lab.put(phone.key, table("log_data", lambda data: data + b'"alone"\n')(phone))
    lab.run()
    path = next(lab.dest.rglob("log_data-aside.csv"))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows] == ['"alone"']
    assert rows[0]["reason"]
    assert rows[0]["_source"].startswith("image_zip_")


def test_images_in_folders_and_other_formats_come_along(lab: PhoneLab) -> None:
    from PIL import Image

    phone = lab.fill(Shape(panelists=1, zips=1))[0]
    out = io.BytesIO()
    Image.new("RGB", (40, 60), (200, 10, 10)).save(out, "PNG")
    lab.put(phone.key, with_more(("screens/deep/shot.png", out.getvalue()))(phone))
    result = lab.run()
    assert result.tally.complete
    images = lab.results()[phone.panelist].images
    assert Image.open(io.BytesIO(images["shot.png"])).format == "PNG"
    assert len(images) == len(phone.images) + 1


def test_the_damaged_set_as_a_whole_at_any_width(lab: PhoneLab, tmp_path: Path) -> None:
    """All damage at once, in one store: each zip costs itself alone."""
    for phone in lab.fill(Shape(panelists=len(CASES), zips=2, screenshots=3)):
        number = [one.panelist for one in list(lab.phones.values())[::2]].index(phone.panelist)
        if phone is not list(lab.phones.values())[2 * number]:
            lab.put(phone.key, list(CASES.values())[number][0](phone))
    result = lab.run()
    assert result.tally.planned.objects == 2 * len(CASES)
    assert result.tally.failed.objects == 0
    named = {one.key for one in findings(lab) if one.kind != "quotes-repaired"}
    assert len(named) == len(CASES)
    for phone in list(lab.phones.values())[::2]:
        holds_all_of(lab.results()[phone.panelist], phone)
    lab.run(dest=tmp_path / "wide", executor=Processes(2))
    assert tree(tmp_path / "wide") == tree(lab.dest)


def test_a_zip_that_is_mended_in_the_store_is_whole_again(lab: PhoneLab) -> None:
    phone = lab.fill(Shape(panelists=1, zips=1))[0]
    lab.put(phone.key, phone.data[: len(phone.data) // 2])
    assert lab.run().tally.quarantined.objects == 1
    assert lab.run().tally.quarantined.objects == 1, "not looked at again while it is the same"
    assert lab.run(retry=True).tally.quarantined.objects == 1
    lab.put(phone.key, phone.data)
    assert lab.run().tally.complete
    holds_all_of(lab.results()[phone.panelist], phone)
    assert {one.kind for one in findings(lab)} <= {"quotes-repaired"}


def test_a_zip_in_a_zip_comes_out_as_if_it_lay_there_alone(lab: PhoneLab) -> None:
    """Some phones wrap once more: ``image_zip_….zip.zip``."""
    (phone,) = lab.fill(Shape(panelists=1, zips=1))
    del lab.phones[phone.key]
    (lab.source / phone.key).unlink()
    lab.put(f"{phone.key}.zip", zipped([("image_zip.zip", phone.data)]))
    assert lab.run().tally.complete
    panelist = lab.results()[phone.panelist]
    assert set(panelist.images) == {image.name for image in phone.images}
    holds_all_of(panelist, phone)
