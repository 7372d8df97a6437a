"""Content is what it says only where it is whole, to its end."""

from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bondstore.errors import DamagedError
from bondstore.vault.legacy.content import Ending, Source, evidence, gunzip, kind_of
from bondstore.vault.legacy.tars import Member, Walk
from tests.vault import contents
from tests.vault.contents import FILES

NAMES = (
    "tar",
    "tar of PAX",
    "tar of V7",
    "tar.gz",
    "tar.gz of two members",
    "gzip",
    "AVI",
    "MP4",
    "EDF",
    "EDF of BDF",
    "zip",
)


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return contents.every_kind(tmp_path_factory.mktemp("tree"))


def pieces(data: bytes, size: int = 4096) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def proved(data: bytes, size: int = 4096) -> Ending:
    kind = kind_of(data[:4096])
    assert kind is not None
    return kind.prove(Source(pieces(data, size)))


def refused(data: bytes) -> str:
    with pytest.raises(DamagedError) as caught:
        proved(data)
    return caught.value.kind


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [100, 4096, 1 << 20])
def test_whole_content_is_proved(every: dict[str, bytes], name: str, size: int) -> None:
    kind = kind_of(every[name][:4096])

    assert kind is not None
    assert kind.name == name.split(maxsplit=1)[0]
    assert proved(every[name], size) == Ending(len(every[name]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", [1, 2, 7, 8, 15, 16])
def test_padding_of_the_cipher_is_no_content(every: dict[str, bytes], name: str, number: int) -> None:
    assert proved(every[name] + bytes([number]) * number) == Ending(len(every[name]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("extra", [b"\x07\x08", b"x" * 20, b"\x03" * 5, b"x" * 5000 + b"\x01"])
def test_other_bytes_behind_the_end_are_counted(every: dict[str, bytes], name: str, extra: bytes) -> None:
    if name in ("MP4", "zip"):
        assert refused(every[name] + extra) in ("damaged", "cut")
    else:
        pad = {b"\x03" * 5: 3}.get(extra, 1 if extra.endswith(b"\x01") else 0)
        assert proved(every[name] + extra) == Ending(len(every[name]) + len(extra) - pad, len(extra) - pad)


@pytest.mark.parametrize("name", NAMES)
def test_content_that_was_cut_is_refused_wherever(every: dict[str, bytes], name: str) -> None:
    data = every[name]
    # a tar's own end is two blocks of zeros; what GNU tar adds to fill a record says nothing
    end = len(data) if not name.startswith("tar") or "gz" in name else len(data.rstrip(b"\0")) // 512 * 512 + 1024
    places = {600, end // 2, end - 1, end - 8, *random.Random(7).choices(range(600, end), k=30)}

    kinds = {refused(data[:place]) for place in places}

    assert kinds <= {"cut"}


def test_a_byte_that_changed_shows_in_gzip(every: dict[str, bytes]) -> None:
    for name in ("gzip", "tar.gz", "tar.gz of two members"):
        data = bytearray(every[name])
        for place in random.Random(8).choices(range(4096, len(data) - 8), k=20):
            data[place] ^= 1
            assert refused(bytes(data)) in ("damaged", "cut")
            data[place] ^= 1


def test_content_that_does_not_say_where_it_ends() -> None:
    assert refused(contents.edf(stated=-1)) == "unproved"
    assert refused(contents.box(b"ftyp", b"isom\0\0\2\0") + b"\0\0\0\0mdat" + os.urandom(99)) == "unproved"
    assert refused(b"RIFF\0\0\0\0AVI LIST" + os.urandom(99)) == "unproved"
    assert refused(contents.mp4().replace(b"moov", b"free")) == "cut"


def test_an_edf_that_contradicts_itself() -> None:
    assert refused(contents.edf().replace(b"1024    ", b"512     ", 1)) == "damaged"
    assert refused(contents.edf().replace(b"256     256     ", b"256     -25     ", 1)) == "damaged"


def test_noise_is_of_no_kind_and_nothing_speaks_for_it() -> None:
    noise = random.Random(9)
    for _ in range(300):
        head = noise.randbytes(4096)
        assert kind_of(head) is None
        assert evidence(head, noise.randbytes(15) + b"x") < 32


@pytest.mark.parametrize(
    ("head", "last"),
    [
        (b"time,x,y\n1,2,3\n" * 99, b"x" * 16),
        (bytes(4096), b"x" * 16),
        (random.Random(10).randbytes(4096), b"\x08" * 8),
        (b"Dear colleague, good morning\x03\x03\x03", b"x" * 16),
    ],
)
def test_what_is_no_noise_speaks_for_the_key(head: bytes, last: bytes) -> None:
    assert evidence(head, last) >= 32


def test_gzip_that_grows_without_end_is_read_in_bounded_pieces() -> None:
    bomb = gzip.compress(bytes(64 << 20))

    sizes = [len(piece) for piece in gunzip(Source([bomb]))]

    assert sum(sizes) == 64 << 20
    assert max(sizes) <= 1 << 20


# The walk through a tar


def made(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def info(name: str, size: int = 0, **facts: object) -> tarfile.TarInfo:
    one = tarfile.TarInfo(name)
    one.size = size
    for fact, value in facts.items():
        setattr(one, fact, value)
    return one


def walked(data: bytes) -> list[tuple[Member, bytes]]:
    return [(one, b"".join(one.pieces)) for one in Walk(Source(pieces(data)))]


@pytest.mark.parametrize("form", ["--format=gnu", "--format=pax", "--format=ustar", "--format=v7", "--format=oldgnu"])
def test_members_of_gnu_tar_come_out_as_they_went_in(tmp_path: Path, form: str) -> None:
    found = {one.name: content for one, content in walked(contents.tar(tmp_path, form)) if one.kind == "file"}

    assert found == FILES


@pytest.mark.parametrize("version", ["0.0", "0.1", "1.0", "old"])
def test_sparse_files_have_their_holes(tmp_path: Path, version: str) -> None:
    contents.tree(tmp_path)
    with (tmp_path / "P1" / "sparse").open("wb") as file:
        for place in range(40):  # more spans than one header holds
            file.seek(place * (1 << 16))
            file.write(b"data %d" % place)
        file.truncate(5 << 20)
    form = ["--format=gnu"] if version == "old" else ["--format=pax", f"--sparse-version={version}"]

    data = contents.tar(tmp_path, "-S", *form)

    found = next(content for one, content in walked(data) if one.name == "P1/sparse")
    assert len(data) < 1 << 20
    assert found == (tmp_path / "P1" / "sparse").read_bytes()


def test_long_and_odd_names_come_as_they_are(tmp_path: Path) -> None:
    long = "/".join(["a folder of some length"] * 20)
    data = made((info(long, 3), b"abc"), (info("caf\udce9", 1), b"x"))

    assert [one.name for one, _ in walked(data)] == [long, "caf\udce9"]


def test_a_walk_names_the_last_whole_member(every: dict[str, bytes]) -> None:
    data = every["tar"]
    place = data.index(b"P1/P1_1.edf\0") + 20_000
    walk = Walk(Source(pieces(data[:place])))

    with pytest.raises(DamagedError) as caught:
        walk.finish()

    before = [one.name for one, _ in walked(data)]
    assert caught.value.kind == "cut"
    assert walk.last == before[before.index("P1/P1_1.edf") - 1]


def _changed(header: Callable[[bytearray], None]) -> bytes:
    data = bytearray(made((info("a", 600), b"a" * 600), (info("b", 5), b"b" * 5)))
    block = data[1536:2048]
    header(block)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    data[1536:2048] = block
    return bytes(data)


def _negative(block: bytearray) -> None:
    block[124:136] = b"\xff" * 11 + b"\x01"


def _huge(block: bytearray) -> None:
    block[124:136] = b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7


def _long_name(block: bytearray) -> None:
    block[156:157] = b"L"
    block[124:136] = b"77777777777\0"


@pytest.mark.parametrize(("change", "kind"), [(_negative, "damaged"), (_huge, "cut"), (_long_name, "damaged")])
def test_sizes_that_cannot_be_are_refused(change: Callable[[bytearray], None], kind: str) -> None:
    with pytest.raises(DamagedError) as caught:
        walked(_changed(change))

    assert caught.value.kind == kind


def test_a_pax_size_that_is_not_what_is_stored_is_refused() -> None:
    data = tarfile.TarInfo.create_pax_global_header({"size": "5000"}) + made((info("a", 5), b"a" * 5))

    with pytest.raises(DamagedError):
        walked(data)


def test_headers_behind_headers_end_somewhere() -> None:
    header = info("././@PaxHeader", 0, type=b"g").tobuf(tarfile.USTAR_FORMAT)

    with pytest.raises(DamagedError):
        walked(header * 3000 + bytes(1024))
