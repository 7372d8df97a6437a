"""A thousand identities planted in recordings: after `neuro deidentify` none is left, by the audit and by a raw search.

The search here is the test's own: every file of the destination, records and ledger too, in several encodings, without
accents and in small letters; and, as no offset moves, each place where something was planted, byte for byte.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import edfio
import pytest
from demo.recordings import FORMATS, PLACES, Identity, Planted, recording

from tests.deid.edf.recordings import Signal, annotations, header, record
from tests.deid.planted import LINES, people
from tests.domains.neuro.audit.test_planted import identities
from tests.domains.neuro.hospital import Hospital, content

EACH = "EVERY_IDENTITY" in os.environ
"""Whether each person is planted in each format: about 10,000 identities, which takes minutes."""
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})


def folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(one for one in apart if not unicodedata.combining(one))


def readings(data: bytes) -> Iterator[str]:
    """Yield what bytes say in the encodings that hospitals' programs write, at each alignment."""
    for encoding in ("utf-8", "latin-1", "cp850"):
        yield folded(data.decode(encoding, "replace"))
    for start in (0, 1):
        for encoding in ("utf-16-le", "utf-16-be"):
            yield folded(data[start:].decode(encoding, "replace"))


def secrets_of(who: Identity) -> set[str]:
    """Return what a raw search looks for: names of five letters and more, as shorter ones are parts of words."""
    names = {folded(one) for one in (who.given, who.surname) if len(one) > 4}
    return names | {who.number.casefold(), who.number.removeprefix("MRN"), who.birth.isoformat()}


def pieces(who: Identity, one: Planted) -> tuple[bytes, ...]:
    """Return the bytes in which something was planted: in two where the end of a record parts it."""
    text = one.text.removeprefix("Dr. ").encode()
    if one.place != "record border":
        return (text,)
    cut = len(text) - -(-len(who.surname.encode()) // 2)
    return text[:cut], b"\x14\x14\0" + text[cut:] + b"\x14\0"


def kept(before: bytes, after: bytes, piece: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield where letters of a piece stayed as they were."""
    assert piece in before
    at = before.find(piece)
    while at >= 0:
        pairs = zip(piece, after[at : at + len(piece)], strict=True)
        same = bytes(new for old, new in pairs if old == new and (chr(old).isalnum() or old > 127) and old not in b"Xx")
        if same:
            yield at, same
        at = before.find(piece, at + 1)


def test_of_a_thousand_planted_identities_nothing_is_left(empty_hospital: Hospital) -> None:
    known = [one for one in identities() if len(f"Bed 4 {one.surname.upper()}, {one.given}".encode()) <= 32]
    several = FORMATS if EACH else FORMATS[:1]
    planted: dict[str, tuple[Identity, bytes, tuple[Planted, ...]]] = {}
    for number, who in enumerate(known if EACH else known[:72]):
        for at, _ in enumerate(several):
            kind = FORMATS[(number + at) % len(FORMATS)]
            made = recording(kind, who, PLACES, records=6, rate=16, seed=number)
            planted[f"{who.surname}~ {who.given}/{at}.{kind[:3].lower()}"] = who, made.data, made.planted
    count = sum(len(one) for _, _, one in planted.values())
    assert count >= 1000
    for key, (_, data, _) in planted.items():
        path = empty_hospital.source / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    wanted = {secret for who in known for secret in secrets_of(who)}
    assert all(
        any(said in one for one in readings(data) for said in secrets_of(who)) for who, data, _ in planted.values()
    )

    done = empty_hospital.deidentify()
    assert done.returncode == 0, done.stderr
    audited = empty_hospital.audit()
    assert audited.returncode == 0, audited.stdout
    assert b"Something is left in 0; 0 could not be looked into; 0 to review." in audited.stderr

    written = empty_hospital.written()
    assert written.keys() == planted.keys()
    left: list[object] = []
    for key, (who, before, places) in planted.items():
        after = written[key].read_bytes()
        assert len(after) == len(before)
        for one in places:
            for piece in pieces(who, one):
                left += [(key, one.place, piece, *found) for found in kept(before, after, piece)]
    assert left == []
    everything = content(empty_hospital.dest) | {"stdout": done.stdout, "stderr": done.stderr}
    everything |= {f"name {number}": name.encode() for number, name in enumerate(everything)}
    for name, data in everything.items():
        for reading in readings(data):
            left += [(name, secret) for secret in wanted if secret in reading]
    assert left == []


@pytest.mark.parametrize("more", [(), ("--annotations", "drop")], ids=["scrub", "drop"])
def test_of_500_clinical_lines_at_most_one_in_a_hundred_loses_anything(
    empty_hospital: Hospital, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """Against more than 200 people, read by edfio; to drop annotations loses all, so the count can fail."""
    lines = LINES[:500]
    assert len(lines) == 500
    signals, own = (Signal(), annotations(100)), b"+%d\x14\x14\0+%d.5\x14%s\x14\0"
    body = b"".join(record(at, own % (at, at, one.encode()), room=200) for at, one in enumerate(lines))
    path = empty_hospital.source / "Okonkwo~ Ada/night.edf"
    path.parent.mkdir(parents=True)
    path.write_bytes(header(signals, patient="X F X Okonkwo_Ada", records="500") + body)
    names = tmp_path / "names.txt"
    names.write_text("".join(f"{';'.join(map(str, [*one.names, *one.births, *one.numbers]))}\n" for one in people()))
    done = empty_hospital.deidentify("--names", str(names), *more)
    assert done.returncode == 0, done.stderr
    (after,) = empty_hospital.dest.rglob("*.edf")
    texts = {one.onset: one.text for one in edfio.read_edf(after).annotations}
    lost = [(line, texts.get(at + 0.5)) for at, line in enumerate(lines) if texts.get(at + 0.5) != line]
    assert (len(lost) <= 5) == (not more), lost
