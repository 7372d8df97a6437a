"""Judging decrypted, decompressed bytes: what they should be, and how far they are it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.domains.beiwe import evidence
from bondstore.domains.beiwe.damage import DAMAGE, damage_finding, damaged
from bondstore.domains.beiwe.kinds import RowRanges
from bondstore.domains.beiwe.selection import HOUR_MS
from bondstore.findings import Finding, Severity

if TYPE_CHECKING:
    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.domains.beiwe.plausible import RowCheck
    from bondstore.domains.beiwe.streams import HeaderMatch

_LEAST_WORDS = 16  # shorter texts under no known header cannot be told from noise


@dataclass(frozen=True, slots=True)
class Opened:
    """An object's content.

    Parameters
    ----------
    plain : bytes
        Decrypted, decompressed.
    findings : tuple of Finding
        What a person should know. With one of severity ERROR the content is not whole.
    """

    plain: bytes
    findings: tuple[Finding, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is known to be damaged or missing."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


def judge(obj: BeiweObject, content: bytes, *, compressed: bool, rows: bool = True) -> Opened:
    """Judge an object's content.

    Parameters
    ----------
    obj : BeiweObject
        What its key says.
    content : bytes
        Decrypted, decompressed.
    compressed : bool
        Whether it was compressed: then the key is right for sure.
    rows : bool
        Whether to look for suspect rows; needless where they are parsed next, which finds more.

    Raises
    ------
    DamagedError
        ``undecryptable`` or ``wrong-header``: nothing can be said for the content.
    """
    findings, match = _judge_start(obj, content, compressed=compressed)
    if match is not None:
        findings += _judge_rows(obj, match, content, compressed=compressed, suspects=rows)
    return Opened(content, tuple(findings))


class Watch:
    """Judges an object that comes in pieces: `start` once, `next` for all others, `end`; memory is bounded.

    Parameters
    ----------
    obj : BeiweObject
        What its key says.
    compressed : bool
        As in `judge`.

    Attributes
    ----------
    findings : list of Finding
        What a person should know, none of severity ERROR; complete after `end`.
    """

    def __init__(self, obj: BeiweObject, *, compressed: bool) -> None:
        self.findings: list[Finding] = []
        self._obj = obj
        self._compressed = compressed
        self._match: HeaderMatch | None = None
        self._ascii = False
        self._odd = False
        self._last = b""  # the line that is not ended yet
        self._check: RowCheck | None = None
        self._row = 1  # the number of that line
        self._suspects = RowRanges()

    def start(self, content: bytes) -> None:
        """Judge the start, at least `evidence.SAMPLE` bytes where there are as many.

        Raises
        ------
        DamagedError
            For whatever `judge` raises or finds of severity ERROR.
        """
        findings, self._match = _judge_start(self._obj, content, compressed=self._compressed)
        for finding in findings:
            if finding.severity is Severity.ERROR:
                raise damaged(finding.kind, self._obj.key)
        self.findings += findings
        if self._match is not None:
            self._ascii = evidence.expects_ascii(self._obj)
            self._check = _row_check(self._obj, self._match) if self._compressed else None
            self.next(content[len(evidence.first_line(content)) :])

    def next(self, content: bytes) -> None:
        """Look at the next piece; what is wrong is told at the end."""
        if self._match is None:
            return
        self._odd = self._odd or (self._ascii and not content.isascii())
        if self._check is not None:
            self._check_rows(self._check, content)
            return
        line_end = content.rfind(b"\n")
        unended = self._last + content if line_end < 0 else content[line_end + 1 :]
        self._last = unended[: evidence.SAMPLE]  # bounded, whatever the length of a line

    def end(self) -> None:
        """Tell what was wrong with the rows.

        Raises
        ------
        DamagedError
            ``damaged-bytes`` or ``truncated``.
        """
        if self._odd:
            raise damaged("damaged-bytes", self._obj.key)
        if self._match and not self._compressed and evidence.last_row_cut(self._obj, self._match, self._last):
            raise damaged("truncated", self._obj.key)
        if self._check is not None and self._last:
            self._check_rows(self._check, b"\n")
        if self._suspects.count:
            self.findings.append(_suspect_finding(self._obj, self._suspects))

    def _check_rows(self, check: RowCheck, content: bytes) -> None:
        """Check the rows that end in a piece."""
        rows = self._last + content
        end = rows.rfind(b"\n") + 1
        self._last = rows[end : end + evidence.SAMPLE]
        if end:
            self._suspects.add(row + self._row for row in check.suspects(rows[:end]))
            self._row += rows.count(b"\n", 0, end)


def _judge_start(obj: BeiweObject, content: bytes, *, compressed: bool) -> tuple[list[Finding], HeaderMatch | None]:
    """Judge by the first bytes; returns the header's match where rows can be judged as well."""
    findings: list[Finding] = []
    match: HeaderMatch | None = None
    if compressed and not obj.compression:
        findings.append(damage_finding("zstd-without-suffix", obj.key))
    if evidence.has_headers(obj):
        line = evidence.first_line(content)
        match = evidence.known_header(obj, line)
        if match is None and content:
            findings.append(_headless(obj, content, line, proven=compressed))
    elif not compressed and not _recognised(obj, content):
        raise damaged("undecryptable", obj.key)
    if obj.compression and not compressed:
        if match is None and evidence.has_headers(obj):
            raise damaged("undecryptable", obj.key)
        findings.append(damage_finding("suffix-without-zstd", obj.key))
    return findings, match


