from __future__ import annotations

import polars as pl
import pytest

from bondstore.cli.rows import writer_of


@pytest.mark.parametrize(
    ("rows", "words"),
    [(0, "Nothing found.\n0 rows."), (1, "1 row."), (2, "2 rows."), (1200, "1,200 rows, the first 3 shown.")],
)
def test_a_table_ends_with_how_many_rows_there_are(rows: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    writer = writer_of("table", 3)
    writer.write(pl.DataFrame({"timestamp": list(range(rows))}, schema={"timestamp": pl.Int64}))
    writer.close()
    assert capsys.readouterr().err == words + "\n"
