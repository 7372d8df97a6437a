"""One CSV out of many: counted rows as model; csv, pandas, polars and duckdb read it back."""

import csv
import io
import tracemalloc
from collections import Counter
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bondstore.errors import IntegrityError, UsageError
from bondstore.tables import consolidate as module
from bondstore.tables import repeats
from bondstore.tables.consolidate import SourceTable, consolidate
from bondstore.tables.rowdigests import DIGEST, row_digests


def table(unit, columns, rows, name=None, **more):
    rows = [list(row) for row in rows]
    return SourceTable(name or f"{unit}.csv", unit, tuple(columns), lambda: iter(rows), **more)


def put_together(tables, scratch, **more):
    """The result, and header and rows of the file as csv reads them."""
    out = io.BytesIO()
    result = consolidate(tables, out, scratch=scratch, **more)
    rows = list(csv.reader(io.StringIO(out.getvalue().decode(), newline=""), strict=True))
    assert list(Path(scratch).iterdir()) == []
    return result, rows[0], rows[1:]


def test_columns_are_matched_by_name_and_all_is_text(tmp_path):
    result, header, rows = put_together(
        [
            table("one", ["id", "text", "t"], [["00000000", "null", "1e5"], ["007", "", "TRUE"]]),
            table("two", ["t", "new", "id"], [["2", "=1+1", "01"]], name="x/two.csv"),
            table("three", [], []),
        ],
        tmp_path / "made" / "here",
    )
    assert header == ["id", "text", "t", "new", "_source"] == list(result.columns)
    assert rows == [
        ["00000000", "null", "1e5", "", "one.csv"],
        ["007", "", "TRUE", "", "one.csv"],
        ["01", "", "2", "=1+1", "x/two.csv"],
    ]
    assert (result.rows, result.repeats, result.repeats_by, result.renamed) == (3, 0, {}, ())


def test_rows_of_an_earlier_unit_are_left_out_but_never_those_of_ones_own(tmp_path):
    result, _, rows = put_together(
        [
            table("one", "ab", ["12", "12", "34"]),
            table("one", "ab", ["12"], name="one more"),
            table("two", "bac", [["2", "1", ""], ["4", "3", "x"]]),
            table("three", "ba", ["21"] * 5 + ["65"]),
            table("four", "ab", ["56", "12", "56"]),
        ],
        tmp_path,
    )
    assert rows == [
        ["1", "2", "", "one.csv"],
        ["1", "2", "", "one.csv"],
        ["3", "4", "", "one.csv"],
        ["1", "2", "", "one more"],
        ["3", "4", "x", "two.csv"],
        ["1", "2", "", "three.csv"],  # the fourth and the fifth: no earlier unit has so many
        ["1", "2", "", "three.csv"],
        ["5", "6", "", "three.csv"],
        ["5", "6", "", "four.csv"],
    ]
    assert (result.rows, result.repeats) == (9, 6)
    assert result.repeats_by == {"two": 1, "three": 3, "four": 2}


def test_one_unit_keeps_all_its_rows_and_needs_no_file_to_read_from(tmp_path):
    class Pipe(io.RawIOBase):
        def __init__(self):
            self.content = b""

        def writable(self):
            return True

        def write(self, data):
            self.content += data
            return len(data)

    pipe = Pipe()
    assert consolidate([table("one", "a", ["x", "x"])], pipe, scratch=tmp_path).rows == 2
    assert pipe.content == b'"a","_source"\n"x","one.csv"\n"x","one.csv"\n'
    with pytest.raises(UsageError, match="reading and writing"):
        consolidate([table("one", "a", []), table("two", "a", [])], Pipe(), scratch=tmp_path)


def test_nothing_at_all_is_a_header(tmp_path):
    assert put_together([], tmp_path)[1:] == (["_source"], [])


def test_added_columns_see_the_table_and_the_row_by_name(tmp_path):
    added = {
        "image": lambda one, row: f"{one.unit}/{row['file']}" if "file" in row else "no file column",
        "n": lambda one, row: str(len(row)),
    }
    result, header, rows = put_together(
        [
            table("one", ["id", "file"], [["1", "a.jpg"]]),
            table("two", ["id"], [["2"]]),
            table("three", ["id"], [["2"]]),
        ],
        tmp_path,
        added=added,
    )
    assert header == ["id", "file", "_source", "image", "n"] == list(result.columns)
    assert rows == [["1", "a.jpg", "one.csv", "one/a.jpg", "2"], ["2", "", "two.csv", "no file column", "1"]]
    assert result.repeats == 1  # what is added does not make a row another one


