"""Memory does not grow with the profiles: the whole process stays below a bound, measured by the system."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from tests.faults.test_memory import MIB, peak
from tests.ocean_files import moana_csv
from tests.oceanlab import LITTLE

MOST = 280 * MIB
"""The interpreter with all that it imports takes some 150 MiB; 512 objects of a month, read and tested, 130 more."""
GROUPS_OF_64 = "import bondstore.runs.work as m, sys; m.AGAIN = 64; "
RUN = "import sys; from bondstore.cli.main import run; run(sys.argv[1:])"
LEVELS = 180

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is read from /proc"),
]


@dataclass
class Month:
    """Profiles of one month, so that one table holds every row."""

    folder: Path
    number: int = 0

    def fill(self, upto: int) -> None:
        times = [f"20240501T{hour:02d}{minute:02d}00" for hour in range(3) for minute in range(60)]
        cold = [15 - 0.01 * level for level in range(LEVELS)]
        one = moana_csv(times=times, pressure=[float(level) for level in range(LEVELS)], temperature=cold)
        (self.folder / "raw").mkdir(exist_ok=True)
        (self.folder / "little.toml").write_text(LITTLE)
        for number in range(self.number, upto):
            (self.folder / "raw" / f"{number:05d}.csv").write_bytes(one)
        self.number = upto

    def held(self, form: str, code: str = RUN) -> int:
        """Test all of them; return the most that was held, in bytes."""
        dest = self.folder / f"{form}{self.number}"
        line = ["ocean", "qc", str(self.folder / "raw"), str(dest), "--tests", str(self.folder / "little.toml")]
        with (self.folder / "said").open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-c", code, *line, "--format", form, "--jobs", "1", "--yes"],
                stdout=said,
                stderr=subprocess.STDOUT,
                env=os.environ | {"HOME": str(self.folder)},
            )
            held = peak(process)
        assert process.returncode == 0, (self.folder / "said").read_text()
        (table,) = dest.glob("parquet/*/*/*.parquet")
        assert pl.scan_parquet(table).select(pl.len()).collect().item() == self.number * LEVELS
        assert 20 * MIB < held < MOST, f"{held / MIB:.0f} MiB"
        return held


def test_as_much_for_many_profiles_as_for_few(tmp_path: Path) -> None:
    month = Month(tmp_path)
    month.fill(300)
    few = month.held("both", GROUPS_OF_64 + RUN)
    month.fill(1200)
    many = month.held("both", GROUPS_OF_64 + RUN)
    assert many - few < 16 * MIB, f"{few / MIB:.0f} MiB, {many / MIB:.0f} MiB"


def test_full_groups_of_a_month(tmp_path: Path) -> None:
    month = Month(tmp_path)
    month.fill(1100)
    month.held("parquet")
