import csv
import hashlib
import io
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.errors import UsageError
from bondstore.tables import merge
from bondstore.tables.csvsink import CsvFormat
from bondstore.tables.merge import without_repeats
from bondstore.tables.parquet import ParquetFormat
from bondstore.tables.sorted import SortedTable

SCHEMA = pl.Schema(
    {"timestamp": pl.Int64, "UTC time": pl.Datetime("ms", "UTC"), "word": pl.String, "x": pl.Float64, "n": pl.Int64}
)
ROWS = st.lists(
    st.tuples(
        st.integers(0, 4) | st.integers(0, 60) | st.just(1_500_000_000_000),
        st.sampled_from(["u", None, 'q"x', "b,c", "é"]),
        st.sampled_from([0.1, None, 1 / 3, -2e-9]),
        st.sampled_from([None, 7]),
    ),
    max_size=150,
)


def frame_of(rows):
    data = [(time, time, word, x, n) for time, word, x, n in rows]
    types = {**SCHEMA, "UTC time": pl.Int64}
    return pl.DataFrame(data, schema=types, orient="row").with_columns(pl.col("UTC time").cast(SCHEMA["UTC time"]))


def naive(rows):
    """Sort stably, keep the first of equal rows: with nothing but the standard library."""
    return list(dict.fromkeys(sorted(rows, key=lambda row: row[0])))


def write(folder, form, frame, sizes, *, budget, row_group=16):
    path = folder / f"out{form.suffix}"
    with SortedTable(path, SCHEMA, form, scratch=folder / "scratch", budget=budget, row_group=row_group) as table:
        at = 0
        for size in [*sizes, frame.height]:
            table.write(frame[at : at + size])
            at += size
        result = table.finish()
    assert not (folder / "scratch").exists()
    return path, result


@settings(max_examples=80, deadline=None)
@given(
    rows=ROWS,
    in_order=st.booleans(),
    sizes=st.lists(st.integers(0, 50), max_size=8),
    budget=st.sampled_from([64, 900, 9000, 1 << 26]),
    form=st.sampled_from([ParquetFormat(), CsvFormat()]),
)
def test_the_file_is_what_a_naive_sort_gives(tmp_path_factory, rows, in_order, sizes, budget, form):
    rows = sorted(rows, key=lambda row: row[0]) if in_order else rows
    folder = tmp_path_factory.mktemp("table")
    path, result = write(folder, form, frame_of(rows), sizes, budget=budget)
    wanted = naive(rows)
    if form.suffix == ".parquet":
        table = pq.read_table(path).to_pylist()
        assert [(row["timestamp"], row["word"], row["x"], row["n"]) for row in table] == wanted
        groups = [
            pq.ParquetFile(path).metadata.row_group(at).num_rows for at in range(pq.ParquetFile(path).num_row_groups)
        ]
        assert all(count == 16 for count in groups[:-1])
    else:
        with path.open(newline="", encoding="utf-8") as file:
            got = [
                (int(t), word or None, float(x) if x else None, int(n) if n else None)
                for t, _, word, x, n in list(csv.reader(file))[1:]
            ]
        assert got == wanted
    assert result.rows == len(wanted)
    assert result.duplicates == len(rows) - len(wanted)
    if in_order:
        assert not result.overflowed
    alone, _ = write(folder, form, frame_of(rows), [], budget=1 << 26)
    expected = hashlib.sha256(alone.read_bytes()).hexdigest()
    path, _ = write(folder, form, frame_of(rows), sizes, budget=budget)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == expected


@pytest.mark.parametrize("late", [[], [(9, "u", None, 7), (5, "b,c", 0.1, 7), (4, "u", 0.1, 7), (5, None, 0.1, 7)]])
def test_ties_keep_the_order_of_arrival_and_repeats_are_found_among_them(tmp_path, late):
    rows = [(5, "u", 0.1, 7), (5, None, 0.1, 7), (5, "é", 0.1, 7), (5, "u", 0.1, 7), (6, "u", 0.1, 7)]
    rows += late
    path, result = write(tmp_path, ParquetFormat(), frame_of(rows), [1] * len(rows), budget=64)
    got = pq.read_table(path).to_pylist()
    assert [(row["timestamp"], row["word"], row["x"], row["n"]) for row in got] == naive(rows)
    assert result.overflowed is bool(late)


def test_times_in_csv_are_beiwes(tmp_path):
    path, _ = write(tmp_path, CsvFormat(), frame_of([(1_519_862_400_012, "u", 0.5, None)]), [], budget=1 << 20)
    assert path.read_bytes() == (b"timestamp,UTC time,word,x,n\n1519862400012,2018-03-01T00:00:00.012,u,0.5,\n")


