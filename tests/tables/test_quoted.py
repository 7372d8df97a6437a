"""CSVs whose quotes may not be doubled: the standard library's csv, and the rows that went in, are the oracles."""

import codecs
import csv
import io
import re
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bondstore.tables import quoted, quotedlines
from bondstore.tables.dialect import dialect_of
from bondstore.tables.quoted import Aside, Reason, read_quoted
from bondstore.tables.spreadsheet import open_spreadsheet

HEADER = '"a","b","c"\n'


def reading(content, size=None):
    data = content if isinstance(content, bytes) else content.encode()
    size = size or max(len(data), 1)
    return read_quoted(lambda: (data[at : at + size] for at in range(0, len(data), size)))


def read(content, size=None):
    """All of a file, asides as (line, reason, raw)."""
    return [
        (one.line, str(one.reason), one.raw) if isinstance(one, Aside) else one
        for one in reading(content, size).records()
    ]


def as_app(rows):
    return "".join('"' + '","'.join(row) + '"\n' for row in rows)


# --- what a file may look like


@pytest.mark.parametrize(
    ("below", "expected", "repaired"),
    [
        ('"001","null",""\n', [["001", "null", ""]], 0),
        ('"1","he said "hi" x","3"\n', [["1", 'he said "hi" x', "3"]], 1),
        ('"1","a ""b"" c","3"\n', [["1", 'a "b" c', "3"]], 0),  # RFC 4180 throughout
        ('"1","a ""b"" c","3"\n"1","x "y"","3"\n', [["1", 'a ""b"" c', "3"], ["1", 'x "y"', "3"]], 2),  # the app's own
        ('"1","a, "b", c","3"\n', [["1", 'a, "b", c', "3"]], 1),
        ('"1","two "x"\nlines","3"\n', [["1", 'two "x"\nlines', "3"]], 1),
        ('"1","2","he "said"\n and left"\n', [["1", "2", 'he "said"\n and left']], 1),
        ('"1","2","he "said"\n\n\nand left"\n', [["1", "2", 'he "said"\n\n\nand left']], 1),
        ('"1","\n","x "y" z"\n', [["1", "\n", 'x "y" z']], 1),
        ('"\n"y" z\n","2","\n"\n', [['\n"y" z\n', "2", "\n"]], 1),
        ('"1","x\n,,a\n1,2,3\ny "z"","3"\n', [["1", 'x\n,,a\n1,2,3\ny "z"', "3"]], 1),
        ('"1",null,"x "y" z"\n', [["1", "null", 'x "y" z']], 1),
        ('null,"x "y" z",-1.5\n', [["null", 'x "y" z', "-1.5"]], 1),
        ('"1",,"x "y" z"\n"1","x",\n', [["1", "", 'x "y" z'], ["1", "x", ""]], 1),
        ('"1","x "y" z","3"', [["1", 'x "y" z', "3"]], 1),  # no last line feed
        ('"1","x "y" z","3"\r\n"4","5","6"\r\n', [["1", 'x "y" z', "3"], ["4", "5", "6"]], 1),
        ('"1","x "y"\r\nz","3"\r\n', [["1", 'x "y"\r\nz', "3"]], 1),
        ('"1","2","a",a"\n', [["1", "2", 'a",a']], 1),
        ('1,5" pipe,"x, y"\n', [["1", '5" pipe', "x, y"]], 1),
        ("\n\n1,2,3\n\n", [["1", "2", "3"]], 0),
        ('"1","x\u2028y\x0bz\x85 "q" ","3"\n', [["1", 'x\u2028y\x0bz\x85 "q" ', "3"]], 1),  # no line ends
        ('"1","2","="A1""\n', [["1", "2", '="A1"']], 1),
    ],
)
def test_rows_come_out_as_they_were_meant(below, expected, repaired):
    one = reading(HEADER + below)
    assert list(one.records()) == expected
    assert (one.repaired, one.set_aside) == (repaired, 0)