def test_a_column_of_the_data_with_our_name_keeps_its_values_under_another(tmp_path):
    result, header, rows = put_together(
        [table("one", ["_source", "image", "_source_2"], ["123"]), table("two", ["_source"], ["4"])],
        tmp_path,
        added={"image": lambda one, row: row.get("image", "-")},
    )
    assert header == ["_source_3", "image_2", "_source_2", "_source", "image"]
    assert rows == [["1", "2", "3", "one.csv", "2"], ["4", "", "", "two.csv", "-"]]
    assert result.renamed == (("_source", "_source_3"), ("image", "image_2"))


@pytest.mark.parametrize(
    ("tables", "error", "words"),
    [
        ([table("one", "aa", [])], UsageError, "two columns"),
        ([table("one", "ab", ["123"])], UsageError, "3 values for 2 columns"),
        ([table("one", "ab", ["1"])], UsageError, "1 values for 2 columns"),
        ([table("one", "a", []), table("two", "a", []), table("one", "a", [])], UsageError, "together"),
        ([table("one", "a", ["1"]), table("two", "a", ["1"], digests=lambda: b"")], IntegrityError, "digests"),
    ],
)
def test_what_does_not_fit_is_refused_without_naming_a_value(tmp_path, tables, error, words):
    with pytest.raises(error, match=words) as raised:
        consolidate(tables, io.BytesIO(), scratch=tmp_path)
    assert "12" not in str(raised.value)


def test_a_full_disk_is_told(tmp_path):
    rows = ["x" * 1000] * 2000
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
        consolidate([table("one", "a", [[row] for row in rows])], full, scratch=tmp_path)


def test_an_error_in_a_source_is_passed_on_and_scratch_is_empty(tmp_path):
    def broken():
        yield ["1"]
        raise IntegrityError("The part is broken.")

    with pytest.raises(IntegrityError):
        consolidate([table("one", "a", ["1"]), SourceTable("b", "two", ("a",), broken)], io.BytesIO(), scratch=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_it_writes_where_the_file_stands(tmp_path):
    out = io.BytesIO(b"before ")
    out.seek(7)
    consolidate([table("one", "a", ["1"]), table("two", "a", ["1", "2"])], out, scratch=tmp_path)
    assert out.getvalue() == b'before "a","_source"\n"1","one.csv"\n"2","two.csv"\n'


# --- against a model

UNITS = st.lists(
    st.lists(
        st.tuples(st.sampled_from(["ab", "ba", "abc", "b"]), st.lists(st.sampled_from("xyz"), max_size=6)), max_size=3
    ),
    max_size=5,
)


def model(units):
    """What must come out: for each row the most that a unit has, those of the first unit that has so many."""
    kept, most = [], Counter()
    for tables in units:
        mine = Counter()
        for columns, values in tables:
            for value in values:
                row = frozenset((column, value) for column in columns if column != "c")
                mine[row] += 1
                if mine[row] > most[row]:
                    kept.append(row)
        most |= mine
    return kept


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(units=UNITS, known=st.booleans(), small=st.sampled_from([1, 3, 1 << 17]), batch=st.sampled_from([1, 4, 1000]))
def test_each_row_is_there_as_often_as_the_unit_has_it_that_has_it_most(tmp_path, units, known, small, batch):
    tables = []
    for number, unit in enumerate(units):
        for columns, values in unit:
            # Column c is there and empty in some tables, and lacks in others.
            rows = [["" if column == "c" else value for column in columns] for value in values]
            digests = (lambda columns=columns, rows=rows: row_digests(columns, rows)) if known else None
            tables.append(table(f"u{number}", columns, rows, digests=digests))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "BUCKET", small)
        patch.setattr(repeats, "_BLOCK", 5)
        patch.setattr(module, "_BATCH_ROWS", batch)
        patch.setattr(module, "_BLOCK", 30)
        result, header, rows = put_together(tables, tmp_path)
    values = [{name: value for name, value in zip(header, row, strict=True) if value} for row in rows]
    assert [frozenset((k, v) for k, v in row.items() if k != "_source") for row in values] == model(units)
    assert result.rows == len(rows)
    assert result.repeats == sum(result.repeats_by.values()) == sum(len(v) for u in units for _, v in u) - len(rows)