def _judge_rows(
    obj: BeiweObject, match: HeaderMatch, content: bytes, *, compressed: bool, suspects: bool
) -> list[Finding]:
    """Judge the rows under a known header."""
    body = len(evidence.first_line(content))
    if not content[body : body + evidence.SAMPLE].strip() and not content[body:].strip():
        return [damage_finding("header-only", obj.key)]
    findings: list[Finding] = []
    if not content.isascii() and evidence.expects_ascii(obj):
        rows = evidence.damaged_rows(content, body)
        if rows:
            findings.append(damage_finding("damaged-bytes", obj.key, rows=rows))
    if not compressed and evidence.last_row_cut(obj, match, *_last_lines(content, body)):
        findings.append(damage_finding("truncated", obj.key, rows=[content.count(b"\n")]))
    if suspects and compressed and not findings and (check := _row_check(obj, match)) is not None:
        found = check.suspects(content, body)
        if found:
            ranges = RowRanges()
            ranges.add(row + 1 for row in found)
            findings.append(_suspect_finding(obj, ranges))
    return findings


def _last_lines(content: bytes, body: int) -> tuple[bytes, bytes]:
    """Return the last line, and the row before it."""
    end = content.rfind(b"\n")
    start = max(content.rfind(b"\n", 0, max(end, 0)) + 1, body)
    return content[end + 1 :], content[start:end]


def _row_check(obj: BeiweObject, match: HeaderMatch) -> RowCheck | None:
    """Return the check of decompressed rows; None where rows are not all of one form."""
    hours = match.source == obj.source == "chunked" and obj.time_ms is not None and obj.time_ms % HOUR_MS == 0
    if not hours or not evidence.expects_ascii(obj):
        return None
    from bondstore.domains.beiwe.plausible import RowCheck

    return RowCheck(obj.time_ms or 0, len(match.names) - 1)


def _suspect_finding(obj: BeiweObject, rows: RowRanges) -> Finding:
    return DAMAGE["suspect-rows"].about(obj.key, where=rows.text(), count=rows.count)


def _headless(obj: BeiweObject, content: bytes, line: bytes, *, proven: bool) -> Finding:
    """Judge a CSV whose first line is no header of its stream.

    Parameters
    ----------
    obj, content
        As in `judge`.
    line : bytes
        The first line.
    proven : bool
        Whether the key is known to be right.
    """
    if line == content and evidence.begins_a_header(obj, line):
        return damage_finding("truncated", obj.key, where="byte 0")
    words = _LEAST_WORDS <= len(content) < evidence.START and evidence.is_text(content)
    good = words or evidence.good_after_start(content)
    if not (proven or good):
        raise damaged("undecryptable", obj.key)
    after = content.find(b"\n", evidence.START, evidence.SAMPLE)
    noise = evidence.has_noise(content[: after + 1] or content[: evidence.SAMPLE])
    if good and noise:
        return damage_finding("damaged-start", obj.key, where="byte 0")
    if not noise and evidence.rows_fit(obj, content):
        return damage_finding("wrong-header", obj.key, where="byte 0")
    raise damaged("wrong-header", obj.key)


def _recognised(obj: BeiweObject, content: bytes) -> bool:
    """Whether bytes without a header to check can be what the name says, so that the key is right."""
    if obj.extension in ("csv", "json", "txt"):
        return evidence.is_text(content[: evidence.SAMPLE])
    return evidence.is_media(content[: evidence.START]) or (
        len(content) >= evidence.START and evidence.is_text(content[: evidence.SAMPLE])
    )