@pytest.mark.parametrize(
    ("below", "rows", "aside"),
    [
        ('"1","2"\n"1","2","3"\n', 1, [(2, "fewer-fields", '"1","2"')]),
        ('"1","2","3","4"\n"1","2","3"\n', 1, [(2, "more-fields", '"1","2","3","4"')]),
        ('"1","x "y"","3"\n"1","2 "y"","3","4"\n', 1, [(3, "more-fields", '"1","2 "y"","3","4"')]),
        ('"1","x "y"","3"\n"1",null,"3","4"\n', 1, [(3, "more-fields", '"1",null,"3","4"')]),
        ('"1","a ""b"" c","3"\n"4","5', 1, [(3, "cut", '"4","5')]),
        ('"1","2","3"\n"4","5', 1, [(3, "cut", '"4","5')]),
        ('"1","2","3"\n"4","5"', 1, [(3, "cut", '"4","5"')]),
        ('"1","x "y"","3"\n"4","5', 1, [(3, "cut", '"4","5')]),
        ('"1","x "y"","3"\n"4","5"', 1, [(3, "cut", '"4","5"')]),
        ('"1","x "y"","3"\n"4","5\nsix', 1, [(3, "cut", '"4","5\nsix')]),
        ('"1","x "y"\n"4","5","6"\n', 1, [(2, "fewer-fields", '"1","x "y"')]),
        ('"1","x "y" z\n"4","5","6"\n', 1, [(2, "quote-not-closed", '"1","x "y" z')]),
        ('"1","x "y"","3"\nstray\n"4","5","6"\n', 2, [(3, "stray-text", "stray")]),
        (
            '"1","x "y"","3"\n\n\nstray\n\n"4","5"\n',
            1,
            [(3, "stray-text", "\n\nstray"), (7, "fewer-fields", '"4","5"')],
        ),
    ],
)
def test_what_is_no_row_is_set_aside_with_line_reason_and_text(below, rows, aside):
    one = reading(HEADER + below)
    records = list(one.records())
    assert [(piece.line, str(piece.reason), piece.raw) for piece in records if isinstance(piece, Aside)] == aside
    assert len(list(one.rows())) == rows
    again = [piece for piece in one.records() if isinstance(piece, Aside)]
    assert one.set_aside == len(aside) == len(again)


def test_two_short_rows_are_never_joined_into_one():
    # Four columns of an older app under a header of seven: any two of them have as many separators as one whole row.
    below = as_app([["1", "2", f'x "{number}" y', "4"] for number in range(6)])
    records = read('"a","b","c","d","e","f","g"\n' + below)
    assert [(line, reason) for line, reason, _ in records] == [(number, "fewer-fields") for number in range(2, 8)]


@pytest.mark.parametrize(
    ("content", "columns", "records"),
    [
        (b"", [], []),
        (b"\n\n", [], []),
        (b"\xef\xbb\xbf", [], []),
        (b'"a","b"', ["a", "b"], []),
        (b"a,b\r\n", ["a", "b"], []),
        (b'\xef\xbb\xbf"a","b"\n"1","2"\n', ["a", "b"], [["1", "2"]]),
        (b'"a","b', [], [(1, "cut", '"a","b')]),
        (b'"a","b\n1,2\n\n3,4\n', [], [(1, "no-header", '"a","b'), (2, "no-header", "1,2"), (4, "no-header", "3,4")]),
        (b'"a "x"","b"\n"1","2"\n', ['a "x"', "b"], [["1", "2"]]),
        (b"a\n1\n\n2\n", ["a"], [["1"], ["2"]]),
    ],
)
def test_headers(content, columns, records):
    assert reading(content).columns == columns
    assert read(content) == records


def test_columns_without_a_name_of_their_own_get_one():
    one = reading("x,x,,x_2,,column_3\n1,2,3,4,5,6\n")
    assert one.columns == ["x", "x_3", "column_3_2", "x_2", "column_5", "column_3"]
    assert one.renamed == (("x", "x_3"), ("", "column_3_2"), ("", "column_5"))
    assert list(one.rows()) == [list("123456")]


def test_bytes_that_are_no_text_stay_visible_and_are_counted():
    one = reading(b'"a","b"\n"1","caf\xe9"\n"2","x\0y"\n"3","\xc3\xa9"\n')
    assert list(one.rows()) == [["1", "caf\\xe9"], ["2", "x␀y"], ["3", "é"]]
    assert (one.undecodable, one.nuls, one.repaired) == (1, 1, 0)


@pytest.mark.parametrize(("size", "far"), [(1, 0), (7, 0), (10_000, 40_000)])
def test_windows_1252_is_read_as_spreadsheets_are(size, far):
    """Unless it holds characters that only UTF-8 writes so, or bytes that Windows-1252 does not have."""
    text = "id;näme\n1;café\n" + "2;x\n" * far
    one = reading(text.encode("cp1252"), size)
    assert (one.dialect.encoding, one.dialect.separator, one.columns) == ("cp1252", ";", ["id", "näme"])
    assert next(iter(one.rows())) == ["1", "café"]
    assert one.undecodable == 0
    assert open_spreadsheet(text.encode("cp1252")).text == text
    for more in ("3;ü\n".encode(), b"3;\x81\n"):
        mixed = text.encode("cp1252") + more
        assert reading(mixed, size).dialect.encoding == "utf-8"
        assert next(iter(reading(mixed, size).rows())) == ["1", "caf\\xe9"]
        with pytest.raises(UnicodeError):
            open_spreadsheet(mixed)