def test_one_row_very_often_takes_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(repeats, "BUCKET", 100)
    rows = [["same"]] * 3000 + [[str(number)] for number in range(500)]
    result, _, written = put_together([table("one", "a", rows), table("two", "a", rows[1:])], tmp_path)
    assert result.repeats == 3499
    assert [row[:1] for row in written] == rows


def test_memory_does_not_grow_with_rows(tmp_path, monkeypatch):
    def rows(unit, count):
        return ([f"{unit}{number}", "some text " * 10] for number in range(count))

    def peak(count):
        tables = [SourceTable(unit, unit, ("a", "b"), lambda unit=unit: rows(unit, count)) for unit in "xy"]
        with (tmp_path / "out.csv").open("w+b") as out:
            tracemalloc.start()
            consolidate(tables, out, scratch=tmp_path / "scratch")
            top = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return top

    peak(10)  # imports
    monkeypatch.setattr(repeats, "BUCKET", 1000)
    monkeypatch.setattr(repeats, "_BLOCK", 1000)
    few, many = peak(3000), peak(30_000)
    assert (tmp_path / "out.csv").stat().st_size > 6_000_000
    assert many < few + 1_500_000


# --- how others read it

PLAIN = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=6)
TRICKY = st.sampled_from(
    [
        '"',
        '""',
        ",",
        "\n",
        "\r\n",
        "\r",
        '","',
        "",
        " ",
        "null",
        "NA",
        "007",
        "1e5",
        "=1+1",
        "@x",
        "-1",
        "#",
        "'",
        "\\",
        "ü",
    ]
)


def as_pandas(data):
    frame = pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)
    return [list(frame.columns), *frame.to_numpy().tolist()]


def as_polars(data):
    frame = pl.read_csv(data, infer_schema=False)
    return [frame.columns, *map(list, frame.rows())]


def as_duckdb(data, folder):
    path = folder / "read.csv"
    path.write_bytes(data)
    # The end of lines is guessed otherwise, and a text with another one then stops it; "" would be no text.
    read = duckdb.sql(
        f"SELECT * FROM read_csv('{path}', all_varchar=true, header=true, delim=',', quote='\"', escape='\"',"
        " new_line='\\n', strict_mode=true, auto_detect=false,"
        " allow_quoted_nulls=false, columns={'a': 'VARCHAR', 'b': 'VARCHAR', '_source': 'VARCHAR'})"
    )
    return [read.columns, *map(list, read.fetchall())]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(PLAIN | TRICKY, min_size=2, max_size=2), min_size=1, max_size=5))
def test_every_reader_reads_the_same_back(tmp_path, rows):
    out = io.BytesIO()
    consolidate([table("one", "ab", rows)], out, scratch=tmp_path)
    expected = [["a", "b", "_source"], *([*row, "one.csv"] for row in rows)]
    data = out.getvalue()
    assert list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True)) == expected
    assert as_pandas(data) == expected
    assert as_polars(data) == expected
    assert as_duckdb(data, tmp_path) == expected


# --- digests


def test_digests_know_rows_by_name_and_content_alone():
    one = row_digests(["a", "b", "c"], [["1", "2", ""], ["2", "1", ""], ["1", "2", ""]])
    first, second, third = (one[at : at + DIGEST] for at in range(0, 3 * DIGEST, DIGEST))
    assert first == third != second
    assert row_digests(["b", "a"], [["2", "1"]]) == first
    assert row_digests(["a", "b", "d"], [["1", "2", "x"]]) != first
    assert row_digests(["a", "d"], [["1", "2"]]) != first


@settings(max_examples=300)
@given(
    rows=st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b", "c", "a\x1fb", ""]), st.text("\x1f\x1e1,[]", max_size=3), max_size=4
        ),
        min_size=2,
        max_size=2,
    )
)
def test_no_two_different_rows_share_a_digest_whatever_separators_they_hold(rows):
    filled = [{name: value for name, value in row.items() if value} for row in rows]
    digests = [row_digests(list(row), [list(row.values())]) for row in rows]
    assert (digests[0] == digests[1]) == (filled[0] == filled[1])
