"""A pass over a recording: the same samples, the same length, no planted name."""

import io
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import Buffer

from bondstore.deid.edf import scrub as module
from bondstore.deid.edf.findings import EDF
from bondstore.deid.edf.rules import Rules
from bondstore.deid.edf.scrub import MOST_ANNOTATIONS, Scrub, Scrubbed
from bondstore.errors import DamagedError, IntegrityError
from tests.deid.edf.recordings import NAMES, Signal, Tokens, annotations, header, record

RULES = Rules("k3m9x2qa", Tokens())
DROP = Rules("k3m9x2qa", Tokens(), annotations="drop")
NAMED = b"+1\x14\x14\0+1.25\x150.5\x14pt Hans moves\x14\0"


def scrubbed(source: bytes | Iterable[Buffer], rules: Rules = RULES, *, threads: int = 0) -> tuple[bytes, Scrubbed]:
    passing = Scrub([source] if isinstance(source, bytes) else source, rules, threads=threads)
    content = b"".join(map(bytes, passing))
    return content, passing.result


def body(content: bytes, signals: int = 2) -> bytes:
    return content[256 * (signals + 1) :]


def left(content: bytes) -> list[str]:
    """Return the planted names that stand in bytes, in any of the encodings they were planted in."""
    folded = content.lower()
    return [
        name for name in NAMES for encoding in ("utf-8", "latin-1", "cp850") if name.lower().encode(encoding) in folded
    ]


def test_names_are_blanked_and_samples_are_the_same() -> None:
    raw = header() + record(0) + record(1, NAMED)
    content, result = scrubbed(raw)
    assert body(content) == record(0) + record(1, NAMED.replace(b"Hans", b"XXXX"))
    assert left(content) == []
    samples = sha256(record(0)[:16] + record(1)[:16]).hexdigest()
    assert (result.samples_in, result.samples_out) == (samples, samples)
    assert (result.records, result.rest, result.oddities) == (2, 0, {})
    assert result.removed == {
        ("patient", "identification"): 1,
        ("recording", "identification"): 1,
        ("annotation", "name"): 1,
    }
    assert result.after.raw == content[:768]


def test_findings_have_place_and_kind_and_no_text() -> None:
    raw = header(records="3") + record(0) + record(1, NAMED)
    found = scrubbed(raw)[1].findings("a/b.edf")
    assert [(one.kind, one.where, one.count) for one in found] == [
        ("edf-records-missing", "", 1),
        ("identity-removed", "patient", 1),
        ("identity-removed", "recording", 1),
        ("identity-removed", "annotation", 1),
    ]
    assert found[-1].message == "Removed: name."
    assert left(repr(found).encode()) == []


def test_annotations_do_not_vanish_and_are_not_rounded_to_the_second() -> None:
    lists = b"+0.123456\x14\x14\0+0.654321\x15.000001\x14spike Hans\x14\0"
    content, _ = scrubbed(header() + record(0, lists) + record(1))
    assert body(content) == record(0, lists.replace(b"Hans", b"XXXX")) + record(1)


def test_a_start_fraction_does_not_make_the_annotations_unreadable() -> None:
    raw = header() + record(0, b"+0.5\x14\x14\0+1.25\x14Hans\x14\0") + record(1, b"+1.5\x14\x14\0")
    content, _ = scrubbed(raw)
    assert body(content) == record(0, b"+0.5\x14\x14\0+1.25\x14XXXX\x14\0") + record(1, b"+1.5\x14\x14\0")
    assert body(scrubbed(raw, DROP)[0]) == record(0, b"+0.5\x14\x14\0") + record(1, b"+1.5\x14\x14\0")


def test_edf_d_is_not_read_as_continuous() -> None:
    raw = header(kind="EDF+D") + record(0) + record(7, b"+7.5\x14\x14\0") + record(99)
    content, result = scrubbed(raw)
    assert body(content) == body(raw)
    assert result.after.kind == "EDF+D"
    assert result.oddities == {"edf-records-surplus": 1}


