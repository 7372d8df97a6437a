"""No text gets past a rule, and no row is lost, because of how a table is written."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest
from demo.phones import Shape

from bondstore.domains.screenlake.handling import Handling
from bondstore.runs.folder_destination import FolderDestination
from tests.phonelab import PhoneLab

MAIL = "anna.lind@example.org"
SECRET = "a word that somebody wrote"
NAMES = ["id_user", "t_unix_ts_ms", "text"]
ROWS = [["0001", "1704441600000", f"write to {MAIL}, {SECRET}"], ["0001", "1704441601000", "second; line"]]
NAME = "app_accessibility_data_csv_x.csv"
HANDLINGS = {text: Handling(redact="none", text=text) for text in ("keep", "patterns", "drop")}


def written(*, separator: str = ",", end: str = "\n", encoding: str = "utf-8", quoting: int = csv.QUOTE_ALL) -> bytes:
    """The table as the csv module of the standard library writes it."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting).writerows([NAMES, *ROWS])  # type: ignore[arg-type]
    return out.getvalue().encode(encoding)


def zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, data)
    return out.getvalue()


def members(path: Path) -> list[bytes]:
    if not zipfile.is_zipfile(path):
        return [path.read_bytes()]
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist()]


def legible(data: bytes) -> str:
    """All that a person could make out of bytes: in whatever encoding, and without the marks between letters."""
    texts = [data.decode(one, "ignore") for one in ("utf-8", "utf-16-le", "utf-16-be", "latin-1")]
    return "\n".join(texts).replace("\u2400", "").replace("\0", "")


def outputs(lab: PhoneLab) -> str:
    return "\n".join(legible(data) for path in lab.dest.rglob("*") if path.is_file() for data in members(path))


def process(lab: PhoneLab, data: bytes, handling: Handling, name: str = NAME) -> tuple[bool, set[str]]:
    """Return whether the run is complete (exit 0), and what was found."""
    (phone,) = lab.fill(Shape(panelists=1, zips=1))
    lab.put(phone.key, zipped(name, data))
    result = lab.run(handling)
    with FolderDestination(lab.dest).ledger(create=False) as ledger:
        return result.tally.complete, {one.kind for one in ledger.findings.walk()}


SOUND = {
    "lone CR": written(end="\r"),
    "lone CR, bare": written(end="\r", quoting=csv.QUOTE_MINIMAL),
    "CR CR LF": written(end="\r\r\n"),
    "UTF-16 LE": written(encoding="utf-16"),
    "UTF-16 BE": b"\xfe\xff" + written(encoding="utf-16-be"),
    "UTF-16 without a mark": written(encoding="utf-16-le"),
    "UTF-16 BE without a mark": written(encoding="utf-16-be", end="\r\n"),
    "UTF-32": written(encoding="utf-32"),
    "semicolons": written(separator=";"),
    "semicolons, bare": written(separator=";", quoting=csv.QUOTE_MINIMAL),
    "tabs": written(separator="\t"),
    "bars": written(separator="|", quoting=csv.QUOTE_MINIMAL),
    "Excel's first line": b"sep=;\r\n" + written(separator=";", end="\r\n"),
    "all at once": written(separator=";", end="\r", encoding="utf-16"),
}


@pytest.mark.parametrize("text", HANDLINGS)
@pytest.mark.parametrize("way", SOUND)
def test_a_table_is_read_whatever_its_encoding_separator_and_line_ends_are(lab: PhoneLab, way: str, text: str) -> None:
    complete, found = process(lab, SOUND[way], HANDLINGS[text])
    assert complete
    assert "table-dialect" in found
    (panelist,) = lab.results().values()
    rows = [[row[name] for name in NAMES] for row in panelist.rows("app_accessibility_data")]
    if text == "keep":
        assert rows == ROWS
        return
    assert [row[:2] for row in rows] == [row[:2] for row in ROWS]
    assert MAIL not in outputs(lab)
    assert (SECRET in outputs(lab)) == (text == "patterns")


UNREADABLE = {
    "one line that holds all": written(end="\u2028"),
    "no names": "\n".join(",".join(row) for row in ROWS).encode(),
    "no names in UTF-16": "\n".join(",".join(row) for row in ROWS).encode("utf-16"),
    "UTF-16 below names in UTF-8": b'"id_user","text"\n' + b"x" * 5000 + written(encoding="utf-16-le"),
    "UTF-8 below names in UTF-16": '\ufeff"id_user","text"\n'.encode("utf-16-le") + written(),
    "UTF-16 cut inside a character": ('"id_user","text"\n"1","' + MAIL).encode("utf-16")[:-1],
    "line ends change": written().replace(b"\n", b"\r").replace(b"\r", b"\n", 1),
    "addresses for names": f"{MAIL},b\n1,2\n".encode(),
}


