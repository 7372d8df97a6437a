"""Many CSV files into one, against what a user would run instead: ``python -m benchmarks.csvs``.

2,000 files of 200 rows and 8 columns, three in ten from an app version with other columns; once written as a CSV
library writes them and once as the phone does, with bare quotes inside quoted values. Each way runs in a process of its
own and writes one CSV, which is compared by column name with what went in.
"""

from __future__ import annotations

import argparse
import csv
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

FILES, ROWS = 2000, 200
OLD = ("id_user", "file", "apk", "id_session", "app", "text", "weekday", "t_epoch_ts_ms")
NEW = ("id_user", "apk", "file", "id_session", "id_segment", "text", "t_epoch_ts_ms", "app")
WORDS = ("send", "message", "today", "battery", "42 %", "photo", "new", "settings", "see all", "über", "reply")
BYTES = 1 << 18


def columns(number: int) -> tuple[str, ...]:
    """Columns of one file."""
    return NEW if number % 10 in {3, 6, 9} else OLD


def rows(number: int, style: str) -> Iterator[dict[str, str]]:
    """What one file holds."""
    rng = random.Random(number)
    for row in range(ROWS):
        text = " ".join(rng.choices(WORDS, k=12))
        if style == "phone" and rng.random() < 0.1:
            text = f'she said "{text}" and left'
        elif style == "phone" and rng.random() < 0.05:
            text = "null"
        yield {
            "id_user": f"{rng.randrange(1000):08d}",
            "file": f"/data/user/0/files/img_{number:05d}_{row:03d}.jpg",
            "apk": rng.choice(("com.example.chat", "org.sample.maps", "com.example.browser")),
            "id_session": f"{rng.randrange(10**6):08d}",
            "id_segment": f"{row // 7:04d}",
            "app": rng.choice(("Chat", "Maps", "Browser")),
            "text": text,
            "weekday": str(rng.randrange(7)),
            "t_epoch_ts_ms": str(1_700_000_000_000 + number * 1_000_000 + row * 4000),
        }


def make(folder: Path, style: str) -> int:
    """Write the files; return their bytes."""
    size = 0
    for number in range(FILES):
        names = columns(number)
        path = folder / f"screenshot_data_csv_{number:05d}.csv"
        values = [[row[name] for name in names] for row in rows(number, style)]
        with path.open("w", newline="", encoding="utf-8") as file:
            if style == "clean":
                csv.writer(file, lineterminator="\n").writerows([names, *values])
            else:
                file.writelines('"' + '","'.join(row) + '"\n' for row in [names, *values])
        size += path.stat().st_size
    return size


def script(paths: list[Path], out: Path) -> None:
    """The public script's way: read, append by position."""
    import pandas as pd

    for number, path in enumerate(paths):
        pd.read_csv(path).to_csv(out, mode="a", header=not number, index=False)


def pandas(paths: list[Path], out: Path) -> None:
    import pandas as pd

    pd.concat([pd.read_csv(path, dtype=str, keep_default_na=False) for path in paths]).to_csv(out, index=False)


def polars(paths: list[Path], out: Path) -> None:
    import polars as pl

    pl.concat([pl.read_csv(path, infer_schema=False) for path in paths], how="diagonal").write_csv(out)


def duckdb(paths: list[Path], out: Path) -> None:
    import duckdb

    files = ", ".join(f"'{path}'" for path in paths)
    read = f"read_csv([{files}], union_by_name=true, all_varchar=true, header=true, delim=',')"
    duckdb.sql(f"COPY (SELECT * FROM {read}) TO '{out}' (HEADER)")


def pyarrow(paths: list[Path], out: Path) -> None:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    types = arrow_csv.ConvertOptions(column_types=dict.fromkeys({*OLD, *NEW}, pa.string()))
    tables = [arrow_csv.read_csv(path, convert_options=types) for path in paths]
    arrow_csv.write_csv(pa.concat_tables(tables, promote_options="default"), out)


