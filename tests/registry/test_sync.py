"""A CSV brought into a table: exactly the changes that it holds, on every database."""

from __future__ import annotations

import csv
import io
import random

import pytest

from bondstore.databases import Change
from bondstore.errors import BondstoreError, ChangedError, ConfigurationError, DamagedError, PolicyError
from bondstore.registry import SyncSettings, sync_participants
from bondstore.registry.settings import GONE
from bondstore.registry.sync import Participants
from tests.registry.forms import COLUMNS, person, written
from tests.registry.labs import Lab

PEOPLE = [person(number) for number in range(8)]


def counts(**wanted: int) -> dict[str, int]:
    none = dict.fromkeys(
        ("new", "changed", "reactivated", "inactive", "unchanged", "damaged", "duplicate", "kept", "still-inactive"), 0
    )
    return none | {name.replace("_", "-"): number for name, number in wanted.items()}


def test_all_at_once(lab: Lab) -> None:
    """Re-ordered, one changed, one added, one removed, one malformed: exactly those changes."""
    assert lab.sync(written(PEOPLE)).counts == counts(new=8)
    before = {row.key: row for row in lab.rows()}
    assert {row.version for row in before.values()} == {1}

    changed = person(2, **{"Contact number": "0400 000 001"})
    rows = [changed, person(99), *PEOPLE[3:5], PEOPLE[0], *PEOPLE[6:]]  # 1 removed; 5 follows, malformed
    random.Random(1).shuffle(rows)
    data = written(rows) + b"A, comma too many,1,Vessel,VN 00005,Eden,NSW,Somebody Else,0411111111\r\n"
    result = lab.sync(data)
    assert result.counts == counts(new=1, changed=1, inactive=1, unchanged=5, damaged=1, kept=1)
    assert [one.kind for one in result.findings] == ["participant-row-ragged"]
    assert result.findings[0].where == f"row {len(rows) + 2}"
    assert "Somebody" not in repr(result)
    assert "0411111111" not in repr(result)

    assert lab.active() == {p["Vessel number"]: p for p in [*rows, PEOPLE[5]]}
    assert lab.gone() == {"VN 00001"}
    after = {row.key: row for row in lab.rows()}
    moved = {key for key in after if key not in before or after[key] != before[key]}
    assert moved == {lab.numbers()[f"VN {number:05d}"] for number in (1, 2, 99)}
    assert {key: after[key].version for key in moved} == {key: 2 if key in before else 1 for key in moved}

    whole = lab.everything()
    again = lab.sync(data)
    assert again.counts == counts(unchanged=7, damaged=1, kept=1, still_inactive=1)
    assert again.written == 0
    assert again.tally.objects() == {"planned": 8, "done": 0, "skipped": 7, "quarantined": 1, "failed": 0}
    assert not again.tally.complete
    assert lab.everything() == whole


def test_the_history_says_what_was_before(lab: Lab) -> None:
    lab.sync(written(PEOPLE[:3]))
    lab.sync(written([PEOPLE[0], PEOPLE[1]]))
    lab.sync(written([PEOPLE[0], PEOPLE[1], person(2, Port="Bega")]))
    number = lab.numbers()["VN 00002"]
    told = lab.history(number)
    assert [(one.action, one.version, one.run, one.at, one.who) for one in told] == [
        ("new", 1, "run-1", "2023-11-14T22:13:21.000Z", "tester"),
        ("inactive", 2, "run-2", "2023-11-14T22:13:22.000Z", "tester"),
        ("reactivated", 3, "run-3", "2023-11-14T22:13:23.000Z", "tester"),
    ]
    assert [dict(one.old) for one in told] == [{}, PEOPLE[2], {**PEOPLE[2], GONE: "2023-11-14T22:13:22.000Z"}]
    assert lab.active()["VN 00002"] == person(2, Port="Bega")
    assert len(lab.history()) == 5


def test_a_history_of_an_earlier_version_is_read_in_the_present_words(lab: Lab) -> None:
    lab.sync(written(PEOPLE[:2]))
    lab.sync(written(PEOPLE[:1]), allow_many_gone=True)
    lab.sync(written(PEOPLE[:2]))
    _, history = lab.open()
    earlier = {"inactive": "gone", "reactivated": "back"}
    for row in list(history.scan()):
        if (word := earlier.get(str(row.fields.get("action")))) is not None:
            history.apply([Change(row.key, row.version, {**row.fields, "action": word})])
    assert [one.action for one in lab.history()] == ["new", "new", "inactive", "reactivated"]
    assert {row.fields.get("action") for row in history.scan()} >= set(earlier.values())


