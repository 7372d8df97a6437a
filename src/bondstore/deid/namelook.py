"""One text looked at for names: its pieces of letters, what they match, and what stands beside what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bondstore.deid.finder import Found
from bondstore.deid.folding import Folded, is_word, wordlist
from bondstore.deid.nameindex import FEWEST_FUZZY, Match, NameIndex
from bondstore.deid.people import PARTICLES, ROLES, TITLES

_PIECES = re.compile(r"[A-Z][a-z]+|[A-Z]+(?![a-z])|[a-z]+|[^\W\d_a-zA-Z]+")
_INITIALS = re.compile(r"(?<![^\W_])(?:[A-Za-z]\.[ \-]?){1,3}[A-Za-z](?:\.|(?![\w.]))")
_LETTERED = re.compile(r"(?<![^\W_])(?:[A-Za-z][ .\-_]){2,}[A-Za-z](?![^\W_])")
_ABBREVIATIONS = wordlist(
    "eg ie am pm po iv im sc bd od qd tds nb zb ua dh ob cf md ms ba eeg ecg emg eog hv ips eo ec va uu su so "
    "bs sg pr np dc ac ra rn na oa us uk usa aed mri ct gtc"
)
_NO_INITIALS = frozenset("ailr")
"""Letters that mean something else where no dot follows: words, left and right."""
_MOST_JOINED = 4
_NO_SPACE = re.compile(r"[^\s]?|-\s")
CLOSE = re.compile(r"[\s_,\-/.'’^;:()]{0,3}")
_SENTENCE_END = re.compile(r"[.;]\s|[\r\n\0]")


class _Piece(NamedTuple):
    start: int
    stop: int
    text: str


@dataclass(frozen=True, slots=True)
class _Hit:
    first: int
    last: int
    """The pieces that it takes."""
    match: Match
    by_company_of_anybody: bool = True
    """Whether a name of any person beside it makes it one; false for words that are near a name by a mistake."""


class TextLook:
    """One text, in pieces of letters."""

    def __init__(self, folded: Folded, index: NameIndex) -> None:
        self._cased, self._text, self._index = folded.cased, folded.text, index
        self._pieces = [
            _Piece(one.start(), one.end(), folded.text[one.start() : one.end()])
            for one in _PIECES.finditer(folded.cased)
        ]
        self._shouts = folded.cased.isupper()

    def names(self) -> tuple[list[Found], list[Found]]:
        """Return what is a name, and what may be one, by places in the folded text."""
        sure: list[_Hit] = []
        unsure: list[_Hit] = []
        for hit in self._hits():
            (sure if hit.match.is_sure else unsure).append(hit)
        sure += self._titled(unsure)
        unsure = [one for one in unsure if one not in sure]
        while more := [one for one in unsure if self._has_company(one, sure, unsure)]:
            sure += more
            unsure = [one for one in unsure if one not in more]
        found = [self._found(one) for one in sure]
        found += (extra for one in sure for extra in self._beside(one))
        found += self._initials()
        doubtful = [
            self._found(one)
            for one in unsure
            if (one.by_company_of_anybody or self._is_capital(one.first)) and self._words(one) not in PARTICLES
        ]
        return found, doubtful

    def _hits(self) -> Iterator[_Hit]:
        """Yield the widest match at each place, a sure one before another."""
        at = 0
        while at < len(self._pieces):
            hits = list(self._hits_at(at))
            best = next((one for one in hits if one.match.is_sure), hits[0] if hits else None)
            if best is None:
                at += 1
                continue
            yield best
            at = best.last + 1 if best.match.is_sure else at + 1

    def _hits_at(self, at: int) -> Iterator[_Hit]:
        found = []
        joined, tight, known = "", True, True
        for last in range(at, min(at + _MOST_JOINED, len(self._pieces))):
            piece = self._pieces[last]
            if last > at:
                gap = self._text[self._pieces[last - 1].stop : piece.start]
                if len(gap) > 2 or "\0" in gap:
                    break
                tight = tight and _NO_SPACE.fullmatch(gap) is not None
            joined += piece.text
            if last > at and not tight and joined not in self._index.starts:
                break
            known = known and (len(piece.text) < 3 or is_word(piece.text))
            if (hit := self._hit(at, last, joined, tight=tight, known=known)) is not None:
                found.append(hit)
        yield from reversed(found)

    def _hit(self, at: int, last: int, joined: str, *, tight: bool, known: bool) -> _Hit | None:
        match = self._index.find(joined) if tight else self._index.exact(joined)
        if match is None:
            return None
        exact = self._index.exact(joined) is not None
        if last > at:
            if all(self._is_of_name(one) for one in self._pieces[at : last + 1]):
                match = match._replace(is_sure=True)
            elif len(joined) < FEWEST_FUZZY:
                return None
            elif known:  # "car son" for Carson
                match = match._replace(is_sure=False)
        return _Hit(at, last, match, exact)

    def _is_of_name(self, piece: _Piece) -> bool:
        """Whether a piece of what looks like a whole name may be a word of it, or an initial."""
        if len(piece.text) > 1:
            return self._index.exact(piece.text) is not None
        dotted = self._text[piece.stop : piece.stop + 1] == "."
        return self._cased[piece.start].isupper() and (dotted or (piece.text not in _NO_INITIALS and not self._shouts))

    def _titled(self, hits: list[_Hit]) -> Iterator[_Hit]:
        for hit in hits:
            if hit.first:
                before = self._pieces[hit.first - 1]
                gap = self._text[before.stop : self._pieces[hit.first].start]
                if (
                    len(gap) <= 3
                    and CLOSE.fullmatch(gap)
                    and (
                        before.text in TITLES
                        or (before.text in ROLES and hit.by_company_of_anybody and self._is_capital(hit.first))
                    )
                ):
                    yield hit

    def _has_company(self, hit: _Hit, sure: list[_Hit], unsure: list[_Hit]) -> bool:
        for other in sure:
            if self._is_beside(hit, other) and (
                hit.match.people & other.match.people or (hit.by_company_of_anybody and self._is_capital(hit.first))
            ):
                return True
        if any(
            self._is_beside(hit, one)
            and hit.match.people & one.match.people
            and hit.by_company_of_anybody
            and one.by_company_of_anybody
            and self._words(one) != self._words(hit)
            for one in unsure
        ):
            return True
        return any(people & hit.match.people for people in self._dotted_beside(hit))

    def _words(self, hit: _Hit) -> str:
        return "".join(one.text for one in self._pieces[hit.first : hit.last + 1])

    def _is_beside(self, one: _Hit, other: _Hit) -> bool:
        left, right = (one, other) if one.first < other.first else (other, one)
        between = self._pieces[left.last + 1 : right.first]
        if any(len(piece.text) > 1 and piece.text not in PARTICLES for piece in between) or len(between) > 3:
            return False
        gap = self._text[self._pieces[left.last].stop : self._pieces[right.first].start]
        return (
            len(gap) < 12
            and not re.search(r"[\r\n\0;!?]|\d", gap)
            and (_SENTENCE_END.search(gap) is None or bool(between))
        )

    def _is_capital(self, at: int) -> bool:
        return not self._shouts and self._cased[self._pieces[at].start].isupper()

    def _dotted_beside(self, hit: _Hit) -> Iterator[frozenset[int]]:
        """Yield whose initials, with a dot, are beside a word: "J. May", "May, J."."""
        for at in (hit.first - 1, hit.last + 1):
            if 0 <= at < len(self._pieces) and len(self._pieces[at].text) == 1 and self._is_near(at, hit):
                piece = self._pieces[at]
                if self._text[piece.stop : piece.stop + 1] == "." and self._cased[piece.start].isupper():
                    yield self._index.initials.get(piece.text, frozenset())

    def _is_near(self, at: int, hit: _Hit) -> bool:
        left, right = (at, hit.first) if at < hit.first else (hit.last, at)
        gap = self._text[self._pieces[left].stop : self._pieces[right].start]
        return CLOSE.fullmatch(gap) is not None and not any(end in gap for end in "\r\n\0;")

    def _beside(self, hit: _Hit) -> Iterator[Found]:
        """Yield initials and particles of a person that are beside their name."""
        for step in (-1, 1):
            at = hit.first - 1 if step < 0 else hit.last + 1
            edge = hit
            while 0 <= at < len(self._pieces) and self._is_near(at, edge) and self._belongs(at, hit):
                piece = self._pieces[at]
                yield Found(piece.start, piece.stop, "initials" if len(piece.text) == 1 else "name")
                edge = _Hit(at, at, hit.match)
                at += step

    def _belongs(self, at: int, hit: _Hit) -> bool:
        piece = self._pieces[at]
        if len(piece.text) == 1:
            alone = not self._text[piece.stop : piece.stop + 1].isdigit()
            return (
                alone
                and self._cased[piece.start].isupper()
                and bool(self._index.initials.get(piece.text, frozenset()) & hit.match.people)
            )
        return any(piece.text in self._index.particles.get(one, ()) for one in hit.match.people)

    def _initials(self) -> Iterator[Found]:
        for found in _INITIALS.finditer(self._cased):
            letters = "".join(filter(str.isalpha, found[0])).lower()
            if letters in self._index.initials and letters not in _ABBREVIATIONS:
                yield Found(*found.span(), "initials")
        for found in _LETTERED.finditer(self._cased):
            letters = "".join(filter(str.isalpha, found[0])).lower()
            if len(letters) > 3 and self._index.find(letters) is not None:
                yield Found(*found.span(), "name")
        for before, piece in zip(self._pieces, self._pieces[1:], strict=False):
            if len(piece.text) <= 3 and piece.text in self._index.initials and self._is_introduced(before, piece):
                yield Found(piece.start, piece.stop, "initials")

    def _is_introduced(self, before: _Piece, piece: _Piece) -> bool:
        """Whether letters in upper case come behind a title: "Mrs S", "pt JS"."""
        gap = self._text[before.stop : piece.start]
        if not 0 < len(gap) <= 2 or not CLOSE.fullmatch(gap) or self._text[piece.stop : piece.stop + 1].isdigit():
            return False
        if not self._cased[piece.start : piece.stop].isupper():
            return False
        means_else = len(piece.text) < 2 or self._shouts or piece.text in _ABBREVIATIONS or is_word(piece.text)
        return before.text in TITLES or (before.text in ROLES and not means_else)

    def _found(self, hit: _Hit) -> Found:
        return Found(self._pieces[hit.first].start, self._pieces[hit.last].stop, hit.match.kind)