def ours(paths: list[Path], out: Path) -> None:
    from bondstore.tables.consolidate import SourceTable, consolidate
    from bondstore.tables.quoted import read_quoted

    def table(path: Path) -> SourceTable:
        reading = read_quoted(lambda: chunks(path))
        return SourceTable(path.name, path.name, tuple(reading.columns), reading.rows)

    with out.open("w+b") as file:
        consolidate([table(path) for path in paths], file, scratch=out.parent)


def chunks(path: Path) -> Iterator[bytes]:
    """A file's bytes."""
    with path.open("rb") as file:
        while chunk := file.read(BYTES):
            yield chunk


def nothing(paths: list[Path], out: Path) -> None:
    """The interpreter's own memory."""


WAYS: dict[str, Callable[[list[Path], Path], None]] = {
    "the script (pandas, append by position)": script,
    "pandas concat, all text": pandas,
    "polars diagonal, all text": polars,
    "duckdb union_by_name, all text": duckdb,
    "pyarrow concat, promote": pyarrow,
    "ours, with repeats looked for": ours,
}


def judged(out: Path, style: str) -> str:
    """Compare a result with what went in, row by row and column by column."""
    wrong = elsewhere = 0
    with out.open(newline="", encoding="utf-8") as file:
        written = csv.DictReader(file)
        for number in range(FILES):
            names = columns(number)
            for row in rows(number, style):
                got = next(written, {})
                wrong += any(got.get(name) != row[name] for name in names)
                # A file name or an app in another column, whatever became of zeros and quotes.
                elsewhere += got.get("file") != row["file"] or got.get("apk") != row["apk"]
        more = sum(1 for _ in written)
    if not wrong and not more:
        return "right"
    told = f"**{wrong:,} of {FILES * ROWS:,} rows wrong**, {elsewhere:,} of them missing or in the wrong columns"
    return told + (f", {more:,} too many" if more else "")


def measured(way: str, folder: Path, out: Path) -> tuple[float, float, str]:
    """Run one way in a process of its own; return seconds, peak MB and, where it raised, the error's name."""
    words = [sys.executable, "-m", "benchmarks.csvs", "--do", way, str(folder), str(out)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        return 0.0, 0.0, done.stderr.strip().splitlines()[-1].partition(":")[0].rpartition(".")[2]
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak), ""


def do(way: str, folder: str, out: str) -> None:
    """Do it, and print seconds and peak memory. Imports count: every user pays for them."""
    paths = sorted(Path(folder).glob("*.csv"))
    start = time.perf_counter()
    (WAYS | {"nothing": nothing})[way](paths, Path(out))
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text().splitlines()
    print(seconds, next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024 / 1e6)


def main() -> None:
    """Print a table for each style."""
    for style, title in (("clean", "as a CSV library writes them"), ("phone", "as the phone writes them")):
        with tempfile.TemporaryDirectory() as scratch:
            folder, results = Path(scratch, "in"), Path(scratch, "out")
            folder.mkdir()
            results.mkdir()
            size = make(folder, style)
            base = measured("nothing", folder, results / "none.csv")[1]
            print(
                f"\n{FILES:,} files of {ROWS} rows, {size / 1e6:.0f} MB, {title}; the interpreter takes {base:.0f} MB\n"
            )
            print("| way | s | peak above the interpreter's | result |\n|---|---|---|---|")
            for number, way in enumerate(WAYS):
                out = results / f"{number}.csv"
                seconds, peak, error = measured(way, folder, out)
                if error:
                    print(f"| {way} | – | – | raises {error} |", flush=True)
                    continue
                print(f"| {way} | {seconds:.1f} | {peak - base:.0f} MB | {judged(out, style)} |", flush=True)
                out.unlink()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--do", nargs=3, metavar=("WAY", "FOLDER", "OUT"), help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    do(*chosen.do) if chosen.do else main()