@settings(max_examples=300, deadline=None)
@given(
    data=st.lists(
        st.sampled_from([b"a", b"\n", b"\xe9", b"\xc3", b"\xa9", b"\x80", b"\x81", b"\xf0", "é".encode(), "€".encode()])
    ),
    size=st.integers(1, 5),
)
def test_which_bytes_are_windows_1252_as_python_reads_them(data, size):
    whole = b"".join(data)
    chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
    kept = whole.decode("utf-8", "surrogateescape")
    cut = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    only_cut = not any(sign > "\x7f" for sign in cut.decode(whole))
    characters = any(sign > "\x7f" and not "\udc80" <= sign <= "\udcff" for sign in kept)
    try:
        whole.decode("cp1252")
        has_all = True
    except UnicodeDecodeError:
        has_all = False
    expected = has_all and not characters and not only_cut
    assert (dialect_of(whole, lambda: chunks).encoding == "cp1252") == expected


def test_a_line_that_is_too_long_is_set_aside_and_the_rest_is_read(monkeypatch):
    monkeypatch.setattr(quotedlines, "LONGEST", 1000)
    monkeypatch.setattr(quotedlines, "_HEAD", 50)
    long = '"1","' + "x" * 5000 + '","3"'
    whole = read(f'{HEADER}"1","a","3"\n{long}\n"4","b "q"","6"\n', 300)
    assert whole == [["1", "a", "3"], (3, "too-long", long[:50]), ["4", 'b "q"', "6"]]
    assert read(f'{HEADER}"1","a\n{long}\n"4","b "q"","6"\n{long}', 300) == [
        (2, "quote-not-closed", '"1","a'),
        (3, "too-long", long[:50]),
        ["4", 'b "q"', "6"],
        (5, "too-long", long[:50]),
    ]


def test_a_quote_that_is_never_closed_takes_bounded_text_with_it():
    below = ["text"] * 5000
    records = read(HEADER + '"1","open "quote" \n' + "\n".join(below) + '\n"4","5","6"\n')
    assert records[-1] == ["4", "5", "6"]
    assert records[0][:2] == (2, "too-long")
    assert sum(raw.count("text") for *_, raw in records[:-1]) == 5000


def test_a_field_larger_than_the_csv_module_allows_by_default():
    text = "y" * 200_000 + ' "" '
    data = io.StringIO()
    csv.writer(data, quoting=csv.QUOTE_ALL).writerows([["a", "b"], ["1", text]])
    assert read(data.getvalue()) == [["1", text]]


def test_a_source_that_must_be_closed_is(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(HEADER + '"1","2","3"\n')
    files = []

    def source():
        files.append(path.open("rb"))
        return files[-1]

    one = read_quoted(source)
    assert list(one.rows()) == [["1", "2", "3"]]
    rows = one.rows()
    next(rows)
    rows.close()
    assert len(files) == 3
    assert all(file.closed for file in files)


# --- properties


VALUES = st.text(st.sampled_from('ab1é ",\n\r;\t🙂='), max_size=8)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(VALUES, min_size=3, max_size=3), max_size=6),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    end=st.sampled_from(["\n", "\r\n"]),
    size=st.integers(1, 40),
)
def test_what_a_csv_library_wrote_is_read_as_that_library_reads_it(rows, quoting, end, size):
    if quoting == csv.QUOTE_MINIMAL:  # csv itself leaves a lone carriage return bare
        rows = [[value.replace("\r", "") for value in row] for row in rows]
    data = io.StringIO(newline="")
    csv.writer(data, quoting=quoting, lineterminator=end).writerows([["a", "b", "c"], *rows])
    one = reading(data.getvalue(), size)
    assert list(one.records()) == rows
    assert one.repaired == one.set_aside == 0