@pytest.mark.parametrize(
    ("stated", "oddities"),
    [
        ("-1", {"edf-records-unstated": 1}),
        ("2", {}),
        ("1", {"edf-records-surplus": 1}),
        ("5", {"edf-records-missing": 3}),
    ],
)
def test_record_count_minus_1_too_few_and_too_many(stated: str, oddities: dict[str, int]) -> None:
    content, result = scrubbed(header(records=stated) + record(0) + record(1, NAMED))
    assert left(content) == []
    assert (result.records, result.oddities) == (2, oddities)
    assert content[236:244].decode().strip() == stated


@pytest.mark.parametrize("cut", range(1, 76, 5))
def test_a_partial_last_record_is_searched_and_kept(cut: int) -> None:
    tail = record(1, NAMED)[:cut]
    content, result = scrubbed(header(records="1") + record(0) + tail)
    whole = tail.replace(b"Hans", b"XXXX")
    # a word that the file's end cuts may be the beginning of a name
    cut_word = {26: b"+1.25", 36: b"Ha", 41: b"mo"}.get(cut, b"")
    assert body(content) == record(0) + whole.removesuffix(cut_word) + b"X" * len(cut_word)
    assert (result.records, result.rest) == (1, cut)
    assert result.oddities["edf-record-cut"] == 1
    assert result.samples_in == result.samples_out == sha256(record(0)[:16] + tail[:16]).hexdigest()


def test_a_file_without_records_and_one_of_annotations_alone_with_duration_0() -> None:
    content, result = scrubbed(header(records="0"))
    assert (len(content), result.samples_in, result.records) == (768, sha256().hexdigest(), 0)
    lists = NAMED.ljust(60, b"\0")
    content, result = scrubbed(header((annotations(),), duration="0", records="1") + lists)
    assert body(content, 1) == lists.replace(b"Hans", b"XXXX")
    assert result.oddities == {"edf-duration-zero": 1}
    assert result.samples_out == sha256().hexdigest()


def test_every_annotation_signal_is_searched() -> None:
    signals = (annotations(20), Signal(), annotations(25), Signal(samples=3), annotations(15))
    parts = [b"+0\x14\x14Hans\x14", b"", "+0\x14Müller\x14".encode(), b"", b"+0\x141\x14\0+0\x14Spotty\x14"]
    before = b"".join(part.ljust(2 * one.samples, b"\0") for part, one in zip(parts, signals, strict=True))
    content, result = scrubbed(header(signals, records="1") + before)
    assert left(content) == []
    assert result.removed["annotation", "name"] == 3
    assert len(content) == 256 * 6 + len(before)
    assert body(scrubbed(header(signals) + before, DROP)[0], 5) == b"+0\x14\x14".ljust(len(before), b"\0")


def test_bdf_with_annotations() -> None:
    signals = (Signal(samples=4), annotations(20, "BDF Annotations"), Signal("Status", 2))
    one = bytes(range(12)) + NAMED.ljust(60, b"\0") + bytes(range(50, 56))
    content, result = scrubbed(header(signals, kind="BDF+C") + one * 2)
    assert body(content, 3) == one.replace(b"Hans", b"XXXX") * 2
    assert result.samples_out == sha256((bytes(range(12)) + bytes(range(50, 56))) * 2).hexdigest()


def test_a_file_that_is_open_is_not_read_by_lines() -> None:
    raw = header() + record(0) + record(1, NAMED)
    passing = Scrub(io.BytesIO(raw), RULES, threads=1)
    assert b"".join(map(bytes, passing)) == scrubbed(raw)[0]


def test_the_result_is_there_at_the_end_only() -> None:
    passing = Scrub([header()], RULES)
    next(iter(passing))
    with pytest.raises(RuntimeError):
        _ = passing.result


@given(st.lists(st.integers(0, 1100), max_size=8), st.sampled_from([0, 1]), st.sampled_from([RULES, DROP]))
def test_any_split_of_the_input_gives_the_same_output(cuts: list[int], threads: int, rules: Rules) -> None:
    raw = header(records="3") + record(0) + record(1, NAMED) + record(2, NAMED) + record(3, NAMED)[:50]
    edges = [0, *sorted(cuts), len(raw)]
    expected, whole = scrubbed(raw, rules)
    content, result = scrubbed([raw[a:b] for a, b in pairwise(edges)], rules, threads=threads)
    assert (content, result) == (expected, whole)


