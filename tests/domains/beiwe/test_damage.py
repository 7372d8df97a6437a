"""A bucket with one object of every kind of damage and oddity: each is named, none stops the run, nothing good is lost.

End to end: a real server, the real command line, objects sealed by an independent encryptor.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard
from demo.study import FIRST_HOUR_MS, STUDY, Made, Shape, hour_name, make, seal, utc
from pyarrow import parquet

from bondstore.domains.beiwe.findings import DAMAGE, KINDS
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.seaweedfs import SeaweedFS
from tests.studies import Ended, FoldingProxy, Lab, leftovers, original_files, tree

HOUR = FIRST_HOUR_MS
OLD_HOUR = 1_475_136_000_000  # 2016-09-29T08:00:00Z
ACCEL = "timestamp,UTC time,accuracy,x,y,z"
TIMES = [HOUR + 1000 * n for n in range(60)]
ROWS = [f"{t},{utc(t)},unknown,0.1,-0.2,9.8" for t in TIMES]
TEXT = "\n".join([ACCEL, *ROWS]).encode()
WRONG_KEY = "other-harbour-lantern-0123456789"

Rows = list[int]


@dataclass(frozen=True)
class Case:
    """One odd object.

    Parameters
    ----------
    key : str
        Its key; the participant is named after what is odd.
    sealed : bytes
        As stored.
    original, tables : str
        The kinds that each form names, parted by spaces; with ``!`` at the start the object is set aside as well.
    rows : list of int, optional
        The times that its table must hold; None when there must be no table.
    plain : bytes
        What the original form must give, where it gives anything.
    """

    key: str
    sealed: bytes
    original: str
    tables: str
    rows: Rows | None
    plain: bytes = b""

    @property
    def table(self) -> str:
        """The path of its table."""
        _, person, folder = self.key.removeprefix("CHUNKED_DATA/").split("/")[:3]
        names = {"accel": "accelerometer", "logFile": "app_log", "wifiLog": "wifi", "callLog": "calls"}
        names |= {"surveyTimings": "survey_timings", "surveyAnswers": "survey_answers"}
        return f"tables/{person}/{names.get(folder, folder)}.parquet"

    def kinds(self, form: str) -> set[str]:
        return set((self.original if form == "original" else self.tables).removeprefix("!").split())

    def set_aside(self, form: str) -> bool:
        return (self.original if form == "original" else self.tables).startswith("!")


def csv(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def packed(plain: bytes) -> bytes:
    return seal(zstandard.compress(plain))


def chunked(name: str, stream: str = "accelerometer", hour: int = HOUR, ending: str = "") -> str:
    return f"CHUNKED_DATA/{STUDY}/{name}/{stream}/{hour_name(hour)}.csv{ending}"


def flipped(sealed: bytes, at: int) -> bytes:
    return sealed[:at] + bytes([sealed[at] ^ 0x80]) + sealed[at + 1 :]


def damage() -> Iterator[Case]:
    """Yield objects that are damaged, or that opening finds odd."""
    chooser = random.Random(8)
    many = [HOUR + 500 * n for n in range(7000)]
    noisy = csv(ACCEL, *(f"{t},{utc(t)},u,{chooser.random()},{chooser.random()},0.5" for t in many))
    wide = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    ).compressobj()
    huge = wide.compress(TEXT) + wide.flush()
    row = TEXT.index(ROWS[30].encode())
    broken = bytearray(zstandard.compress(noisy))
    broken[200_000:200_400] = chooser.randbytes(400)
    yield Case(chunked("empty"), b"", "!empty", "!empty", None)
    yield Case(chunked("no-iv"), b"seven b", "!no-iv", "!no-iv", None)
    yield Case(chunked("undecryptable"), seal(TEXT, WRONG_KEY), "!undecryptable", "!undecryptable", None)
    yield Case(chunked("damaged-start"), flipped(seal(TEXT), 3), "!damaged-start", "!damaged-start wrong-header", TIMES)
    yield Case(
        chunked("damaged-bytes"),
        flipped(seal(TEXT), 16 + row + 20),
        "!damaged-bytes",
        "!damaged-bytes rows-lost",
        [*TIMES[:30], *TIMES[31:]],
    )
    yield Case(chunked("bad-zstd", ending=".zst"), seal(bytes(broken)), "!bad-zstd", "!bad-zstd", many)
    cut = seal(zstandard.compress(noisy))
    yield Case(chunked("cut-zstd", ending=".zst"), cut[: len(cut) * 3 // 4], "!truncated", "!truncated", many)
    yield Case(chunked("truncated"), seal(TEXT)[:-12], "!truncated", "!truncated rows-lost", TIMES[:-1])
    yield Case(
        chunked("wrong-header"), seal(TEXT.replace(b"UTC time", b"utc_time")), "!wrong-header", "!wrong-header", TIMES
    )
    yield Case(chunked("too-large", ending=".zst"), seal(huge), "!too-large", "!too-large", None)
    word = "zstd-without-suffix"
    yield Case(chunked(word), packed(TEXT), word, word, TIMES, TEXT)
    word = "suffix-without-zstd"
    yield Case(chunked(word, ending=".zst"), seal(TEXT), word, word, TIMES, TEXT)
    swapped = TEXT.replace(utc(TIMES[5]).encode(), utc(TIMES[5] + 400).encode())  # damage that zstd lets through
    yield Case(
        chunked("suspect-rows", ending=".zst"),
        packed(swapped),
        "suspect-rows",
        "utc-time-disagrees",
        TIMES,
        swapped,
    )
    late = csv(ACCEL, *ROWS[:-1], ROWS[-1].replace(utc(TIMES[-1]), utc(TIMES[-1] + 100)))
    yield Case(chunked("suspect", ending=".zst"), packed(late), "suspect-rows", "utc-time-disagrees", TIMES, late)
    yield Case(chunked("header-only"), seal(ACCEL.encode()), "header-only", "header-only", [], ACCEL.encode())


def odd(key: str, word: str, rows: Rows, *lines: str) -> Case:
    """An object that is as it was written, and whose rows are odd."""
    return Case(key, seal(csv(*lines)), "", word, rows, csv(*lines))


def quirks() -> Iterator[Case]:
    """Yield objects that came so from a phone or a server."""
    t, u = HOUR, utc(HOUR)
    yield Case(chunked("empty-text", ending=".zst"), packed(b""), "", "empty-text", [])
    old = OLD_HOUR + 12
    yield odd(
        chunked("unpadded", hour=OLD_HOUR),
        "unpadded-milliseconds",
        [old],
        ACCEL,
        f"{old},2016-09-29T08:00:00.12,u,1,2,3",
    )
    identifiers = (
        "timestamp,UTC time,patient_id,MAC,phone_number,device_id,device_os,os_version,product,brand,hardware_id,"
        "manufacturer,model,beiwe_version"
    )
    yield odd(
        chunked("comma-in-model", "identifiers"),
        "comma-in-model",
        [t],
        identifiers,
        f"{t},{u},p,m,p,d,iOS,10.1,pr,br,hw,Apple,iPhone8,1,2.4",
    )
    gps = "timestamp,UTC time,latitude,longitude,altitude,accuracy"
    yield odd(chunked("repeated", "gps"), "repeated-utc-time", [t], gps, f"{t},{u},{u},1.5,2.5,3.5,4.5")
    yield odd(chunked("spaces", "gps"), "spaces-in-header", [t], gps.replace(",", ", "), f"{t},{u}, 1.5, 2.5, 3.5, 4.5")
    yield odd(
        chunked("ragged", "gyro"), "ragged-rows", [t, t + 1], ACCEL, f"{t},{u},1,2,3", f"{t + 1},{utc(t + 1)},u,1,2,3"
    )
    yield odd(chunked("comma-first"), "header-starts-with-comma", TIMES, f",{ACCEL}", *ROWS)
    yield odd(chunked("not-ascii"), "header-not-ascii", TIMES, f"\ufeff{ACCEL}", *ROWS)
    yield odd(chunked("disagrees"), "utc-time-disagrees", [t], ACCEL, f"{t},{utc(t + 9000)},u,1,2,3")
    yield odd(chunked("out-of-hour"), "out-of-hour-rows", [t - 1], ACCEL, f"{t - 1},{utc(t - 1)},u,1,2,3")
    yield odd(chunked("out-of-range"), "timestamp-out-of-range", [12], ACCEL, f"0000000000012,{utc(12)},u,1,2,3")
    yield odd(chunked("duplicates"), "duplicate-rows", TIMES[:2], ACCEL, ROWS[0], ROWS[0], ROWS[1])
    yield odd(chunked("no-number"), "not-a-number", [t], ACCEL, f"{t},{u},u,far,2,3")
    texts = "timestamp,UTC time,hashed phone number,sent vs received,message length,time sent"
    yield odd(chunked("mms", "texts"), "mms-without-time", [t], texts, f"{t},{u},h4sh,sent MMS,MMS")
    yield odd(chunked("sms", "texts"), "sms-logger-error", [t], texts, f"{t},{u},SMS Sent Logger had an error: x")
    yield odd(
        chunked("log-comma", "app_log"), "app-log-comma", [t + 7], "timestamp,UTC time,event", f"{t},{u},{t + 7},newer"
    )
    answers = "question id,question type,question text,question answer options,answer"
    yield odd(
        f"{STUDY}/option-index/surveyAnswers/s1/{t}.csv",
        "option-index-answers",
        [t],
        answers,
        "q1,Radio Button Question,How?,bad;good,1",
    )
    yield odd(
        f"{STUDY}/line-break/surveyAnswers/s1/{t}.csv",
        "line-break-in-answer",
        [t],
        answers,
        "q1,free_response,How?,,fine",
        "or so",
    )
    yield odd(
        chunked("survey-id", "survey_timings/s1"),
        "survey-id-disagrees",
        [t],
        "timestamp,UTC time,question id,survey id,question type,question text,question answer options,answer",
        f"{t},{u},q1,s2,radio_button,How?,a;b,a",
    )
    yield odd(
        f"{STUDY}/wifi-last/wifiLog/{t}.csv", "wifi-last-row", [t], "hashed MAC, frequency, RSSI", "a,1,-5", "b,2,-6"
    )
    yield odd(
        f"{STUDY}/untimed/logFile/{t}.csv",
        "untimed-log-line",
        [t, t + 1, t + 1],
        "THIS LINE IS A LOG FILE HEADER",
        f"{t + 1} one",
        "two",
    )
    yield odd(
        f"{STUDY}/old-header/callLog/{t}.csv",
        "old-header",
        [t],
        "hashed phone number,call type,date,duration in seconds",
        f"h4sh,Missed Call,{t},0",
    )
    yield odd(
        f"{STUDY}/empty-survey-id/surveyAnswers//{t}.csv", "empty-survey-id", [t], answers, "q1,radio_button,How?,a;b,a"
    )


CASES = [*damage(), *quirks()]
GOOD = list(make(Shape(participants=1, hours=3, rows=20)))
MOVED = chunked("moved")  # listed so, stored as its twin
GONE = chunked("gone")  # listed, and stored nowhere


@pytest.fixture
def lab(seaweedfs: SeaweedFS, bucket: str, tmp_path: Path) -> Lab:
    return Lab(seaweedfs, bucket, tmp_path)


@dataclass(frozen=True)
class Damaged:
    """The bucket, and the proxy through which it lists what is not there (any more)."""

    lab: Lab
    proxy: FaultyProxy


@pytest.fixture
def damaged(lab: Lab) -> Iterator[Damaged]:
    lab.fill(GOOD)
    # This server takes no empty part in a key: the proxy makes one of this stand-in.
    lab.fill([Made(case.key.replace("//", "/no-survey/"), case.sealed, b"") for case in CASES])
    lab.put(MOVED + ".zst", packed(TEXT))
    lab.put(GONE.replace("T00", "T01"), seal(TEXT))
    with FoldingProxy(lab.server, "/no-survey/", "//") as proxy:
        swaps = {MOVED + ".zst": MOVED, GONE.replace("T00", "T01"): GONE, "/no-survey/": "//"}

        def rewritten(listing: bytes) -> bytes:
            for stored, listed in swaps.items():
                listing = listing.replace(stored.encode(), listed.encode())
            return listing

        proxy.add(Fault("rewrite", contains="list-type", times=10**9, rewriter=rewritten))
        yield Damaged(lab, proxy)


def test_every_kind_is_tried() -> None:
    tried = {kind for case in CASES for form in ("original", "parquet") for kind in case.kinds(form)}
    assert tried >= set(DAMAGE) | set(KINDS)


def check_report(ended: Ended, lab: Lab, form: str) -> None:
    """What the run says: every oddity by its name, a tally that adds up, exit 5."""
    assert ended.code == 5, ended.err
    expected = {case.key: case.kinds(form) for case in CASES if case.kinds(form)}
    expected |= {MOVED: {"moved-to-twin"}, GONE: {"gone"}}
    assert ended.findings == expected
    planned = len(CASES) + len(original_files(GOOD)) + 2
    aside = [case for case in CASES if case.set_aside(form)]
    tally = ended.tally
    sizes = tally.pop("bytes_by")
    assert sum(sizes.values()) == tally.pop("bytes")
    assert sizes["quarantined"] == sum(len(case.sealed) for case in aside)
    assert tally == {
        "planned": planned,
        "done": planned - len(aside) - 1,
        "skipped": 0,
        "quarantined": len(aside),
        "failed": 1,
    }


def check_quarantine(lab: Lab, form: str) -> None:
    """What could not be handled is kept as it was stored, under its key."""
    kept = lab.dest / ".bondstore" / "quarantine"
    found = {path.relative_to(kept).as_posix(): path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    assert found == {case.key: case.sealed for case in CASES if case.set_aside(form)}
    assert leftovers(lab.dest) == []


def times(path: Path) -> Rows:
    column: Rows = parquet.read_table(path)["timestamp"].to_pylist()
    return column


def test_original_gives_all_that_is_whole(damaged: Damaged) -> None:
    lab = damaged.lab
    ended = lab.export("--format", "original", endpoint=damaged.proxy.endpoint)
    check_report(ended, lab, "original")
    check_quarantine(lab, "original")
    whole = [
        Made(case.key.replace("//", "/%empty/"), b"", case.plain) for case in CASES if not case.set_aside("original")
    ]
    assert tree(lab.dest) == original_files([*GOOD, *whole, Made(MOVED, b"", TEXT)])


def test_tables_keep_every_good_row(damaged: Damaged) -> None:
    lab = damaged.lab
    ended = lab.export("--format", "parquet", "--source", "both", endpoint=damaged.proxy.endpoint)
    check_report(ended, lab, "parquet")
    check_quarantine(lab, "parquet")
    tables = {path for path in tree(lab.dest) if path.startswith("tables/") and "/1ab2cd3e/" not in path}
    moved = "tables/moved/accelerometer.parquet"
    assert tables == {case.table for case in CASES if case.rows is not None} | {moved}
    assert times(lab.dest / moved) == TIMES
    for case in CASES:
        if case.rows is None:
            continue
        rows = times(lab.dest / case.table)
        if "zstd" in case.key and case.set_aside("parquet"):  # what lies before the damage is saved
            assert len(case.rows) // 4 < len(rows) < len(case.rows)
            assert rows == case.rows[: len(rows)]
        else:
            assert rows == case.rows, case.key


def test_which_rows_are_lost_is_said(damaged: Damaged) -> None:
    lab = damaged.lab
    ended = lab.export("--format", "parquet", "--participant", "damaged-bytes", endpoint=damaged.proxy.endpoint)
    assert ended.code == 5
    assert {(one["finding"], one["where"]) for one in ended.records[:-1]} == {
        ("damaged-bytes", "row 31"),
        ("rows-lost", "row 31"),
    }


@pytest.mark.parametrize("form", ["original", "parquet"])
def test_what_was_damaged_on_the_way_is_mended_by_a_retry(lab: Lab, faulty: FaultyProxy, form: str) -> None:
    """The object in the bucket is whole: its version does not change, so only a retry takes it up again."""
    made = lab.fill(GOOD)
    victim = next(one for one in made if one.key.endswith(".csv") and "/accelerometer/" in one.key)
    faulty.add(Fault("rewrite", contains=victim.key, times=10**9, rewriter=lambda body: flipped(body, len(body) // 2)))
    words = ("--format", form, "--stream", "accelerometer")
    first = lab.export(*words, endpoint=faulty.endpoint)
    assert (first.code, first.tally["quarantined"]) == (5, 1)
    assert "wrong-checksum" in first.findings[victim.key]
    kept = lab.dest / ".bondstore" / "quarantine" / victim.key
    assert kept.read_bytes() == flipped(victim.sealed, len(victim.sealed) // 2)

    faulty.clear()
    again = lab.export(*words, endpoint=faulty.endpoint)
    assert (again.code, again.tally["quarantined"], again.tally["done"]) == (5, 1, 0)
    assert faulty.count(contains=victim.key) <= 1  # the key may be tried on it

    mended = lab.run(lab.command("run", "retry", "last", "--dest", str(lab.dest), "--json"))
    assert (mended.code, mended.tally["quarantined"], mended.tally["failed"]) == (0, 0, 0)
    clean = lab.folder / "clean"
    assert lab.export(*words, dest=clean).code == 0
    assert tree(lab.dest) == tree(clean)
    assert lab.export(*words).tally["skipped"] == mended.tally["planned"]


@pytest.mark.parametrize("form", ["original", "parquet"])
def test_a_mended_object_is_taken_up_without_a_retry(lab: Lab, form: str) -> None:
    made = lab.fill(GOOD)
    victim = next(one for one in made if one.key.endswith(".csv") and "/accelerometer/" in one.key)
    lab.put(victim.key, victim.sealed[: len(victim.sealed) // 2])
    words = ("--format", form, "--stream", "accelerometer", "--source", "chunked")
    assert lab.export(*words).code == 5
    lab.put(victim.key, victim.sealed)
    assert lab.export(*words).code == 0
    clean = lab.folder / "clean"
    assert lab.export(*words, dest=clean).code == 0
    assert tree(lab.dest) == tree(clean)
