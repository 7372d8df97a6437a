"""A small netCDF file that says it holds very much is refused before it takes memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bondstore.domains.ocean.reading import read_netcdf
from bondstore.domains.ocean.reading.dataset import FREE_GROWTH, MOST_GROWTH
from bondstore.errors import DamagedError

netCDF4 = pytest.importorskip("netCDF4")


def profile(path: Path, levels: int) -> bytes:
    """Write a profile; beyond a thousand levels its values are never written, and take no room in the file."""
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("N", levels)
        for name, unit in (
            ("TIME", "days since 1950-01-01"),
            ("LATITUDE", "degrees_north"),
            ("LONGITUDE", "degrees_east"),
            ("PRES", "dbar"),
            ("TEMP", "degrees_C"),
        ):
            variable = file.createVariable(name, "f8", ("N",), zlib=True, chunksizes=(min(levels, 1000),))
            variable.units = unit
            variable[: min(levels, 1000)] = np.full(min(levels, 1000), 10.0)
    return path.read_bytes()


def test_what_grows_beyond_all_measure_is_refused(tmp_path: Path) -> None:
    data = profile(tmp_path / "bomb.nc", FREE_GROWTH // 4)
    assert len(data) * MOST_GROWTH < FREE_GROWTH // 4 * 5
    with pytest.raises(DamagedError) as caught:
        read_netcdf(data, "bomb.nc")
    assert caught.value.kind == "too-large"


def test_an_ordinary_one_is_read(tmp_path: Path) -> None:
    batch, _ = read_netcdf(profile(tmp_path / "fine.nc", 1000), "fine.nc")
    assert len(batch) == 1
