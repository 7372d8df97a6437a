"""Keys from files: what S3 writes, what people write, and what is damaged."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bondstore.access.inventory import read_inventory, read_prefixes
from bondstore.errors import BondstoreError, ConfigurationError, NotFoundError, UsageError


def read(tmp_path: Path, data: bytes | str, name: str = "keys.csv") -> tuple[str, list[str], list[str]]:
    file = tmp_path / name
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    found = read_inventory(file)
    pages = list(found.pages)
    found.close()
    return found.bucket, [key for one in pages for key in one.keys], [why for one in pages for why in one.troubles]


def test_an_inventory_of_s3_has_no_header_and_encoded_keys(tmp_path: Path) -> None:
    # As S3 encodes keys: a space is a plus, a plus is %2B, and others are bytes of UTF-8.
    lines = '"lab","a+b/1%2B1.csv","12"\n"lab","%C3%A9/100%25.csv","7"\n"lab","a/b,c.csv","1"\n'
    keys = ["a b/1+1.csv", "é/100%.csv", "a/b,c.csv"]
    assert read(tmp_path, lines) == ("lab", keys, [])
    assert read(tmp_path, gzip.compress(lines.encode()), "keys.csv.gz") == ("lab", keys, [])
    assert read(tmp_path, lines.replace('"', "").replace(",c", "%2Cc")) == ("lab", keys, [])


def test_a_csv_with_a_header_has_keys_as_they_are(tmp_path: Path) -> None:
    text = 'Size,Key\r\n1,a+b%20c\r\n2,"with ""quotes"", and\na line"\r\n'
    assert read(tmp_path, "\ufeff" + text) == ("", ["a+b%20c", 'with "quotes", and\na line'], [])
    assert read(tmp_path, "bucket,key\nlab,a\nlab,b\n") == ("lab", ["a", "b"], [])


def test_an_object_that_is_called_key_makes_no_header(tmp_path: Path) -> None:
    assert read(tmp_path, '"lab","key"\n"lab","other"\n') == ("lab", ["key", "other"], [])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('"lab","open,"1"', "line 3 is damaged"),
        ('"lab","x"', "line 3 is damaged"),
        ('"lab","x%zz","1"', "line 3 is damaged"),
        ('"lab","%FF","1"', "line 3 is damaged"),
        ('"lab","","1"', "line 3 has no key that an object can have"),
        (f'"lab","{"x" * 1025}","1"', "line 3 has no key that an object can have"),
        ('"other","x","1"', "line 3 is of another bucket"),
        (f'"lab","{"x" * (1 << 21)}","1"', "line 3 is too long"),
    ],
)
def test_a_damaged_line_is_told_and_spoils_no_other(tmp_path: Path, line: str, told: str) -> None:
    text = f'"lab","a","1"\n"lab","b","1"\n{line}\n"lab","c","1"\n'
    assert read(tmp_path, text) == ("lab", ["a", "b", "c"], [told])


def test_bytes_that_are_no_text_and_a_file_that_is_cut_are_told(tmp_path: Path) -> None:
    assert read(tmp_path, b"key\na\n\xff\nb\n") == ("", ["a", "b"], ["line 3 is damaged"])
    assert read(tmp_path, b'key,size\na,1\n"b,2\nc,3\n') == ("", ["a"], ["lines 3 to 4 are damaged"])
    whole = gzip.compress(b'"lab","a"\n' * 4)
    bucket, keys, troubles = read(tmp_path, whole[:-6])
    assert (bucket, keys, troubles) == ("lab", ["a"] * 4, ["what follows line 4 could not be read"])


def test_many_keys_come_in_pages(tmp_path: Path) -> None:
    file = tmp_path / "many.csv"
    file.write_text("key\n" + "".join(f"{n}\n" for n in range(12_345)))
    pages = [list(one.keys) for one in read_inventory(file).pages]
    assert [key for page in pages for key in page] == [str(n) for n in range(12_345)]
    assert max(map(len, pages)) == 5_000


@pytest.mark.parametrize(
    ("data", "error"),
    [(b"PAR1....", UsageError), (b"ORC....", UsageError), (b"one\ntwo\n", ConfigurationError)],
)
def test_what_has_no_keys_is_refused(tmp_path: Path, data: bytes, error: type[BondstoreError]) -> None:
    with pytest.raises(error):
        read(tmp_path, data)
    with pytest.raises(NotFoundError):
        read_inventory(tmp_path / "none.csv")


def test_prefixes_are_read_with_their_slashes(tmp_path: Path) -> None:
    file = tmp_path / "expect.csv"
    file.write_text('prefix,who\nS/a/,Ada\n"S/b, c/",Bob\n\n')
    assert read_prefixes(file) == ["S/a/", "S/b, c/"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prefix\nS/a/\nS/b\n", "line 3: the prefix does not end in a slash"),
        ("prefix\nS/a/\n,x\n", "line 3: the prefix does not end in a slash"),
        ("name\nS/a/\n", "no column prefix"),
        ("prefix\n", "no prefix"),
        ("who,prefix\nAda\n", "line 2 is damaged"),
        ('prefix\n"S/a/\n', "line 2 is damaged"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "expect.csv"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        read_prefixes(file)
    assert told in str(raised.value)