def test_no_table_is_made_before_it_is_clear_what_goes_in(lab: Lab) -> None:
    with pytest.raises(DamagedError):
        lab.sync(written(PEOPLE), key=("No such column",))
    with pytest.raises(DamagedError):
        lab.sync(b"\xff\xfe")
    rows, history = lab.open()

    def no(_: object) -> None:
        raise PolicyError("no")

    with pytest.raises(PolicyError):
        sync_participants(written(PEOPLE), Participants(rows, history), SyncSettings(), run="r", now=1.0, agree=no)
    lab.sync(written(PEOPLE), dry_run=True)
    assert [table.exists() for table in lab.open()] == [False, False]
    assert lab.sync(written(PEOPLE)).taking_part == len(PEOPLE)


@pytest.mark.parametrize("sign", ["\U0001f6a2", '"', "\x01", "x"])
def test_the_largest_row_goes_through_the_history_too(sign: str, lab: Lab) -> None:
    """Whatever it is made of, a row that is taken fits an item of 400 kB beside what it was before."""
    lab.sync(written(PEOPLE[:2]))
    large = dict.fromkeys(("Company name", "Vessel name", "Port", "Contact name"), sign * 16_000)
    larger = {name: sign * 16_384 for name in COLUMNS if name != "Vessel number"}
    result = lab.sync(written([person(0, **large), person(1, **larger)]))
    taken = {"VN 00000"} if sign in "\U0001f6a2\x01" else {"VN 00000", "VN 00001"}
    if sign == "\x01":
        taken = set()  # six signs each, in JSON
    assert result.counts["changed"] == len(taken)
    assert result.counts["damaged"] == 2 - len(taken)
    back = lab.sync(written(PEOPLE[:2]))
    assert back.counts["changed"] == len(taken)
    rows, history = lab.everything()
    for row in (*rows, *history):
        assert sum(len(f"{name}{value}".encode()) for name, value in row.fields.items()) < 409_600 - 1000


def test_text_stays_text_and_numbers_stay_the_same(lab: Lab) -> None:
    odd = person(
        1, **{"Contact number": "0412345678", "ABN": "007", "Company name": "=1+1", "Port": "", "Vessel name": " x "}
    )
    lab.sync(written([PEOPLE[0], odd]))
    assert lab.active()["VN 00001"] == odd
    numbers = lab.numbers()
    assert all(isinstance(one, int) and 0 < one < 2**53 for one in numbers.values())
    same = {**odd, "Vessel number": "  vn   00001 "}
    result = lab.sync(written([same, PEOPLE[0]]))
    assert result.counts == counts(changed=1, unchanged=1)
    assert lab.numbers() == {"  vn   00001 ": numbers["VN 00001"], "VN 00000": numbers["VN 00000"]}


def test_numbers_do_not_depend_on_order_or_database(lab: Lab) -> None:
    """Reckoned once with sha256sum: a change of how they are made would give every participant a new number."""
    lab.sync(written(PEOPLE[:2][::-1]))
    assert lab.numbers() == {"VN 00000": 4791201097901999, "VN 00001": 2895373313147372}


def test_a_plan_writes_nothing(lab: Lab) -> None:
    result = lab.sync(written(PEOPLE), dry_run=True)
    assert (result.counts, result.written) == (counts(new=8), 0)
    rows, history = lab.open()
    assert not rows.exists()
    assert not history.exists()
    lab.sync(written(PEOPLE))
    whole = lab.everything()
    assert lab.sync(written(PEOPLE[:7]), dry_run=True).counts == counts(inactive=1, unchanged=7)
    assert lab.everything() == whole


@pytest.mark.parametrize("left", [0, 1, 3])
def test_more_than_half_gone_is_refused(lab: Lab, left: int) -> None:
    lab.sync(written(PEOPLE))
    whole = lab.everything()
    with pytest.raises(PolicyError):
        lab.sync(written(PEOPLE[:left]))
    assert lab.everything() == whole
    assert lab.sync(written(PEOPLE[:left]), allow_many_gone=True).counts == counts(inactive=8 - left, unchanged=left)
    assert len(lab.gone()) == 8 - left
    assert lab.sync(written(PEOPLE)).counts == counts(reactivated=8 - left, unchanged=left)
    assert lab.active() == {p["Vessel number"]: p for p in PEOPLE}


