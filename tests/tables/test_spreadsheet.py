"""How a small CSV is written, decided by its header and rows."""

from __future__ import annotations

import pytest

from bondstore.tables.spreadsheet import open_spreadsheet


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("Company name, ABN;Vessel number;Port\nA;1;X\n", ";"),
        ("Vessel name, number\tPort\tState\nA\t1\tX\n", "\t"),
        ("Name;Port, state\nA;X\nB;Y\n", ";"),
        ('"Name; first",Port,State\nA,X,Y\n', ","),
        ("Name,Port\nA;1,X\n", ","),
    ],
)
def test_a_separator_in_a_column_name_is_none(text: str, separator: str) -> None:
    assert open_spreadsheet(text.encode()).separator == separator