PIECES = st.sampled_from(
    [b"+0\x14", b"+1.5\x15.25\x14", b"\x14", b"\0", b"seizure", b" ", *(name.encode() for name in NAMES), b"M\xfcller"]
)


@settings(max_examples=300)
@given(
    st.lists(st.lists(PIECES, max_size=9).map(b"".join), max_size=5),
    st.lists(st.sampled_from(["EEG", *NAMES, " "]), max_size=2),
    st.sampled_from([RULES, DROP]),
)
def test_no_offset_moves_and_a_planted_name_is_nowhere(lists: list[bytes], label: list[str], rules: Rules) -> None:
    signals = (Signal("".join(label)), annotations(50))
    records = [record(at, one[:100], room=100) for at, one in enumerate(lists)]
    raw = header(signals) + b"".join(records)
    content, result = scrubbed(raw, rules)
    assert len(content) == len(raw)
    assert left(content) == []
    assert result.samples_in == result.samples_out
    places = [(a, b) for a, b in zip(raw[768:], content[768:], strict=True) if a != b]
    assert all(b in b"X\0" for _, b in places)
    assert all(content[at : at + 16] == raw[at : at + 16] for at in range(768, len(raw), 116))


def test_records_larger_than_a_block_come_signal_by_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = header(records="3") + record(0) + record(1, NAMED) + record(2, NAMED) + record(3, NAMED)[:60]
    expected, whole = scrubbed(raw)
    monkeypatch.setattr(module, "BLOCK", 50)
    for size in (1, 7, 60, 10_000):
        content, result = scrubbed([raw[at : at + size] for at in range(0, len(raw), size)])
        assert (content, result) == (expected, whole)


@pytest.mark.parametrize("block", [50, 1 << 20], ids=["signal by signal", "as a whole"])
def test_a_name_that_a_records_end_cuts_is_blanked_on_both_sides(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In each annotation signal by itself; what another one has in between is of no matter."""
    monkeypatch.setattr(module, "BLOCK", block)
    signals = (annotations(15), annotations(15))
    parts = [
        b"+0\x14\x14\0+0\x14electrodes on: Spo",
        b"+0\x14rest\x14\0",
        b"+1\x14\x14\0tty at rest\x14\0",
        b"+1\x14rest\x14\0",
    ]
    raw = header(signals, records="2") + b"".join(
        part.rjust(30, b"\0") if part.endswith(b"Spo") else part.ljust(30, b"\0") for part in parts
    )
    content, result = scrubbed(raw)
    assert result.oddities == {"edf-annotation-cut": 1, "edf-annotation-damaged": 1}
    assert body(content, 2) == body(raw, 2).replace(b"Spo", b"XXX").replace(b"tty", b"XXX")


def test_huge_samples_are_no_reason_to_use_memory() -> None:
    raw = header((Signal(samples=99_999_999), annotations(30)), records="1") + bytes(5000)
    content, result = scrubbed(raw)
    assert (len(content), result.records, result.rest) == (len(raw), 0, 5000)


def test_annotations_that_are_too_large_are_a_named_error() -> None:
    with pytest.raises(DamagedError) as caught:
        scrubbed(header((Signal(), annotations(MOST_ANNOTATIONS // 2 + 1))))
    assert caught.value.kind == "edf-annotations-too-large"
    assert caught.value.kind in EDF


def test_samples_that_change_on_their_way_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def harming(signal: memoryview, *_: object, **__: object) -> None:
        signal.obj.base[:] = 0

    monkeypatch.setattr(module, "clean_annotations", harming)
    with pytest.raises(IntegrityError):
        scrubbed(header() + record(1, NAMED))


def test_memory_does_not_grow_with_the_file() -> None:
    import tracemalloc

    def source(records: int) -> Iterator[bytes]:
        yield header((Signal(samples=200_008), annotations()))
        for at in range(records):
            yield bytes(400_000)
            yield record(at % 90, NAMED)

    tracemalloc.start()
    size = sum(memoryview(piece).nbytes for piece in Scrub(source(200), RULES, threads=1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 80e6
    assert peak < 16e6
