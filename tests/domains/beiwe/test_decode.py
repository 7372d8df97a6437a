from __future__ import annotations

import dataclasses
import itertools
import random

import pytest
import zstandard
from Cryptodome.Cipher import AES
from demo.study import utc

from bondstore.domains.beiwe.decode import Opened, Opener, key_verdict
from bondstore.domains.beiwe.findings import DAMAGE
from bondstore.domains.beiwe.layout import BeiweObject, parse_key
from bondstore.errors import ConfigurationError, DamagedError, NotFoundError
from bondstore.findings import Finding, Severity
from tests.domains.beiwe.objects import HOUR, PID, STUDY, chunked, raw

KEY = b"quiet-harbour-lantern-0123456789"
WRONG = b"other-harbour-lantern-0123456789"
IV = bytes(range(100, 116))
HEADER = b"timestamp,UTC time,accuracy,x,y,z"
ROWS = [b"%d,2018-03-01T00:00:%02d.000,unknown,0.1,-0.2,9.8" % (1519862400000 + i * 1000, i) for i in range(60)]
TEXT = b"\n".join([HEADER, *ROWS])
ACCEL = chunked("accelerometer")
OPENER = Opener(KEY)


def seal(plain: bytes, key: bytes = KEY) -> bytes:
    return IV + AES.new(key, AES.MODE_CFB, iv=IV, segment_size=8).encrypt(plain)


def packed(obj: BeiweObject, ending: str = ".zst") -> BeiweObject:
    return parse_key(STUDY, obj.key + ending)


def flipped(sealed: bytes, at: int) -> bytes:
    return sealed[:at] + bytes([sealed[at] ^ 0x80]) + sealed[at + 1 :]


def kinds(opened: Opened) -> list[str]:
    return [finding.kind for finding in opened.findings]


def only(opened: Opened) -> Finding:
    (finding,) = opened.findings
    return finding


def refused(obj: BeiweObject, sealed: bytes, opener: Opener = OPENER) -> DamagedError:
    """Every way to open tells the same."""
    with pytest.raises(DamagedError) as caught:
        opener.open(obj, sealed)
    (batch,) = opener.open_many([(obj, sealed)])
    with pytest.raises(DamagedError) as streamed:
        list(opener.open_stream(obj, [sealed]))
    assert isinstance(batch, DamagedError)
    assert batch.kind == caught.value.kind == streamed.value.kind
    assert obj.key in str(caught.value)
    return caught.value


def raw_file(name: str) -> BeiweObject:
    return parse_key(STUDY, f"{STUDY}/{PID}/{name}")


# What is whole


@pytest.mark.parametrize("ending", ["", ".zst", ".zstd"])
def test_a_good_object_comes_out_as_it_went_in(ending: str) -> None:
    obj = packed(ACCEL, ending)
    sealed = seal(zstandard.compress(TEXT) if ending else TEXT)
    assert OPENER.open(obj, sealed) == Opened(TEXT)
    assert OPENER.open(obj, memoryview(sealed)).whole
    assert OPENER.salvage(obj, sealed) == Opened(TEXT)
    assert b"".join(OPENER.open_stream(obj, [sealed])) == TEXT


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("voiceRecording/s1/1519862400000.mp4", b"\0\0\0\x18ftypmp42" + bytes(100)),
        ("voiceRecording/s1/1519862400000.wav", b"RIFF\x24\0\0\0WAVEfmt " + bytes(100)),
        ("image_survey/s1/1519862400000.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(100)),
        ("surveyAnswers/s1/1519862400000.json", b'{"answers": ["ja", "n\xc3\xb6"]}'),
        ("surveyAnswers/s1/1519862400000.txt", "たいへんよくできました".encode()),
    ],
)
@pytest.mark.parametrize("ending", ["", ".zst"])
def test_files_without_a_header(name: str, content: bytes, ending: str) -> None:
    obj = raw_file(name + ending)
    sealed = seal(zstandard.compress(content) if ending else content)
    assert OPENER.open(obj, sealed) == Opened(content)
    assert b"".join(OPENER.open_stream(obj, [sealed])) == content


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        (chunked("gyro"), b"timestamp,UTC time,x,y,z\n1,2,3,4,5"),
        (raw("gps"), b"timestamp, latitude, longitude, altitude, accuracy\n1,2,3,4,5"),
        (raw("logFile"), b"THIS LINE IS A LOG FILE HEADER\n1519862400000 text"),
        (raw("wifiLog"), b"hashed MAC, frequency, RSSI\nabc,2412,-60\nab"),  # the app leaves its last row unfinished
        (chunked("texts"), b"timestamp,UTC time,hashed phone number,sent vs received,message length,time sent\n1,2,c"),
        (
            chunked("survey_timings"),
            b"timestamp,UTC time,question id,survey id,question type,question text,question answer options,answer\n"
            b"1,2,User hit submit, \xc3\xa9t\xc3\xa9",
        ),
    ],
)
def test_known_headers_and_legitimate_oddities(obj: BeiweObject, text: bytes) -> None:
    assert OPENER.open(obj, seal(text)) == Opened(text)
    assert b"".join(OPENER.open_stream(obj, [seal(text)])) == text