def test_half_gone_is_not(lab: Lab) -> None:
    lab.sync(written(PEOPLE))
    assert lab.sync(written(PEOPLE[:4])).counts["inactive"] == 4


BAD = {
    "too many cells": b"x,1,2,3,VN 00005,5,6,7,8\r\n",
    "too few cells": b"x,1,VN 00005,4\r\n",
    "an unreadable sign": b"x,1,V,VN 00005,a\0b,NSW,p,04\r\n",
    "too long a text": b"x,1,V,VN 00005,%s,NSW,p,04\r\n" % (b"y" * 20_000),
    "no end of a quote in the row": b'x,1,V,VN 00005,"a" b,NSW,p,04\r\n',
    "two rows that differ": b"x,1,V,VN 00005,a,NSW,p,04\r\nx,1,V,vn 00005,b,NSW,p,04\r\n",
    "the key cut by a comma": b"x,1,V,VN 00005,a,NSW,p,04,\r\n",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("last", [True, False], ids=["last", "first"])
def test_a_malformed_row_never_marks_its_participant_gone(small: Lab, bad: bytes, last: bool) -> None:
    small.sync(written(PEOPLE))
    others = written([p for p in PEOPLE if p is not PEOPLE[5] and p is not PEOPLE[6]])
    head, _, rest = others.partition(b"\r\n")
    data = others + bad if last else head + b"\r\n" + bad + rest
    result = small.sync(data)
    assert small.active() == {p["Vessel number"]: p for p in PEOPLE if p is not PEOPLE[6]}
    assert small.gone() == {"VN 00006"}
    assert result.counts == counts(inactive=1, unchanged=6, damaged=2 if b"vn" in bad else 1, kept=1)
    assert all(one.severity == "error" and one.where.startswith("row ") for one in result.findings)


UNKNOWN = {
    "no key": b"x,1,V,,a,NSW,p,04\r\n",
    "a key nobody has, and no right place": b"x,1,V,VN 77777,a,NSW,p,04,9\r\n",
    "a quote that swallows the rest": b'x,1,V,VN 00005,"a,NSW,p,04\r\n',
    "cut off in the row": b"x,1,V,VN 00005,a",
    "cut off in a quote": b'x,1,V,VN 00005,"a',
}


@pytest.mark.parametrize("bad", UNKNOWN.values(), ids=UNKNOWN)
def test_a_row_of_nobody_knows_whom_withholds_all_marks(small: Lab, bad: bytes) -> None:
    small.sync(written(PEOPLE))
    result = small.sync(written(PEOPLE[:5] + PEOPLE[7:]) + bad)
    assert small.active() == {p["Vessel number"]: p for p in PEOPLE}
    assert not small.gone()
    assert result.counts == counts(unchanged=6, damaged=1, kept=2)
    assert [one.kind for one in result.findings][-1] == "participants-gone-withheld"


def test_a_quote_in_the_middle_loses_nobody(small: Lab) -> None:
    """A quote opened in one row ends in another: every row between is in nobody's cell, and nobody is gone."""
    small.sync(written(PEOPLE))
    lines = [
        ",".join(f"{name} {n}" if name != "Vessel number" else f"VN {n:05d}" for name in COLUMNS) for n in range(8)
    ]
    lines[2] = lines[2].replace("Port 2", '"Port 2')
    lines[4] = lines[4].replace("Port 4", 'Por"t 4')
    result = small.sync("\r\n".join([",".join(COLUMNS), *lines, ""]).encode())
    assert not small.gone()
    assert result.counts["damaged"] == 1
    assert result.counts["kept"] == 3
    assert {name for name, fields in small.active().items() if fields["Port"].startswith("Port")} == {
        f"VN {n:05d}" for n in (0, 1, 5, 6, 7)
    }


def test_the_same_row_twice_is_taken_once(small: Lab) -> None:
    result = small.sync(written([PEOPLE[0], PEOPLE[1], PEOPLE[0]]))
    assert result.counts == counts(new=2, duplicate=1)
    assert [(one.kind, one.where) for one in result.findings] == [("participant-repeated", "row 4")]


def test_two_columns_make_a_key(small: Lab) -> None:
    key = ("Vessel name", "Port")
    rows = [person(1, **{"Vessel name": name, "Port": port}) for name in "AB" for port in "CD"]
    assert small.sync(written(rows), key=key).counts == counts(new=4)
    assert small.sync(written(rows[::-1])).counts == counts(unchanged=4), "the key is that of the last sync"
    with pytest.raises(ConfigurationError):
        small.sync(written(rows), key=("Port",))
    with pytest.raises(ConfigurationError):
        small.sync(written(rows), by_row_number=True)


def test_by_row_number_only_if_asked(small: Lab) -> None:
    assert small.sync(written(PEOPLE), by_row_number=True).counts == counts(new=8)
    assert small.numbers() == {p["Vessel number"]: n for n, p in enumerate(PEOPLE, 1)}
    assert small.sync(written(PEOPLE[::-1]), by_row_number=True).counts == counts(changed=8)
    with pytest.raises(ConfigurationError):
        small.sync(written(PEOPLE))
    ragged = written(PEOPLE[::-1][:3]) + b"x,y\r\n" + written(PEOPLE[:4][::-1]).partition(b"\r\n")[2]
    assert small.sync(ragged, by_row_number=True).counts == counts(unchanged=7, damaged=1, kept=1)


def test_a_table_that_another_tool_made_keeps_its_numbers(moto_environment: object, small: Lab) -> None:
    """The script of today numbers by row, writes no versions and types everything S."""
    from bondstore.databases import open_table

    rows = open_table("dynamodb://", "people", key="user_id", numeric=True)
    rows.create()
    client = moto_environment.client("dynamodb")  # type: ignore[attr-defined]
    for number, one in enumerate(PEOPLE):
        item = {name: {"S": text} for name, text in one.items()}
        client.put_item(TableName="people", Item={"user_id": {"N": str(number)}, **item})
    tables = rows, open_table("dynamodb://", "people-history", key="id")
    data = written([person(3, Port="Bega"), *PEOPLE[4:], *PEOPLE[:2]])
    assert small.sync(data, tables=tables).counts == counts(changed=1, inactive=1, unchanged=6)
    found = {row.key: row for row in rows.scan()}
    assert sorted(found) == list(range(8))
    assert found[3].fields == person(3, Port="Bega")
    assert found[2].fields[GONE]
    item = client.get_item(TableName="people", Key={"user_id": {"N": "3"}})["Item"]
    assert item["Contact number"] == {"S": PEOPLE[3]["Contact number"]}
    assert small.sync(data, tables=tables).written == 0


def test_two_participants_never_share_a_number(small: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from bondstore.registry import plan

    small.sync(written(PEOPLE[:1]))
    monkeypatch.setattr(plan, "user_id", lambda identity: small.numbers()["VN 00000"])
    whole = small.everything()
    with pytest.raises(ConfigurationError):
        small.sync(written(PEOPLE[:2]))
    assert small.everything() == whole


def test_columns_come_and_go(lab: Lab) -> None:
    lab.sync(written(PEOPLE))
    less = [name for name in COLUMNS if name != "ABN"]
    result = lab.sync(written(PEOPLE, less))
    assert result.counts == counts(changed=8)
    assert [one.kind for one in result.findings] == ["participants-columns-gone"]
    assert set(lab.active()["VN 00001"]) == set(less)
    more = [{**one, "Gear, type": "Trawl"} for one in PEOPLE]
    assert lab.sync(written(more, [*COLUMNS, "Gear, type"])).counts == counts(changed=8)
    assert lab.active() == {p["Vessel number"]: p for p in more}


HEADERS = {
    "no header at all": b"",
    "only a mark": b"\xef\xbb\xbf",
    "blank lines": b"\r\n\r\n",
    "a name twice": b"Vessel number,Port,port\r\n",
    "no name": b"Vessel number,\r\n",
    "the table's own": b"Vessel number,user_id\r\n",
    "a mark of ours": b"Vessel number,_gone\r\n",
    "a version of ours": b"Vessel number,_VERSION\r\n",
    "a control sign": b"Vessel number,a\x1b[31mb\r\n",
    "too long": b"Vessel number," + b"x" * 64 + b"\r\n",
    "an open quote": b'Vessel number,"Port\r\n1,2\r\n',
    "another separator, no such column": b"Vessel;Port\r\n1;2\r\n",
    "no such column": b"Vessel,Port\r\n1,2\r\n",
    "neither UTF-8 nor Windows-1252": b"Vessel number,Stra\x81e\r\n",
    "UTF-8, damaged": "Vessel number,Straße\r\n".encode() + b"1,\xe9\r\n",
    "UTF-8, cut off in a letter": "Vessel number,Straße".encode()[:-2],
    "UTF-16, cut off in a letter": "Vessel number,Port\r\n".encode("utf-16")[:-1],
    "too many": b"Vessel number" + b"".join(b",c%d" % n for n in range(300)) + b"\r\n",
}


@pytest.mark.parametrize("head", HEADERS.values(), ids=HEADERS)
def test_headers_that_are_refused(small: Lab, head: bytes) -> None:
    small.sync(written(PEOPLE))
    whole = small.everything()
    with pytest.raises(DamagedError) as told:
        small.sync(head)
    assert "Straße" not in str(told.value)
    assert "\x1b" not in str(told.value)
    assert small.everything() == whole


def saved(rows: list[dict[str, str]], encoding: str, separator: str, *, said: bool = False) -> bytes:
    """The people as a spreadsheet saves them."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(COLUMNS)
    writer.writerows([row[name] for name in COLUMNS] for row in rows)
    return ((f"sep={separator}\r\n" if said else "") + out.getvalue()).encode(encoding)


@pytest.mark.parametrize(
    ("encoding", "separator", "said", "assumed"),
    [
        ("utf-8", ";", False, ["separated by semicolons"]),
        ("utf-8-sig", "\t", False, ["separated by tabs"]),
        ("cp1252", ",", False, ["read as Windows-1252"]),
        ("cp1252", ";", True, ["read as Windows-1252", "separated by semicolons"]),
        ("utf-16", "\t", False, ["read as UTF-16", "separated by tabs"]),
        ("utf-16-le", ",", False, ["read as UTF-16"]),
        ("utf-16-be", ";", False, ["read as UTF-16", "separated by semicolons"]),
    ],
)
def test_a_csv_as_a_spreadsheet_saves_it_is_read_and_what_was_assumed_is_said(
    small: Lab, encoding: str, separator: str, said: bool, assumed: list[str]
) -> None:
    result = small.sync(saved(PEOPLE, encoding, separator, said=said))
    assert result.counts == counts(new=8)
    assert small.active() == {one["Vessel number"]: one for one in PEOPLE}, "accents and line ends in cells included"
    assert [word in one.message for word, one in zip(assumed, result.findings, strict=True)] == [True] * len(assumed)
    assert {one.severity.value for one in result.findings} == {"info"}
    again = small.sync(written(PEOPLE))
    assert (again.written, again.findings) == (0, ()), "the same people, saved otherwise"


def test_a_damaged_row_between_semicolons_keeps_its_participant(small: Lab) -> None:
    small.sync(written(PEOPLE))
    lines = saved([one for one in PEOPLE if "\n" not in one["Port"]], "cp1252", ";").split(b"\r\n")
    lines[1] = lines[1].rpartition(b";")[0]
    result = small.sync(b"\r\n".join(lines))
    assert result.counts["damaged"] == 1
    assert PEOPLE[0]["Vessel number"] in small.active()


def test_hostile_names_and_values(lab: Lab) -> None:
    columns = [
        "Vessel number",
        '"; DROP TABLE people; --',
        "%s %(x)s",
        "{0} ${HOME}",
        "ünï\u200dcode",
        ":a",
        "#n",
        "f0",
    ]
    columns = [name for name in columns if name.isprintable()]
    rows = [{name: f"{name}' \\ {n} \u202e\x1b[2J" for name in columns} | {"Vessel number": str(n)} for n in range(3)]
    assert lab.sync(written(rows, columns)).counts == counts(new=3)
    assert lab.active() == {row["Vessel number"]: row for row in rows}
    assert lab.sync(written(rows, columns)).written == 0


def test_a_table_that_fails_says_so(small: Lab) -> None:
    _, history = small.open()
    history.create()
    history.apply([Change("~sync", None, {"key": "not JSON"})])
    with pytest.raises(BondstoreError) as told:
        small.sync(written(PEOPLE))
    assert not isinstance(told.value, ChangedError)


def test_ten_thousand_rows_in_seconds(lab: Lab) -> None:
    if lab.kind == "dynamodb":
        pytest.skip("moto copies the whole table at every row of a transaction")
    many = [person(number) for number in range(10_000)]
    assert lab.sync(written(many)).counts == counts(new=10_000)
    random.Random(2).shuffle(many)
    many[:100] = [{**one, "Port": "Bega"} for one in many[:100]]
    assert lab.sync(written(many[:9_950])).counts == counts(changed=100, unchanged=9_850, inactive=50)
    assert lab.active() == {p["Vessel number"]: p for p in many[:9_950]}
