"""Recordings of EDF and BDF, byte by byte as a test wants them, and a finder of exact tokens."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bondstore.deid.finder import Found

NAMES = ("Müller", "Hans", "Spotty", "abcxyz99")


@dataclass(frozen=True)
class Tokens:
    """Finds these words, in upper and lower case."""

    words: Sequence[str] = NAMES
    asked: list[str] = field(default_factory=list)

    def find(self, text: str) -> Iterator[Found]:
        self.asked.append(text)
        for found in re.finditer("|".join(map(re.escape, self.words)), text, re.IGNORECASE):
            yield Found(found.start(), found.end(), "name")


@dataclass(frozen=True)
class Signal:
    label: str | bytes = "EEG Fp1"
    samples: int | str = 8
    transducer: str | bytes = ""
    dimension: str | bytes = "uV"
    numbers: tuple[str, str, str, str] = ("-3200", "3200", "-32768", "32767")
    prefilter: str | bytes = ""
    reserved: str | bytes = ""


def annotations(samples: int = 30, label: str = "EDF Annotations") -> Signal:
    return Signal(label, samples, dimension="", numbers=("-1", "1", "-32768", "32767"))


def header(
    signals: Sequence[Signal] = (Signal(), annotations()),
    *,
    kind: str = "EDF+C",
    patient: str | bytes = "abcxyz99 M 30-JUN-1969 Hans_Muller",
    recording: str | bytes = "Startdate 02-MAR-2002 EMG561 Dr._X Mr._Spotty",
    start: tuple[str, str] = ("02.03.02", "10.20.30"),
    length: str | None = None,
    reserved: str | None = None,
    records: str = "2",
    duration: str = "1",
    count: str | None = None,
) -> bytes:
    version = b"\xffBIOSEMI" if kind.startswith("BDF") else b"0"
    plain = "24BIT" if kind == "BDF" else "" if kind == "EDF" else kind
    parts: list[tuple[str | bytes, int]] = [(version, 8), (patient, 80), (recording, 80), (start[0], 8), (start[1], 8)]
    parts += [(str(256 * (len(signals) + 1)) if length is None else length, 8)]
    parts += [(plain if reserved is None else reserved, 44), (records, 8), (duration, 8)]
    parts += [(str(len(signals)) if count is None else count, 4)]
    parts += [(one.label, 16) for one in signals]
    parts += [(one.transducer, 80) for one in signals]
    parts += [(one.dimension, 8) for one in signals]
    parts += [(one.numbers[n], 8) for n in range(4) for one in signals]
    parts += [(one.prefilter, 80) for one in signals]
    parts += [(str(one.samples), 8) for one in signals]
    parts += [(one.reserved, 32) for one in signals]
    return b"".join(padded(*part) for part in parts)


def padded(text: str | bytes, size: int) -> bytes:
    content = text.encode() if isinstance(text, str) else text
    assert len(content) <= size, text
    return content.ljust(size)


def record(number: int, lists: bytes | None = None, *, samples: int = 8, room: int = 60) -> bytes:
    """Return a record of one signal of EDF and one of annotations; by default those have only the record's time."""
    content = b"+%d\x14\x14\0" % number if lists is None else lists
    assert len(content) <= room, content
    return bytes((number * 7 + at) % 251 for at in range(2 * samples)) + content.ljust(room, b"\0")
