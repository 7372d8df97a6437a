"""One file looked into: how its bytes are parted on their way is of no matter."""

from __future__ import annotations

from itertools import islice

import pytest
from demo.hospital import PATIENTS, File, Shape, make

from bondstore.deid.people import Person
from bondstore.domains.neuro.audit.files import Searches, look_into
from bondstore.domains.neuro.audit.sought import Sought

FILES = list(islice(make(Shape(patients=1)), 14))
SEARCHES = Searches(Sought.of(Person((f"{who.given} {who.surname}",)) for who in PATIENTS))


@pytest.mark.parametrize("size", [1, 7, 255, 256, 300, 4096])
@pytest.mark.parametrize("file", FILES, ids=[f"{one.kind} {number}" for number, one in enumerate(FILES)])
def test_what_is_found_does_not_depend_on_the_chunks(file: File, size: int) -> None:
    name = f"a.{file.key.rpartition('.')[2]}"
    chunks = [file.data[at : at + size] for at in range(0, len(file.data), size)]
    whole, parted = look_into(name, [file.data], SEARCHES), look_into(name, chunks, SEARCHES)
    assert parted == whole
    assert +whole.found or file.kind == "companion"


def test_short_files_are_looked_into() -> None:
    found = look_into("a.txt", [b"seen: ", b"Petkovi", b"\xc4\x87 at 10"], SEARCHES)
    assert (found.size, dict(found.found)) == (21, {("text", "name"): 1})
    assert look_into("a.txt", [], SEARCHES).size == 0


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["Pétra Mûller", "ઊĀઊ ask Pétra Mûller", "calm\nPétra Mûller\ncalm"])
def test_a_text_in_letters_of_two_bytes_is_read_as_such_also_in_one_line(text: str, encoding: str, size: int) -> None:
    """The second text has the bytes of a line's end across two letters, in either order: U+0A8A, U+0100."""
    searches = Searches(Sought.of([Person(("Müller, Petra",))]))
    data = f"\ufeff{text}".encode(encoding)
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    assert look_into("a.txt", chunks, searches).found["text", "name"] == 1
    assert look_into("a.txt", [text.encode()], searches).found["text", "name"] == 1
