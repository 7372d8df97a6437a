"""Annotation signals of EDF+ and BDF+: time-stamped lists of texts, found in bytes and cleaned where they are.

A list is ``onset [0x15 duration] 0x14 text 0x14 text 0x14 0x00``. The first one of a record states when the record
begins and has an empty text there. It must survive byte for byte, as readers place the record by it. Source: Kemp and
Olivan 2003, section 2.2.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bondstore.deid.edf.rules import Rules
from bondstore.deid.edf.texts import FIRST_WORD, LAST_WORD, blank, blank_word

CUT = "word that a record's end cuts"
_END = 0x14
_LIST = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d+(?:\.\d*)?))?\x14", re.ASCII)
_RECORD_START = re.compile(rb"[+-]\d+(?:\.\d*)?\x14\x14", re.ASCII)
_BARE = re.compile(rb"(?:[+-]\d+(?:\.\d*)?\x14\x14)?\0*", re.ASCII)


class Piece(NamedTuple):
    """Bytes of an annotation signal that can hold text."""

    at: int
    size: int


class Annotations(NamedTuple):
    """One time-stamped list."""

    onset: str
    """Seconds since the start of the file; empty for bytes that are no such list."""
    duration: str
    texts: tuple[Piece, ...]
    ends: bool = True
    """Whether the list has its end mark."""


def read_annotations(signal: bytes) -> Iterator[Annotations]:
    """Yield the lists of one annotation signal in one record. Bytes that are none come as one text without an onset."""
    at = 0
    for part in signal.split(b"\0"):
        if part:
            yield _one(part, at)
        at += len(part) + 1


def _one(part: bytes, at: int) -> Annotations:
    found = _LIST.match(part)
    if found is None:
        return Annotations("", "", (Piece(at, len(part)),))
    texts, begin = [], found.end()
    while begin < len(part):
        end = part.find(b"\x14", begin)
        end = len(part) if end < 0 else end
        if end > begin:
            texts.append(Piece(at + begin, end - begin))
        begin = end + 1
    return Annotations(found[1].decode(), (found[2] or b"").decode(), tuple(texts), part[-1] == _END)


def clean_annotations(
    signal: memoryview, rules: Rules, removed: Counter[tuple[str, str]], words: Counter[str], *, continues: bool = False
) -> bool:
    """Take identity out of one annotation signal of one record, in place; count what was removed and what is odd.

    Return whether the record's end cuts a text, which `continues` in the next record then. The two parts of the word
    that is cut are blanked: a part of a name is not found, and the first part may have left already.
    """
    held, is_cut = bytes(signal), False
    for one in read_annotations(held):
        words["edf-annotation-damaged"] += not one.onset
        words["edf-annotation-cut"] += not one.ends
        if rules.annotations == "drop":
            removed["annotation", "dropped"] += len(one.texts)
            continue
        for at, size in one.texts:
            text = signal[at : at + size]
            removed.update(("annotation", kind) for kind in blank(text, rules.finder))
            is_cut = at + size == len(held)
            if continues and not one.onset:
                continues = False
                removed["annotation", CUT] += blank_word(text, FIRST_WORD)
            if is_cut:
                removed["annotation", CUT] += blank_word(text, LAST_WORD)
    if rules.annotations == "drop":
        start = _RECORD_START.match(held)
        kept = start.end() if start else 0
        signal[kept:] = bytes(len(held) - kept)
    return is_cut


def with_texts(signals: NDArray[np.uint8]) -> list[int]:
    """Return in which records an annotation signal has more than the time of the record.

    Parameters
    ----------
    signals : array of uint8, shape (records, bytes)
        The same annotation signal of several records.
    """
    content, width = signals.tobytes(), signals.shape[1]
    ends = range(width, len(content) + 1, width)
    return [number for number, end in enumerate(ends) if not _BARE.fullmatch(content, end - width, end)]