def test_compressed_nothing_is_no_damage() -> None:
    assert OPENER.open(packed(ACCEL), seal(zstandard.compress(b""))) == Opened(b"")


def test_a_batch_keeps_order_and_names_each_damage() -> None:
    items = [
        (ACCEL, seal(TEXT)),
        (ACCEL, b""),
        (packed(ACCEL), seal(zstandard.compress(TEXT))),
        (ACCEL, seal(TEXT, WRONG)),
        (ACCEL, IV),
        (packed(ACCEL), seal(zstandard.compress(TEXT)[:-9])),
        (ACCEL, seal(TEXT + b"\n" + ROWS[0])),
    ] * 20
    results = OPENER.open_many(items)
    told = [result.kind if isinstance(result, DamagedError) else result.plain for result in results]
    expected = [TEXT, "empty", TEXT, "undecryptable", "no-iv", "truncated", TEXT + b"\n" + ROWS[0]]
    assert told == expected * 20


@pytest.mark.parametrize("size", [1, 13, 4096, 100_000])
@pytest.mark.parametrize("ending", ["", ".zst"])
def test_a_stream_in_any_chunking(size: int, ending: str) -> None:
    text = TEXT + b"\n" + b"\n".join(ROWS * 60)
    sealed = seal(zstandard.compress(text) if ending else text)
    chunks = (sealed[at : at + size] for at in range(0, len(sealed), size))
    assert b"".join(OPENER.open_stream(packed(ACCEL, ending), chunks)) == text


# Infos


def test_header_only() -> None:
    for text in (HEADER, HEADER + b"\n", HEADER + b"\r\n\r\n"):
        opened = OPENER.open(ACCEL, seal(text))
        assert (kinds(opened), opened.plain, opened.whole) == (["header-only"], text, True)
        assert only(opened).severity is Severity.INFO


def test_zstd_without_suffix() -> None:
    opened = OPENER.open(ACCEL, seal(zstandard.compress(TEXT)))
    assert (kinds(opened), opened.plain, opened.whole) == (["zstd-without-suffix"], TEXT, True)
    assert b"".join(OPENER.open_stream(ACCEL, [seal(zstandard.compress(TEXT))])) == TEXT


def test_suffix_without_zstd() -> None:
    opened = OPENER.open(packed(ACCEL), seal(TEXT))
    assert (kinds(opened), opened.plain, opened.whole) == (["suffix-without-zstd"], TEXT, True)
    assert b"".join(OPENER.open_stream(packed(ACCEL), [seal(TEXT)])) == TEXT


# Refused


@pytest.mark.parametrize(("size", "kind"), [(0, "empty"), (1, "no-iv"), (16, "no-iv")])
@pytest.mark.parametrize("ending", ["", ".zst"])
def test_empty_and_no_iv(size: int, kind: str, ending: str) -> None:
    assert refused(packed(ACCEL, ending), bytes(size)).kind == kind


@pytest.mark.parametrize("ending", ["", ".zst"])
@pytest.mark.parametrize("size", [1, 20, 50, 70, 3000])
def test_a_wrong_key(ending: str, size: int) -> None:
    content = TEXT[:size]
    sealed = seal(zstandard.compress(content) if ending else content, WRONG)
    assert refused(packed(ACCEL, ending), sealed).kind == "undecryptable"


@pytest.mark.parametrize("extension", ["mp4", "wav", "json", "txt", "csv"])
def test_a_wrong_key_on_files_without_a_known_header(extension: str) -> None:
    obj = raw_file(f"voiceRecording/s1/1519862400000.{extension}")
    for seed in range(30):
        assert refused(obj, IV + random.Random(seed).randbytes(200 + seed)).kind == "undecryptable"


def test_noise_is_never_taken_for_an_object() -> None:
    for seed in range(300):
        noise = IV + random.Random(seed).randbytes(20 + seed * 7)
        assert refused(ACCEL, noise).kind == "undecryptable"
        assert refused(packed(ACCEL), noise).kind == "undecryptable"


@pytest.mark.parametrize(
    "text",
    [
        b"a report of another kind\nwith two lines and nothing like rows, none at all\n" * 2,
        b"timestamp,UTC time,question,answer\n1,2,3,4\n",
        b"just some other words, short",
    ],
)
def test_wrong_header_without_rows_of_the_stream(text: bytes) -> None:
    assert refused(ACCEL, seal(text)).kind == "wrong-header"
    assert refused(ACCEL, seal(zstandard.compress(text))).kind == "wrong-header"