def unambiguous(row):
    """Whether the app's way of writing leaves no doubt about where a value ends, to a person who sees the file."""
    written = as_app([row])[:-1]
    if len(re.findall('(?=",")', written)) != len(row) - 1 or '""' in written.replace(
        '""', "", sum(not value for value in row)
    ):
        return False
    return "\n" not in written or not any(re.search(r'"\n|\n"|(?<![ab é]),|,(?![ab é])', value) for value in row)


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(
        st.lists(st.text(st.sampled_from('ab ",\né'), max_size=9), min_size=3, max_size=3).filter(unambiguous),
        max_size=6,
    ),
    size=st.integers(1, 40),
)
@example(rows=[["a", 'b "c" d', "e"], ["\n", "a\n", "\nb"]], size=3)
def test_what_the_app_wrote_is_read_as_it_was_meant(rows, size):
    one = reading(as_app([["a", "b", "c"], *rows]), size)
    assert list(one.records()) == rows
    assert one.repaired == sum(any('"' in value for value in row) for row in rows)


@settings(max_examples=300, deadline=None)
@given(
    data=st.text(st.sampled_from('xx",\n0'), max_size=80).map(str.encode),
    sizes=st.tuples(st.integers(1, 30), st.integers(1, 90)),
    head=st.sampled_from([b'"a","b","c"\n', b"a,b\n", b""]),
)
def test_nothing_is_lost_and_chunks_change_nothing(data, sizes, head):
    one, other = reading(head + data, sizes[0]), reading(head + data, sizes[1])
    records = list(one.records())
    assert records == list(other.records())
    seen = "".join(one.columns)
    for record in records:
        seen += record.raw if isinstance(record, Aside) else "".join(record)
        assert isinstance(record, Aside) or len(record) == len(one.columns)
    renamed = sum(new.count("x") - old.count("x") for old, new in one.renamed)
    assert seen.count("x") - renamed == data.count(b"x")
    lines = [record.line for record in records if isinstance(record, Aside)]
    assert lines == sorted(set(lines))


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=120) | st.text(st.sampled_from('x",\n\r\0é'), max_size=60).map(str.encode))
def test_large_files_are_read_like_small_ones(data):
    data = HEADER.encode() + data
    small = read(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quoted, "_WHOLE", 10)
        assert read(data, 7) == small


def test_of_a_writer_that_doubles_no_quotes_two_quotes_are_two() -> None:
    file = b'"a","b"\n"""","x"\n"1","said """\n'
    assert list(read_quoted(lambda: [file]).rows()) == [['"', "x"], ["1", 'said "']]
    known = read_quoted(lambda: [file], doubles=False)
    assert list(known.rows()) == [['""', "x"], ["1", 'said ""']]
    assert known.repaired == 2


def test_a_row_that_cannot_be_the_apps_is_read_with_doubled_quotes() -> None:
    """Values that hold quote, comma, quote: by the app's grammar the row has too many fields."""
    file = b'"a","b"\n"x"",""y","1"\n"plain","2"\n'
    assert list(read_quoted(lambda: [file], doubles=False).rows()) == [['x","y', "1"], ["plain", "2"]]