def test_parquet_is_plain_for_every_reader(tmp_path):
    path, _ = write(tmp_path, ParquetFormat(), frame_of([(5, "u", 0.5, 1)]), [], budget=1 << 20)
    schema = pq.read_schema(path)
    assert [str(kind) for kind in schema.types] == ["int64", "timestamp[ms, tz=UTC]", "string", "double", "int64"]
    assert pd.read_parquet(io.BytesIO(path.read_bytes()))["word"].tolist() == ["u"]


@pytest.mark.parametrize("late", ["none", "some", "all"])
def test_rows_in_memory_stay_bounded(tmp_path, late):
    budget, group = 20_000, 64
    one = frame_of([(0, "u", 0.1, 7)])
    most = budget * 3 // int(one.estimated_size()) + 3 * group
    rows = 12_000  # many times the budget
    times = list(range(rows))
    if late == "some":
        times[3000::400] = range(len(times[3000::400]))
    elif late == "all":
        times.reverse()
    peak = 0
    with SortedTable(
        tmp_path / "out", SCHEMA, ParquetFormat(), scratch=tmp_path / "scratch", budget=budget, row_group=group
    ) as table:
        for at in range(0, rows, 500):
            table.write(frame_of([(time, "u", 0.1, 7) for time in times[at : at + 500]]))
            peak = max(peak, table.held)
        runs = len(list((tmp_path / "scratch").glob("*"))) if (tmp_path / "scratch").exists() else 0
        result = table.finish()
    assert peak < most < rows
    assert result.overflowed is (late != "none")
    if late == "all":
        assert runs > 16  # so that merging takes more than one pass
    assert result.rows == len(set(times))
    assert pq.read_table(tmp_path / "out")["timestamp"].to_pylist() == sorted(set(times))


def test_merging_holds_a_block_of_each_run_only(tmp_path, monkeypatch):
    from bondstore.tables import merge as merging

    sizes = []
    load = merging._Stream.load

    def spy(self):
        load(self)
        sizes.append(0 if self.block is None else self.block.height)

    monkeypatch.setattr(merging._Stream, "load", spy)
    rows = [(time, "u", 0.1, 7) for time in reversed(range(8_000))]
    write(tmp_path, ParquetFormat(), frame_of(rows), [250] * 32, budget=20_000, row_group=64)
    assert 0 < max(sizes) <= 200


def test_an_error_leaves_nothing_behind(tmp_path):
    def fail():
        with SortedTable(tmp_path / "out", SCHEMA, CsvFormat(), scratch=tmp_path / "scratch", budget=64) as table:
            table.write(frame_of([(9, "u", 0.1, 7), (1, "u", 0.1, 7)]))
            table.write(frame_of([(3, "u", 0.1, 7), (2, "u", 0.1, 7)]))
            assert (tmp_path / "scratch").exists()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert list(Path(tmp_path).iterdir()) == []


def test_an_empty_table_has_its_columns(tmp_path):
    path, result = write(tmp_path, ParquetFormat(), frame_of([]), [], budget=64)
    assert (result.rows, result.duplicates, result.overflowed) == (0, 0, False)
    assert pq.read_schema(path).names == list(SCHEMA)


@pytest.mark.parametrize(
    "wrong", [{"timestamp": [1]}, {"timestamp": [None], "UTC time": [None], "word": [""], "x": [0.0], "n": [1]}]
)
def test_frames_of_another_shape_are_refused(tmp_path, wrong):
    with (
        SortedTable(tmp_path / "out", SCHEMA, CsvFormat(), scratch=tmp_path / "scratch") as table,
        pytest.raises(UsageError),
    ):
        table.write(pl.DataFrame(wrong, schema={name: SCHEMA[name] for name in wrong}))


@pytest.mark.parametrize("step", [0, 1, 7])
def test_rows_of_a_clock_that_stands_still_are_looked_at_a_few_times_only(monkeypatch, tmp_path, step):
    """All frames hold the same `step` instants: what is compared grows as the rows do, not as their square."""
    looked_at = 0

    def counting(frame, by):
        nonlocal looked_at
        looked_at += frame.height
        return without_repeats(frame, by)

    monkeypatch.setattr(merge, "without_repeats", counting)
    number, height = 200, 50
    with SortedTable(tmp_path / "t.parquet", SCHEMA, ParquetFormat(), scratch=tmp_path / "s", budget=9000) as table:
        for n in range(number):
            table.write(frame_of([(row * step // height, "u", n * height + row, None) for row in range(height)]))
        result = table.finish()
    assert (result.rows, result.duplicates) == (number * height, 0)
    assert number * height <= looked_at <= 8 * number * height
