"""The Parquet of a consolidated table, read back by pyarrow and polars."""

import io

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bondstore.tables import textparquet
from bondstore.tables.textcsv import csv_line
from bondstore.tables.textparquet import csv_to_parquet

NAMES = ["id", "text", "_source"]
ROWS = [
    ["00000000", 'she said "hi", ok', "a.csv"],
    ["007", "", "a.csv"],
    ["null", "two\nlines\r\nthree", "b.csv"],
    ["1e5", "=1+1 – ü 🙂", "b.csv"],
] * 3


def table(rows):
    return io.BytesIO("".join(map(csv_line, [NAMES, *rows])).encode())


@pytest.mark.parametrize("limits", [(1 << 16, 16 << 20), (5, 16 << 20), (1 << 16, 30)])
def test_every_value_is_the_text_it_was(tmp_path, monkeypatch, limits):
    monkeypatch.setattr(textparquet, "ROWS", limits[0])
    monkeypatch.setattr(textparquet, "_CHARACTERS", limits[1])
    assert csv_to_parquet(table(ROWS), tmp_path / "out.parquet") == len(ROWS)
    read = pl.read_parquet(tmp_path / "out.parquet")
    assert read.columns == NAMES
    assert set(read.dtypes) == {pl.String}
    assert [list(row) for row in read.rows()] == ROWS
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert {field.type for field in schema} == {pa.string()}
    groups = pq.ParquetFile(tmp_path / "out.parquet").num_row_groups
    assert groups == 1 if limits == (1 << 16, 16 << 20) else groups > 1


def test_a_table_without_rows_keeps_its_columns():
    out = io.BytesIO()
    assert csv_to_parquet(table([]), out) == 0
    assert pq.read_table(out).column_names == NAMES


def test_the_same_rows_give_the_same_bytes_and_the_source_stays_open():
    source = table(ROWS)
    first, second = io.BytesIO(), io.BytesIO()
    csv_to_parquet(source, first)
    csv_to_parquet(source, second)
    assert first.getvalue() == second.getvalue()
    assert not source.closed