def test_noise_inside_good_zstd_is_no_wrong_key() -> None:
    assert refused(packed(ACCEL), seal(zstandard.compress(bytes(200)))).kind == "wrong-header"


def test_bad_zstd() -> None:
    noisy = "\n".join(str(random.Random(4).random()) for _ in range(20_000)).encode()
    sealed = seal(zstandard.compress(HEADER + b"\n" + noisy))
    broken = sealed[:30_000] + bytes(3000) + sealed[33_000:]
    assert refused(packed(ACCEL), broken).kind in ("bad-zstd", "truncated")
    assert refused(packed(ACCEL), seal(zstandard.compress(TEXT) + b"junk")).kind == "bad-zstd"


@pytest.mark.parametrize("cut", [1, 5, 100])
def test_truncated_zstd(cut: int) -> None:
    assert refused(packed(ACCEL), seal(zstandard.compress(TEXT))[:-cut]).kind == "truncated"


def test_too_large() -> None:
    opener = Opener(KEY, limit=1000, stream_limit=1000)
    error = refused(packed(ACCEL), seal(zstandard.compress(TEXT)), opener)
    assert (error.kind, error.hint) == ("too-large", DAMAGE["too-large"].advice)


# Partly good


def doubtful(obj: BeiweObject, sealed: bytes) -> Opened:
    """Opened with an ERROR; the stream, which has no place for findings, raises it."""
    opened = OPENER.open(obj, sealed)
    assert not opened.whole
    assert [opened] == OPENER.open_many([(obj, sealed)])
    with pytest.raises(DamagedError) as caught:
        list(OPENER.open_stream(obj, [sealed[:500], sealed[500:]]))
    assert caught.value.kind == opened.findings[-1].kind
    return opened


@pytest.mark.parametrize("at", [0, 7, 15, 16, 20, 40])
def test_damaged_start(at: int) -> None:
    opened = doubtful(ACCEL, flipped(seal(TEXT), at))
    assert kinds(opened) == ["damaged-start"]
    assert opened.plain[64:] == TEXT[64:]


def test_a_damaged_long_header_is_a_damaged_start() -> None:
    header = (
        b"timestamp,UTC time,roll,pitch,yaw,rotation_rate_x,rotation_rate_y,rotation_rate_z,gravity_x,gravity_y,"
        b"gravity_z,user_accel_x,user_accel_y,user_accel_z,magnetic_field_calibration_accuracy,magnetic_field_x,"
        b"magnetic_field_y,magnetic_field_z"
    )
    text = header + b"\n" + b"1519862400000,2018-03-01T00:00:00.000" + b",0.5" * 16
    obj = chunked("devicemotion")
    assert OPENER.open(obj, seal(text)) == Opened(text)
    assert kinds(doubtful(obj, flipped(seal(text), 16 + 120))) == ["damaged-start"]


def test_wrong_header_over_rows_of_the_stream() -> None:
    opened = doubtful(ACCEL, seal(TEXT.replace(b"UTC time", b"utc_time")))
    assert kinds(opened) == ["wrong-header"]


@pytest.mark.parametrize("header", [b"," + HEADER, HEADER.replace(b"x", b"x\xc3\xa9")])
def test_headers_known_but_for_a_comma_or_other_letters_are_left_to_tables(header: bytes) -> None:
    assert OPENER.open(ACCEL, seal(TEXT.replace(HEADER, header))).whole


@pytest.mark.parametrize("ending", ["", ".zst"])
def test_damaged_bytes_are_named_by_row(ending: str) -> None:
    lines = [HEADER, *ROWS]
    for row in (3, 4, 17):
        lines[row] = lines[row][:20] + random.Random(6).randbytes(17).replace(b"\n", b"\xff") + lines[row][37:]
    text = b"\n".join(lines)
    opened = doubtful(packed(ACCEL, ending), seal(zstandard.compress(text) if ending else text))
    finding = only(opened)
    assert (finding.kind, finding.where, finding.count) == ("damaged-bytes", "rows 3-4, 17", 3)


def test_a_flipped_ciphertext_byte_is_damaged_bytes() -> None:
    at = TEXT.index(ROWS[30]) + 10
    finding = only(doubtful(ACCEL, flipped(seal(TEXT), 16 + at)))
    assert (finding.kind, finding.where) == ("damaged-bytes", "row 31")


def test_other_letters_are_no_damage_where_people_write() -> None:
    text = b"question id,question type,question text,question answer options,answer\nq,t,\xc3\xa9,;,\xf0\x9f\x99\x82"
    assert OPENER.open(raw("surveyAnswers", survey="s1"), seal(text)).whole


