"""A thousand planted identities in the annotations of a recording: none is left in its bytes."""

from bondstore.deid.edf.rules import Rules
from bondstore.deid.edf.scrub import Scrub
from bondstore.deid.names import NameFinder
from tests.deid.edf.recordings import Signal, annotations, header, record
from tests.deid.planted import identities, people
from tests.deid.test_names import without_labels

ROOM = 400


def test_of_a_thousand_planted_identities_in_annotations_no_byte_is_left() -> None:
    planted = [one for one in identities(1000, 5) if not {"\n", "\x14", "\0"} & set(one.text)]
    assert len(planted) > 900
    heads = [b"+%d\x14\x14\0+%d.5\x14" % (number, number) for number in range(len(planted))]
    records = [
        record(number, head + one.text.encode() + b"\x14\0", room=ROOM)
        for number, (head, one) in enumerate(zip(heads, planted, strict=True))
    ]
    start = header((Signal(), annotations(ROOM // 2)), records=str(len(records)))
    passing = Scrub([start, *records], Rules("k3m9x2qa", NameFinder(people())))
    content = b"".join(map(bytes, passing))
    assert len(content) == len(start) + sum(map(len, records))
    at, left = len(start), []
    for head, one, before in zip(heads, planted, records, strict=True):
        after = content[at : at + len(before)]
        at += len(before)
        first = 16 + len(head) + len(one.text[: one.start].encode())
        secret = one.text[one.start : one.stop].encode()
        kept = bytes(new for new, old in zip(after[first : first + len(secret)], secret, strict=True) if new == old)
        rest = without_labels("".join(filter(str.isalnum, kept.decode("utf-8", "replace"))))
        if rest.strip("x"):  # a letter X is blanked by another one
            left.append((one.form, one.text, rest))
    assert left == []