@pytest.mark.parametrize("tail", [b'"""","y"\n', b'"p"",""q","y"\n', b'"only"\n'], ids=["app", "doubled", "ragged"])
def test_a_large_file_of_such_a_writer_is_read_as_a_small_one(tail: bytes) -> None:
    body = b'"plain","and \\"simple\\""\n'.replace(b"\\", b"") if tail.startswith(b'""""') else b'"plain","simple"\n'
    large = b'"a","b"\n' + body * ((5 << 20) // len(body)) + tail
    small = b'"a","b"\n' + body * 3 + tail  # where the last row ends is not certain before a piece
    chunks = [large[at : at + 100_000] for at in range(0, len(large), 100_000)]
    of_large = list(read_quoted(lambda: chunks, doubles=False).records())
    of_small = list(read_quoted(lambda: [small], doubles=False).records())
    assert [of_large[0], of_large[1]] == of_small[:2]
    last, same = of_large[-1], of_small[-1]
    assert (last.raw, last.reason) == (same.raw, same.reason) if isinstance(same, Aside) else last == same


# --- texts in which a line ends with a quote and the next one begins with one, as rows do


@pytest.mark.parametrize(
    "text",
    [
        'he said "hi"\n"there" he said',
        'a "x"\n"y" b "z"\n"w" c',
        '"one"\n"two"\n"three"',
        'a "x"\n\n"y" b',
        'a "x"\r\n"y" b',
        'a "x"\n"y"\nand "z"\n"end"',
    ],
)
def test_a_text_whose_lines_begin_and_end_with_quotes_is_not_cut_short(text):
    one = reading('"id","text"\n' + as_app([["1", text], ["2", "ok"]]))
    assert list(one.records()) == [["1", text], ["2", "ok"]]
    assert (one.repaired, one.set_aside) == (1, 0)


@pytest.mark.parametrize(
    ("below", "rows", "aside"),
    [
        ('"1","hello"\n"there"\n"2","ok"\n', [["2", "ok"]], [(2, '"1","hello"'), (3, '"there"')]),
        ('"1","a "b"\n"c" d\n"2","ok"\n', [["2", "ok"]], [(2, '"1","a "b"'), (3, '"c" d')]),
        ('"1","x "y" "z"\nmore\n"2","ok"\n', [["1", 'x "y" "z'], ["2", "ok"]], [(3, "more")]),
        # The last value is no text: what stands below is none of it.
        ('"1","1704441600000"\n"alone"\n', [["1", "1704441600000"]], [(3, '"alone"')]),
        ('"1","2024-01-05 08:00"\n"alone"\n', [["1", "2024-01-05 08:00"]], [(3, '"alone"')]),
        # The end of the file alone says that a row is cut.
        ('"1","hello"\n"2', [["1", "hello"]], [(3, '"2')]),
    ],
)
def test_where_a_text_ends_is_certain_or_both_pieces_are_set_aside(below, rows, aside):
    one = reading('"id","text"\n' + below)
    records = list(one.records())
    assert [record for record in records if not isinstance(record, Aside)] == rows
    assert [(record.line, record.raw) for record in records if isinstance(record, Aside)] == aside
    assert one.set_aside == len(aside)


@settings(max_examples=300, deadline=None)
@given(
    texts=st.lists(
        st.text(st.sampled_from('ab "\n'), max_size=9).filter(lambda text: '""' not in f'"{text}"' or not text),
        max_size=4,
    )
)
@example(texts=['a"\n"b', "c"])
def test_no_last_text_is_cut_short_without_a_mark(texts):
    """A row that comes out is one that went in, or something of its file is set aside."""
    rows = [[str(number), text] for number, text in enumerate(texts)]
    records = list(read_quoted(lambda: [as_app([["id", "text"], *rows]).encode()], doubles=False).records())
    asides = [record for record in records if isinstance(record, Aside)]
    found = [record for record in records if not isinstance(record, Aside)]
    assert asides or found == rows


def test_headers_that_come_again_are_no_rows_and_others_end_what_can_be_read():
    again = reading("a,b,c\n1,2,3\na,b,c\n4,5,6\n")
    assert list(again.records()) == [["1", "2", "3"], ["4", "5", "6"]]
    assert again.headers == 1
    other = reading("id,app,text\n1,2,3\ntext,app,id\n4,5,6\nid,app,text\n7,8,9\n")
    assert list(other.rows()) == [["1", "2", "3"], ["7", "8", "9"]]
    assert other.set_aside == 2
    words = reading("id,app,text\n1,app,text\nid,app,app\nid,text,\nid,app,two words\n")
    assert len(list(words.rows())) == 4, "values that are names of columns by chance"
    assert list(reading("a\n1\na\n").rows()) == [["1"], ["a"]], "of one column it may be a value"


def test_rows_below_another_header_say_which_line_they_were():
    """Small and large files, by RFC 4180 and by the app's grammar: the lines are those of an editor."""
    other, long = "text,app,id", "x" * (5 << 20)
    for text in (
        f"id,app,text\n1,2,3\n\n{other}\n4,5,6\n",
        f'id,app,text\n1,2,"a\nb"\n{other}\n4,5,"6\n7"\n',
        '"id","app","text"\n"1","2","said "a"\nb"\n"text","app","id"\n"4","5","6"\n',
    ):
        expected = [number for number, line in enumerate(text.split("\n"), 1) if line.startswith(("text", '"text'))]
        found = [one for one in reading(text).records() if isinstance(one, Aside)]
        assert [one.line for one in found] == [expected[0], expected[0] + 1]
        assert {one.reason for one in found} == {Reason.OTHER_HEADER}
    large = "".join(f'"{number}","b","{long[: 1 << 20]}"\n' for number in range(5))
    for doubled in ("", '"9","b","a ""quote"""\n'):
        one = reading(f'"id","app","text"\n{large}{doubled}"text","app","id"\n"4","5","6"\n', 1 << 16)
        lines = [found.line for found in one.records() if isinstance(found, Aside)]
        assert lines == ([7, 8] if not doubled else [8, 9])


@pytest.mark.parametrize(
    ("names", "other", "row"),
    [
        # One name or none in common: a number stands where the other file has a word.
        ("id_user,t_unix_ts_ms,apk,text", "note,user,place,id_user", "write to anna,0001,here,7"),
        ("id_user,t_unix_ts_ms,apk,text", "alpha,beta,gamma,delta", "write to anna,b,c,d"),
        ("a,t_unix_ts_ms", "note,when it was", "write to anna,now"),
    ],
)
def test_no_row_of_another_table_is_read_under_a_known_column(names, other, row):
    number = names.split(",").index("t_unix_ts_ms")
    sound = ["com.x"] * (names.count(",") + 1)
    sound[number] = "1704441600000"
    one = reading(f"{names}\n{','.join(sound)}\n{','.join(sound)}\n{other}\n{row}\n")
    assert list(one.rows()) == [sound, sound]
    assert one.set_aside == 2


def test_the_first_line_below_a_header_may_be_the_header_of_another_known_table():
    lines = b"user_word,t_x,count\nid_user,text,apk\n0001,a secret,com.x\n"
    one = read_quoted(lambda: [lines], known={"id_user", "text", "apk"}.__contains__)
    assert list(one.rows()) == []
    assert one.set_aside == 2


@pytest.mark.parametrize("first", ["id,apk,text", '"id","apk","text"'])
@pytest.mark.parametrize("again", ["id,apk,text", '"id","apk","text"', "\ufeffid,apk,text", '\ufeff"id","apk","text"'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("doubles", [True, False])
def test_a_header_that_comes_again_is_no_row_however_it_is_quoted(first, again, end, doubles):
    """Files joined end to end: quotes and byte order marks are those of each."""
    lines = [first, '"1","a","x"', again, '"2","b","said "so" there"', again, '"3","c","last"', ""]
    one = read_quoted(lambda: [end.join(lines).encode()], doubles=doubles)
    assert list(one.records()) == [["1", "a", "x"], ["2", "b", 'said "so" there'], ["3", "c", "last"]]
    assert (one.set_aside, one.headers) == (0, 2)


def test_a_bare_header_that_comes_again_leaves_quotes_as_the_app_wrote_them():
    lines = b'id,text\n"1","x ""y"" z"\nid,text\n"2","plain"\n'
    one = read_quoted(lambda: [lines], doubles=False)
    assert list(one.rows()) == [["1", 'x ""y"" z'], ["2", "plain"]]
    assert one.set_aside == 0


@pytest.mark.parametrize("text", ['\n"hi"\n', '"hi"\n', 'x "y" z\n', "hello\n", "\nhello", "\n", '\n"hi"'])
@pytest.mark.parametrize("below", ["", '"1","b","z"\n'])
def test_a_text_that_begins_or_ends_with_a_line_feed_is_whole(text, below):
    one = read_quoted(lambda: [f'"id","apk","text"\n"0","a","{text}"\n{below}'.encode()], doubles=False)
    assert next(iter(one.rows())) == ["0", "a", text]
    assert one.set_aside == 0


# --- how a file is written


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.lists(VALUES.filter(lambda one: "\r" not in one), min_size=3, max_size=3), max_size=6),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"]),
    size=st.integers(1, 40),
)
def test_a_file_is_read_by_its_own_encoding_separator_and_line_ends(rows, separator, end, encoding, size):
    data = io.StringIO(newline="")
    csv.writer(data, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator=end).writerows(
        [["id", "b", "c"], *rows]
    )
    one = reading(data.getvalue().encode(encoding), size)
    assert one.columns == ["id", "b", "c"]
    assert list(one.records()) == rows
    assert one.set_aside == one.undecodable == 0


@pytest.mark.parametrize("opened", [True, False])
def test_pieces_that_no_row_can_take_are_not_held_together(opened: bool) -> None:
    """Sixty lines of a megabyte, each of which may go on with the row above: far more than the longest row."""
    first = b'"1","see' + b' "that"' * (not opened) + b' "this' * opened + b'"\n'
    line = b'"' + b"x" * (1 << 20) + b'"\n'
    reading = read_quoted(lambda: iter([b'"id","text"\n', first, *[line] * 60, b'"2","end"\n']), doubles=False)
    tracemalloc.start()
    found = [("row", row[0]) if isinstance(row, list) else ("aside", len(row.raw)) for row in reading.records()]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.count(("aside", (1 << 20) + 2)) == 60
    assert ("row", "2") in found
    assert most < 48 << 20