@pytest.mark.parametrize("cut", [12, 30, 45])
def test_a_cut_last_row(cut: int) -> None:
    finding = only(doubtful(ACCEL, seal(TEXT)[:-cut]))
    assert (finding.kind, finding.where) == ("truncated", "row 60")


def test_a_cut_header() -> None:
    assert kinds(doubtful(ACCEL, seal(HEADER)[:-4])) == ["truncated"]


def test_a_short_last_row_of_a_whole_compressed_object_is_not_truncated() -> None:
    assert OPENER.open(packed(ACCEL), seal(zstandard.compress(TEXT[:-12]))).whole


# Salvage


def test_salvage_keeps_whole_rows_before_damaged_zstd() -> None:
    chooser = random.Random(8)
    times = range(HOUR, HOUR + 3_000_000, 100)
    rows = [f"{t},{utc(t)},u,{chooser.random()},{chooser.random()},0.5".encode() for t in times]
    text = b"\n".join([HEADER, *rows])
    sealed = seal(zstandard.compress(text))
    with pytest.raises(DamagedError):
        OPENER.open(packed(ACCEL), sealed[: len(sealed) * 3 // 4])
    opened = OPENER.salvage(packed(ACCEL), sealed[: len(sealed) * 3 // 4])
    assert kinds(opened) == ["truncated"]
    assert not opened.whole
    assert text.startswith(opened.plain)
    assert opened.plain.endswith(b"\n")
    assert len(text) // 2 < len(opened.plain) < len(text)
    assert only(opened).where == f"byte {len(opened.plain)}"

    broken = sealed[: len(sealed) // 2] + random.Random(9).randbytes(5000) + sealed[len(sealed) // 2 + 5000 :]
    assert kinds(OPENER.salvage(packed(ACCEL), broken))[0] in ("bad-zstd", "truncated")


def test_salvage_has_nothing_to_give() -> None:
    for obj, sealed, kind in (
        (packed(ACCEL), seal(zstandard.compress(TEXT))[:40], "truncated"),
        (packed(ACCEL), seal(TEXT, WRONG), "undecryptable"),
        (ACCEL, b"", "empty"),
        (raw_file("voiceRecording/1519862400000.mp4.zst"), seal(zstandard.compress(bytes(999))[:-1]), "truncated"),
    ):
        with pytest.raises(DamagedError) as caught:
            OPENER.salvage(obj, sealed)
        assert caught.value.kind == kind
        assert obj.key in str(caught.value)


def test_salvage_of_plain_objects_is_open() -> None:
    for sealed in (seal(TEXT), flipped(seal(TEXT), 3), seal(TEXT)[:-12]):
        assert OPENER.salvage(ACCEL, sealed) == OPENER.open(ACCEL, sealed)


# Keys


@pytest.mark.parametrize("key", [b"", KEY[:31], KEY + b"x", KEY + b"\n"])
def test_a_key_of_another_length_is_never_shown(key: bytes) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Opener(key)
    assert "harbour" not in str(caught.value) + repr(caught.value)
    assert str(len(key)) in str(caught.value)


def test_an_opener_shows_no_key() -> None:
    assert "harbour" not in repr(OPENER) + repr(vars(OPENER))


def test_key_verdict() -> None:
    good = Opened(b"x")
    noise, cut = DamagedError("a", kind="undecryptable"), DamagedError("a", kind="truncated")
    empty, short, gone = DamagedError("a", kind="empty"), DamagedError("a", kind="no-iv"), NotFoundError("a")
    assert key_verdict([]) is None
    assert key_verdict([empty, short, gone]) is None
    assert key_verdict([noise, noise, empty, gone]) is False
    for order in itertools.permutations([noise, good, empty]):
        assert key_verdict(order) is True
    assert key_verdict([noise, cut]) is True


def test_the_registry_says_what_to_do() -> None:
    for word, kind in DAMAGE.items():
        assert word == kind.word
        assert kind.sentence.endswith(".")
        assert kind.advice.endswith(".")
    with pytest.raises(dataclasses.FrozenInstanceError):
        DAMAGE["empty"].word = "x"  # type: ignore[misc]


def test_an_hour_of_two_platforms_is_not_cut():
    """A phone may change within an hour: rows of the other platform's form at the end are no sign of a cut."""
    rows = [
        "1519862400123,2018-03-01T00:00:00.123,unknown,0.1,0.2,0.3",
        "1519862400124,2018-03-01T00:00:00.124,0.1,0.2,0.3",
    ]
    text = "\n".join(["timestamp,UTC time,accuracy,x,y,z", rows[0], rows[1], rows[1].replace("124", "125")])
    assert OPENER.open(chunked("gyro"), seal(text.encode())).whole
    cut = "\n".join(["timestamp,UTC time,accuracy,x,y,z", rows[0], rows[0], rows[1]])
    assert not OPENER.open(chunked("gyro"), seal(cut.encode())).whole
