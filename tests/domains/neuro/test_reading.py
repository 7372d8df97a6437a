"""Recordings read by ranges: as edfio, pyedflib and MNE read them, and also where those refuse."""

from __future__ import annotations

import warnings
from datetime import date, datetime, time
from pathlib import Path

import edfio
import mne
import numpy as np
import pyedflib
import pytest

import bondstore
from bondstore.domains.neuro import reading
from bondstore.domains.neuro.reading import Recording
from bondstore.errors import DamagedError, NotFoundError, UsageError
from tests.deid.edf.programs import DATA, SHIPPED
from tests.deid.edf.recordings import Signal, annotations, header, record
from tests.homes import home

__all__ = ["home"]


@pytest.fixture(autouse=True)
def _at_home(home: object) -> None:
    """Reads are noted in a home of the test's own."""


def by_edfio(path: Path) -> edfio.Edf | edfio.Bdf:
    return edfio.read_bdf(path) if path.suffix == ".bdf" else edfio.read_edf(path)


def texts(found: Recording) -> list[tuple[float, float | None, str]]:
    return [tuple(one) for one in found.annotations]


@pytest.fixture
def generated(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A file that edfio wrote: two rates, a fraction of a second at its start, annotations with durations."""
    random = np.random.default_rng(7)
    kind = request.param
    whole, one = (edfio.Bdf, edfio.BdfSignal) if kind == "bdf" else (edfio.Edf, edfio.EdfSignal)
    written = whole(
        [
            one(random.normal(0, 50, 256 * 30), 256, label="EEG Fp1", physical_dimension="uV"),
            one(random.normal(37, 1, 4 * 30), 4, label="Temp", physical_dimension="degC"),
        ],
        recording=edfio.Recording(startdate=date(2002, 3, 2)),
        starttime=time(10, 20, 30, 250_000),
        data_record_duration=1,
        annotations=[
            edfio.EdfAnnotation(at * 0.37, 0.25 if at % 2 else None, f"Ereignis für {at}") for at in range(40)
        ],
    )
    path = tmp_path / f"generated.{kind}"
    written.write(path)
    return path


def agrees(path: Path) -> Recording:
    """Hold all samples, and all annotations, against edfio and MNE, and against pyedflib's samples."""
    found, other = bondstore.neuro.open(path), by_edfio(path)
    assert [one.label for one in found.signals] == [one.label for one in other.signals]
    assert [one.unit for one in found.signals] == [one.physical_dimension for one in other.signals]
    assert [one.rate for one in found.signals] == [one.sampling_frequency for one in other.signals]
    for own, one in zip(found.annotations, other.annotations, strict=True):  # edfio subtracts binary fractions
        assert own == (pytest.approx(one.onset, rel=1e-14), one.duration, one.text)
    with pyedflib.EdfReader(str(path)) as reader:
        third = [n for n, label in enumerate(reader.getSignalLabels()) if "Annotations" not in label]
        for number, one in enumerate(other.signals):
            digital = found.samples(number, digital=True)
            assert digital.values.dtype == np.int32
            assert np.array_equal(digital.values, one.digital)
            times, values = found.samples(number)
            np.testing.assert_allclose(values, one.data, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(values, reader.readSignal(third[number]), rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(times, np.arange(len(times)) / one.sampling_frequency, atol=1e-9)
    return found


@pytest.mark.parametrize("name", SHIPPED)
def test_the_test_set_of_pyedflib(name: str) -> None:
    found = agrees(DATA / name)
    assert found.records == by_edfio(DATA / name).num_data_records


@pytest.mark.parametrize("generated", ["edf", "bdf"], indirect=True)
def test_files_of_edfio(generated: Path) -> None:
    found = agrees(generated)
    assert found.start == datetime(2002, 3, 2, 10, 20, 30, 250_000)
    assert (found.record_s, found.records, found.stop_s) == (1, 30, 30)
    assert found.findings == []
    assert repr(found) == f"Recording({found.kind}, 2 signals, 30 records)"


@pytest.mark.parametrize("generated", ["edf", "bdf"], indirect=True)
def test_mne_sees_the_same(generated: Path) -> None:
    found = bondstore.neuro.open(generated)
    read = mne.io.read_raw_bdf if generated.suffix == ".bdf" else mne.io.read_raw_edf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = read(generated, include=["EEG Fp1"], preload=False, verbose="error")
        data, times = raw.get_data(picks=[0], tmin=3.5, tmax=7.25, return_times=True)
    own = found.samples("EEG Fp1", 3.5, 7.25)
    np.testing.assert_allclose(own.values, data[0] * 1e6, rtol=1e-9)
    np.testing.assert_allclose(own.times, times)
    assert [one.text for one in found.annotations] == [one["description"] for one in raw.annotations]
    np.testing.assert_allclose([one.onset for one in found.annotations], [one["onset"] for one in raw.annotations])


@pytest.mark.parametrize("generated", ["edf", "bdf"], indirect=True)
@pytest.mark.parametrize("block", [1, 5000, 4 << 20], ids=["record by record", "few records", "all at once"])
@pytest.mark.parametrize("span", [(0, 0.5), (0.999, 1.001), (3.5, 7.25), (29.9, 40), (12, 12), (31, 40), (-3, 0.25)])
def test_a_stretch_is_that_part_of_the_whole(
    generated: Path, block: int, span: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, whole = bondstore.neuro.open(generated), by_edfio(generated).signals
    monkeypatch.setattr(reading, "BLOCK", block)
    for signal in (0, 1):
        times = np.arange(len(whole[signal].data)) / whole[signal].sampling_frequency
        inside = (times >= span[0]) & (times < span[1])
        own = found.samples(signal, *span)
        np.testing.assert_allclose(own.times, times[inside], atol=1e-9)
        np.testing.assert_allclose(own.values, whole[signal].data[inside], rtol=1e-12, atol=1e-12)
    assert np.array_equal(found.read_records(0, 3, 5, digital=True).reshape(-1), whole[0].digital[3 * 256 : 5 * 256])
    assert found.read_records(0, 30).shape == (0, 256)
    assert len(found.annotations) == 40


STARTS = ("+0.5", "+1.5", "+100.25", "+101.25", "+4000")


def with_gaps(folder: Path, starts: tuple[str, ...] = STARTS) -> Path:
    """Write an EDF+D of records of one second, each with an annotation in its middle."""
    path = folder / "gaps.edf"
    lists = [f"{at}\x14\x14\0{float(at or 0) + 0.5:+}\x150.25\x14beat\x14\0".encode() for at in starts]
    records = (record(number, text) for number, text in enumerate(lists))
    path.write_bytes(header(kind="EDF+D", records=str(len(starts))) + b"".join(records))
    return path


def test_gaps_stay(tmp_path: Path) -> None:
    """Checked against MNE for samples, and against edfio for annotations; the times are those that records state."""
    path = with_gaps(tmp_path)
    found = bondstore.neuro.open(path)
    begins = np.array([0, 1, 99.75, 100.75, 3999.5])
    times, values = found.samples(0, digital=True)
    assert np.array_equal(times, (begins[:, None] + np.arange(8) / 8).reshape(-1))
    assert np.array_equal(values, by_edfio(path).signals[0].digital)
    assert [one.onset for one in found.annotations] == list(begins + 0.5)
    assert texts(found) == [(one.onset, one.duration, one.text) for one in by_edfio(path).annotations]
    assert (found.kind, found.stop_s) == ("EDF+D", 4000.5)
    assert found.start == datetime(2002, 3, 2, 10, 20, 30, 500_000)
    for start, stop in ((0, 1.5), (50, 99.8), (99.75, 101), (200, 3999), (3999.6, 9999), (1.9, 99.76)):
        inside = (times >= start) & (times < stop)
        own = bondstore.neuro.open(path).samples(0, start, stop, digital=True)
        assert np.array_equal(own.times, times[inside])
        assert np.array_equal(own.values, values[inside])


def test_records_out_of_order_are_told_and_found_by_their_time(tmp_path: Path) -> None:
    """Once all annotations are read; until then records are taken to be in the order of time, as they have to be."""
    starts = (0, 40, 10, 20, 11)
    found = bondstore.neuro.open(with_gaps(tmp_path, tuple(f"+{at}" for at in starts)))
    assert [one.onset for one in found.annotations] == [at + 0.5 for at in starts]
    assert {one.kind: one.count for one in found.findings} == {"edf-records-disordered": 2}
    assert found.stop_s == 41
    for number, at in enumerate(starts):
        times, values = found.samples(0, at, at + 1, digital=True)
        assert np.array_equal(times, at + np.arange(8) / 8)
        assert values.astype("<i2").tobytes() == record(number)[:16]


def test_a_record_without_its_time_follows_the_one_before(tmp_path: Path) -> None:
    found = bondstore.neuro.open(with_gaps(tmp_path, ("+0", "+10", "", "+40")))
    assert found.record_start(2) == 11
    assert np.array_equal(np.unique(np.floor(found.samples(0).times)), [0, 10, 11, 40])


def written(folder: Path, start: bytes, records: int = 2, more: bytes = b"") -> Path:
    path = folder / "odd.edf"
    path.write_bytes(start + b"".join(map(record, range(records))) + more)
    return path


@pytest.mark.parametrize(
    ("start", "records", "more", "words"),
    [
        (header(records="-1"), 5, b"", {"edf-records-unstated": 1}),
        (header(records=""), 5, b"", {"edf-records-unstated": 1}),
        (header(records="9"), 5, b"", {"edf-records-missing": 4}),
        (header(records="2"), 5, b"", {"edf-records-surplus": 3}),
        (header(records="5"), 5, b"\1\2\3", {"edf-record-cut": 1}),
        (header(records="5", length="256"), 5, b"", {"edf-header-length": 1}),
        (header(records="5", patient="Müller".encode("latin-1")), 5, b"", {"edf-text-not-ascii": 1}),
        (header(records="5", patient="Müller"), 5, b"", {"edf-text-not-ascii": 1}),
        (header(records="5", start=("gestern", "10.20.30"), recording=""), 5, b"", {"edf-start-unclear": 1}),
        (header(records="5", start=("03.03.02", "10.20.30")), 5, b"", {"edf-dates-differ": 1}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_other_programs_refuse(
    start: bytes, records: int, more: bytes, words: dict[str, int], tmp_path: Path
) -> None:
    found = bondstore.neuro.open(written(tmp_path, start, records, more))
    assert {one.kind: one.count for one in found.findings} == words
    assert found.records == records
    expected = np.frombuffer(b"".join(record(n)[:16] for n in range(records)), "<i2").astype(int)
    times, values = found.samples("EEG Fp1", digital=True)
    assert np.array_equal(values, expected)
    assert np.array_equal(times, np.arange(8 * records) / 8)
    np.testing.assert_allclose(found.samples(0).values, (expected + 32768) * 6400 / 65535 - 3200)
    assert found.patient.endswith(("Hans_Muller", "Müller"))
    if words == {"edf-start-unclear": 1}:
        assert found.start is None


def test_blank_numbers(tmp_path: Path) -> None:
    """Without a scale only digital values are given; a decimal comma is one; without a duration there are no times."""
    signals = (Signal(numbers=("-1,5", "1,5", "-10", "10")), Signal("ECG", numbers=("", "1", "-1", "1")), annotations())
    rows = b"".join(record(n, samples=16, room=60) for n in range(2))
    path = tmp_path / "blank.edf"
    path.write_bytes(header(signals) + rows)
    found = bondstore.neuro.open(path)
    kinds = [(one.kind, one.where) for one in found.findings]
    assert kinds == [("edf-number-unclear", ""), ("edf-scale-unknown", "signal 2")]
    assert found.signals[0].scale == pytest.approx((0.15, 0))
    with pytest.raises(DamagedError, match="how the values of signal 2 are scaled"):
        found.samples("ECG")
    assert found.samples("ECG", digital=True).values.shape == (16,)
    path.write_bytes(header(signals, duration="") + rows)
    found = bondstore.neuro.open(path)
    with pytest.raises(DamagedError, match="how long a record lasts"):
        found.samples(0)
    assert found.read_records(0).shape == (2, 8)
    assert (found.record_s, found.stop_s, found.signals[0].rate) == (None, None, None)


def test_annotations_as_they_come(tmp_path: Path) -> None:
    """Several texts in a list, UTF-8 and Latin-1, one without an onset, cut ones, a last record that is cut."""
    lists = [
        "+0\x14\x14\0+0.5\x151\x14Müdigkeit\x14zwei\x14\0".encode(),
        b"+1\x14\x14\0nonsense\0+1.25\x14M\xfcde\x14\0+1.5\x14no end",
    ]
    path = tmp_path / "texts.edf"
    last = record(2, b"+2\x14\x14\0+2.5\x14late\x14\0")[:40]
    path.write_bytes(header() + b"".join(record(n, one) for n, one in enumerate(lists)) + last)
    found = bondstore.neuro.open(path)
    assert texts(found) == [
        (0.5, 1, "Müdigkeit"),
        (0.5, 1, "zwei"),
        (1.25, None, "Müde"),
        (1.5, None, "no end"),
        (2.5, None, "late"),
    ]
    kinds = {one.kind: one.count for one in found.findings}
    assert kinds == {"edf-annotation-damaged": 1, "edf-annotation-cut": 1, "edf-record-cut": 1}


@pytest.mark.timeout(60)
def test_very_many_records_without_annotations_take_no_time(tmp_path: Path) -> None:
    path = tmp_path / "tiny.edf"
    with path.open("wb") as file:
        file.write(header((Signal(samples=1),), kind="EDF", records="-1"))
        file.truncate(4 << 30)
    found = bondstore.neuro.open(path)
    assert found.annotations == ()
    assert found.records > 2e9


def test_annotations_only(tmp_path: Path) -> None:
    path = tmp_path / "only.edf"
    path.write_bytes(header((annotations(),), duration="0") + b"+0\x14\x14\0+9\x14ok\x14\0".ljust(60, b"\0") * 2)
    found = bondstore.neuro.open(path)
    assert found.signals == ()
    assert texts(found) == [(9, None, "ok")] * 2
    assert [one.kind for one in found.findings] == ["edf-duration-zero"]


def test_a_time_of_no_recording(tmp_path: Path) -> None:
    """A list can state 400 digits: a record follows the one before, and an annotation belongs to no time."""
    room = 500
    signals = (Signal(), annotations(room // 2))
    lists = [b"+0\x14\x14\0", b"+%s\x14\x14\0+1.5\x14ok\x14\0" % (b"9" * 400)]
    path = tmp_path / "late.edf"
    rows = b"".join(record(n, one, room=room) for n, one in enumerate(lists))
    path.write_bytes(header(signals, kind="EDF+D") + rows)
    found = bondstore.neuro.open(path)
    assert (found.record_start(1), found.stop_s) == (1, 2)
    assert texts(found) == [(1.5, None, "ok")]
    assert [one.kind for one in found.findings] == ["edf-annotation-damaged"]


def test_what_is_asked_wrongly(tmp_path: Path) -> None:
    path = tmp_path / "two.edf"
    path.write_bytes(header((Signal(), Signal(), annotations())) + bytes(92) * 2)
    found = bondstore.neuro.open(path)
    for which, match in (
        (2, "There is no signal 2"),
        ("EEG Fp1", "2 signals of 2 have"),
        ("Cz", "No signal of 2 has"),
    ):
        with pytest.raises(UsageError, match=match):
            found.samples(which)
    assert "Muller" not in repr(found)
    with pytest.raises(NotFoundError):
        bondstore.neuro.open(tmp_path / "none.edf")
    (tmp_path / "text.edf").write_text("not a recording")
    with pytest.raises(DamagedError, match="neither EDF nor BDF"):
        bondstore.neuro.open(tmp_path / "text.edf")
