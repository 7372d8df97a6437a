"""What the reading process sends is data: it comes out as it went in, and what is none of it runs nothing."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.reading import netcdf, read_netcdf, wire
from bondstore.domains.ocean.reading.dataset import StoredFlags
from bondstore.domains.ocean.reading.netcdf import Helper, flags_here, flags_in, read_here
from bondstore.domains.ocean.reading.text import damaged
from bondstore.errors import DamagedError, MissingExtraError
from bondstore.findings import Finding
from tests.ocean_files import argo_nc, ragged_nc

NAN = float("nan")
ARGO = argo_nc(
    platform=["A", "B", "A"],
    cycles=[3, 2, 1],
    days=[27153.0, NAN, 27151.0],
    lat=[-3.0, NAN, -1.0],
    lon=[1.0, 2.0, 3.0],
    pressure=[[30.0], [20.0, 21.0], []],
    flags=["1", "14", ""],
)


def over(said: wire.Answer, key: str = "a/x.nc") -> wire.Answer:
    pipe = io.BytesIO()
    wire.answer(pipe, said)
    pipe.seek(0)
    return wire.answered(pipe, key, 1000)


def same(one: Any, other: Any) -> None:
    """Equal, with arrays that are equal, of one type, and may be written to."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
        assert (one.dtype, one.flags.writeable) == (other.dtype, other.flags.writeable)
    elif hasattr(one, "__dataclass_fields__"):
        for name in one.__dataclass_fields__:
            same(getattr(one, name), getattr(other, name))
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            same(mine, theirs)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for name in one:
            same(one[name], other[name])
    else:
        assert one == other or (one != one and other != other)


@pytest.mark.parametrize("data", [ARGO, ragged_nc(), argo_nc(cycles=[1, 2], pressure=[[], [1.0]], salinity=None)])
def test_what_was_read_comes_out_as_it_went_in(data: bytes) -> None:
    same(over(read_here(data, "a/x.nc")), read_here(data, "a/x.nc"))
    same(over(flags_here(data, "a/x.nc")), flags_here(data, "a/x.nc"))
    same(read_netcdf(data, "a/x.nc"), read_here(data, "a/x.nc"))
    same(flags_in(data, "a/x.nc"), flags_here(data, "a/x.nc"))


def test_errors_come_out_as_they_went_in() -> None:
    for error in (damaged("columns-missing", "k", "It lacks TEMP."), MissingExtraError("no netCDF4", hint="pip")):
        found = over(error)
        assert isinstance(found, type(error))
        assert (str(found), getattr(found, "kind", "")) == (str(error), getattr(error, "kind", ""))


def test_the_reading_process_names_nothing() -> None:
    """Names of objects and of profiles are those of the file that was asked for, whatever comes."""
    found = over(read_here(ARGO, "../../etc/passwd.nc"), "good/file.nc")
    assert isinstance(found, tuple)
    assert {one.key for one in found[0].profiles} == {"good/file.nc"}
    assert [one.name for one in found[0].profiles] == ["file", "file-2", "file-3"]
    assert {one.key for one in found[1]} <= {"good/file.nc"}


def framed(said: Any, data: bytes = b"") -> bytes:
    text = said if isinstance(said, bytes) else json.dumps(said).encode()
    return struct.pack("<QQ", len(text), len(data)) + text + data


class Evil:
    """Runs a command where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.mark}",)


def valid() -> list[Any]:
    pipe = io.BytesIO()
    wire.answer(pipe, read_here(ragged_nc(), "x.nc"))
    length, _ = struct.unpack("<QQ", pipe.getvalue()[:16])
    found: list[Any] = json.loads(pipe.getvalue()[16 : 16 + length])
    return found


def changed(place: tuple[int, ...], value: Any) -> list[Any]:
    made = whole = valid()
    for one in place[:-1]:
        made = made[one]
    made[place[-1]] = value
    return whole


NONSENSE: dict[str, bytes] = {
    "nothing": b"",
    "half a frame": b"\1\2\3",
    "an enormous length": struct.pack("<QQ", 1 << 63, 1 << 63),
    "a little less": struct.pack("<QQ", 10, 1 << 40),
    "no JSON": framed(b"\xff\xfe not JSON"),
    "a deep list": framed(b"[" * 100_000),
    "a number": framed(5),
    "nothing in it": framed([]),
    "another word": framed(["run", "os.system"]),
    "an unknown kind": framed(["damaged", "m", "no-such-kind", "h"]),
    "a kind that is no text": framed(["damaged", "m", ["x"], "h"]),
    "columns that are not there": framed(valid()),
    "a column of objects": framed(changed((2,), ["|O", 5]), bytes(1 << 20)),
    "a negative length": framed(changed((2,), ["<i8", -5]), bytes(1 << 20)),
    "another length": framed(changed((3, 0), ["<f8", 1]), bytes(1 << 20)),
    "too few profiles": framed(changed((5,), []), bytes(1 << 20)),
    "a header that is none": framed(changed((5, 0, 0), ["argo"]), bytes(1 << 20)),
    "a number for a text": framed(changed((5, 0, 1), 7), bytes(1 << 20)),
    "a text for a position": framed(changed((5, 0, 0, 4), "here"), bytes(1 << 20)),
    "flags of another type": framed(["flags", [["TEMP", ["<f8", 1]]], [], [], []], bytes(8)),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_a_damaged_file(what: str) -> None:
    with pytest.raises((ValueError, EOFError)):
        wire.answered(io.BytesIO(NONSENSE[what]), "x.nc", 1000)


TAKEN_OVER = """
import sys
from pathlib import Path
sys.stdin.buffer.read(16)
sys.stdout.buffer.write(Path(sys.argv[1]).read_bytes())
sys.stdout.buffer.flush()
sys.stdin.buffer.read()
"""


@pytest.mark.parametrize("what", ["a pickle", "a framed pickle", "a pickle of before", *NONSENSE])
def test_a_reading_process_that_was_taken_over_runs_nothing_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """In its place stands a process that sends what it likes; the next file has a process of its own again."""
    mark = tmp_path / "ran"
    evil = pickle.dumps(Evil(mark))
    sent = NONSENSE | {
        "a pickle": evil,
        "a framed pickle": framed(evil),
        "a pickle of before": struct.pack("<Q", len(evil)) + evil,
    }
    (tmp_path / "sent").write_bytes(sent[what])
    monkeypatch.setattr(netcdf, "SECONDS", 1.0)
    helper = Helper()
    start = netcdf.subprocess.Popen
    instead = [sys.executable, "-c", TAKEN_OVER, str(tmp_path / "sent")]
    monkeypatch.setattr(netcdf.subprocess, "Popen", lambda _, **options: start(instead, **options))
    with pytest.raises(DamagedError) as raised:
        helper.ask("read", ragged_nc(), "x.nc")
    assert raised.value.kind == "netcdf-damaged"
    assert not mark.exists()
    monkeypatch.undo()
    batch, findings = helper.ask("read", ragged_nc(), "x.nc")
    helper.close()
    assert isinstance(batch, Batch)
    assert all(isinstance(one, Finding) for one in findings)
    assert isinstance(flags_in(ragged_nc()), StoredFlags)