@pytest.mark.parametrize("text", HANDLINGS)
@pytest.mark.parametrize("way", UNREADABLE)
def test_what_cannot_be_read_stands_aside_under_the_rule_and_the_run_is_not_complete(
    lab: PhoneLab, way: str, text: str
) -> None:
    complete, found = process(lab, UNREADABLE[way], HANDLINGS[text])
    assert not complete, "exit 5"
    assert "rows-aside" in found
    assert list(lab.dest.rglob("app_accessibility_data-aside.csv"))
    if text != "keep":
        assert MAIL not in outputs(lab)
        assert text == "patterns" or SECRET not in outputs(lab)
    table = next(lab.dest.rglob("app_accessibility_data-cons*.csv")).read_text()
    assert set(next(csv.reader([table.partition("\n")[0]]))) <= {*NAMES, "_source"}, "a row is never taken for names"


def test_marks_between_letters_do_not_hide_an_address(lab: PhoneLab) -> None:
    hidden = "\0".join(MAIL), "\u200b".join(MAIL), "\u00ad".join(MAIL)
    body = "".join(f'"0001","see {one} now"\n' for one in hidden)
    process(lab, f'"id_user","text"\n{body}'.encode(), HANDLINGS["patterns"])
    (panelist,) = lab.results().values()
    assert [row["text"] for row in panelist.rows("app_accessibility_data")] == ["see [EMAIL] now"] * 3


def test_a_header_that_comes_again_is_no_row(lab: PhoneLab) -> None:
    complete, found = process(lab, written() + written(), HANDLINGS["keep"])
    assert complete
    assert "header-repeated" in found
    (panelist,) = lab.results().values()
    assert [[row[name] for name in NAMES] for row in panelist.rows("app_accessibility_data")] == ROWS * 2


def test_rows_below_a_header_of_other_columns_are_not_read_under_the_first(lab: PhoneLab) -> None:
    other = b'"id_user","text","t_unix_ts_ms"\n"0001","words","1704441600000"\n'
    complete, _ = process(lab, written() + other + written(), HANDLINGS["keep"])
    assert not complete
    (panelist,) = lab.results().values()
    assert [[row[name] for name in NAMES] for row in panelist.rows("app_accessibility_data")] == ROWS * 2


@pytest.mark.parametrize("other", ["event,msg,user", "text,note,id_user", "alpha,beta,gamma"])
def test_no_text_of_another_table_of_the_same_width_stands_under_a_column_of_ids(lab: PhoneLab, other: str) -> None:
    """`--text drop` empties columns of text; below another header nobody knows which those are."""
    row = f"{SECRET},to {MAIL},0001"
    data = written(quoting=csv.QUOTE_MINIMAL) + f"{other}\n{row}\n".encode()
    complete, found = process(lab, data, HANDLINGS["drop"])
    assert not complete
    assert "rows-aside" in found
    assert SECRET not in outputs(lab)
    assert MAIL not in outputs(lab)


@pytest.mark.parametrize("again", [b"id_user,t_unix_ts_ms,text\n", b"\xef\xbb\xbfid_user,t_unix_ts_ms,text\n"])
def test_a_bare_header_among_quoted_rows_is_no_error(lab: PhoneLab, again: bytes) -> None:
    complete, found = process(lab, written() + again + b'"0001","1704441602000","third"\n', HANDLINGS["keep"])
    assert complete
    assert "header-repeated" in found
    assert "rows-aside" not in found
    assert "third" in outputs(lab)


def test_a_table_of_tabs_may_be_called_so(lab: PhoneLab) -> None:
    complete, _ = process(lab, written(separator="\t"), HANDLINGS["drop"], "app_accessibility_data_1.tsv")
    assert complete
    (panelist,) = lab.results().values()
    assert [row["text"] for row in panelist.rows("app_accessibility_data")] == ["", ""]


def test_words_in_columns_that_a_newer_app_adds_are_dropped_too(lab: PhoneLab) -> None:
    names = ["id_user", "t_unix_ts_ms", "notification", "memo", "battery level (%)", "seen", "uuid"]
    row = ["0001", "1704441600000", SECRET, f"write to {MAIL}", "73.5", "2024-01-05T08:14:04Z", "x"]
    row[-1] = "1b1179bb-02cc-429b-8cdb-1cbc9c931279"
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([names, row])
    complete, found = process(lab, out.getvalue().encode(), HANDLINGS["drop"])
    assert complete
    assert "columns-emptied" in found
    (panelist,) = lab.results().values()
    (told,) = panelist.rows("app_accessibility_data")
    assert [told[name] for name in names] == [*row[:2], "", "", *row[4:]]
    assert SECRET not in outputs(lab)
    assert MAIL not in outputs(lab)
