from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.codecs.sealedfile import SealedFile
from bondstore.errors import DamagedError

BLOCK = 65_536
EDGES = st.sampled_from([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK - 5])
ACTS = st.lists(
    st.tuples(st.sampled_from(["write", "read", "end"]), EDGES | st.integers(0, 200_000), EDGES | st.integers(0, 500))
)


@given(ACTS)
def test_it_is_like_any_other_file(tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, int, int]]) -> None:
    plain = io.BytesIO()
    with SealedFile(tmp_path_factory.getbasetemp()) as raw, io.BufferedRandom(raw) as file:
        for number, (act, at, size) in enumerate(acts):
            whence = io.SEEK_END if act == "end" else io.SEEK_SET
            where = 0 if act == "end" else at
            assert file.seek(where, whence) == plain.seek(where, whence)
            if act == "read":
                assert file.read(size) == plain.read(size)
            else:
                data = bytes([number % 251 + 1]) * size
                assert file.write(data) == plain.write(data)
        assert file.seek(0) == plain.seek(0)
        assert file.read() == plain.read()


def test_nothing_of_it_can_be_read_by_another_or_has_a_name(tmp_path: Path) -> None:
    with SealedFile(tmp_path) as file:
        file.write(b"Muller Hans " * 20_000)
        file.seek(0)
        assert list(tmp_path.iterdir()) == []
        held = b"".join(Path(f"/proc/self/fd/{one}").read_bytes() for one in _opened(tmp_path))
        assert len(held) > 100_000
        assert b"Muller" not in held
        assert file.read(6) == b"Muller"


def test_what_another_changes_on_the_disk_is_seen(tmp_path: Path) -> None:
    with SealedFile(tmp_path) as file:
        file.write(bytes(3 * BLOCK))
        [one] = _opened(tmp_path)
        with Path(f"/proc/self/fd/{one}").open("r+b") as disk:
            disk.seek(40)
            disk.write(b"x")
        file.seek(0)
        with pytest.raises(DamagedError):
            file.read(1)


def test_a_block_cannot_stand_in_for_another(tmp_path: Path) -> None:
    with SealedFile(tmp_path) as file:
        file.write(b"1" * BLOCK + b"2" * BLOCK + b"3")
        [one] = _opened(tmp_path)
        with Path(f"/proc/self/fd/{one}").open("r+b") as disk:
            second = os.pread(disk.fileno(), BLOCK + 28, BLOCK + 28)
            os.pwrite(disk.fileno(), second, 0)
        file.seek(0)
        with pytest.raises(DamagedError):
            file.read(1)


def _opened(folder: Path) -> list[str]:
    found = []
    for one in Path("/proc/self/fd").iterdir():
        try:
            if one.readlink().is_relative_to(folder):
                found.append(one.name)
        except OSError:  # the descriptor of the listing itself
            continue
    return found
