"""Record numbers of hospitals in texts: known ones, however they are grouped, and those that a word announces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bondstore.deid.folding import fold

_PIECE = re.compile(r"[a-z]+|\d+", re.ASCII)
_BETWEEN = frozenset(("", " ", "-", ".", "/", "_", ":", "#"))
_MOST_PIECES = 7
_FEWEST, _FEWEST_DIGITS = 4, 5
_ANNOUNCED = re.compile(
    r"(?<![a-z])(?:m\.?r\.?n|(?:hosp(?:ital)?|h|chart|record|file|patient|pat|pt|case|unit|nhs|study|medical record)"
    r"[\s.\-]?(?:no|nr|num|number|id|#|record)|pid|ipp|nip|ndos|(?:no |n° ?|numero )(?:de )?(?:dossier|patient)|dossier"
    r"|fall(?:nummer|nr|-nr)|patienten(?:nummer|nr|-nr)|pat\.?-?nr|historia(?: clinica)?|nhc)"
    r"(?:[\s.:=#\-]|no|nr){0,4}(?P<number>(?=[a-z/\-. ]{0,6}\d)[a-z]{0,4}[-/. ]?\d(?:[-/. ]?\d){2,}[a-z]?)(?![a-z0-9])"
)


class RecordNumbers:
    """Finds record numbers.

    >>> known = RecordNumbers(["MRN 0012345"])
    >>> [*known.find("see 001-23-45")], [*known.find("Hosp. no: 998")]
    ([(4, 13)], [(10, 13)])
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._known = {form for one in known for form in _forms(one)}

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where record numbers start and stop; some may overlap."""
        folded = fold(text)
        for found in _ANNOUNCED.finditer(folded.text):
            yield folded.span(*found.span("number"))
        if self._known:
            pieces = list(_PIECE.finditer(folded.text))
            for first in range(len(pieces)):
                if (last := self._last(folded.text, pieces, first)) is not None:
                    yield folded.span(pieces[first].start(), pieces[last].end())

    def _last(self, text: str, pieces: list[re.Match[str]], first: int) -> int | None:
        joined, found = "", None
        for last in range(first, min(first + _MOST_PIECES, len(pieces))):
            if last > first and text[pieces[last - 1].end() : pieces[last].start()] not in _BETWEEN:
                break
            joined += pieces[last][0]
            if joined.lstrip("0") in self._known:
                found = last
        return found


def _forms(number: str) -> Iterator[str]:
    """Yield how a number may be written: as it is, and its digits alone."""
    plain = "".join(filter(str.isalnum, fold(number).text))
    digits = "".join(filter(str.isdigit, plain))
    if len(plain) >= _FEWEST and plain != digits:
        yield plain.lstrip("0")
    if len(digits) >= _FEWEST_DIGITS:
        yield digits.lstrip("0")
