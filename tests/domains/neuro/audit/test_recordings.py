"""A recording that is looked at as it comes: what is found is the same wherever its chunks end."""

from __future__ import annotations

import pytest

from bondstore.deid.people import Person
from bondstore.domains.neuro.audit.files import Searches, look_into
from bondstore.domains.neuro.audit.sought import NAME, Sought
from tests.deid.edf.recordings import header, record

SEARCHES = Searches(Sought.of([Person(("Okonkwo, Ada",))]))
TEXTS = {
    2: b"+2\x14\x14\0+2.5\x14Okonkwo moves\x14\0",
    5: b"+5\x14\x14\0+5.5\x14" + b"and a long text that the record's end cuts: Okon",
    6: b"+6\x14\x14\0kwo again\x14\0",
    9: b"+9\x14\x14\0+9.5\x14Ms Okonkwo\x14\0",
}
FILE = header(patient="k3m9x2qa X X X", recording="Startdate X X X X", records="10") + b"".join(
    record(number, TEXTS.get(number, b"+%d\x14\x14\0" % number), room=60) for number in range(10)
)


@pytest.mark.parametrize("cut", [0, 30])
@pytest.mark.parametrize("size", [32, 33, 75, 76, 77, 100, 152, 768, 769, 844, 1000, 1 << 20])
def test_what_annotations_hold_is_found_wherever_chunks_end(size: int, cut: int) -> None:
    content = FILE[: len(FILE) - cut]
    look = look_into("a.edf", (content[at : at + size] for at in range(0, len(content), size)), SEARCHES)
    assert look.found["annotation", NAME] == 3
    assert look.size == len(content)
