"""Every kind of finding that reading a Beiwe table can make: how bad, what it means, what to do.

The documentation is checked against this registry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bondstore.findings import Finding, FindingKind, Severity, registry

_NOTHING = "Nothing to do."
_RAW = "Compare with the raw objects of the same hours: `bondstore beiwe reconcile`."
KINDS = registry(
    FindingKind(
        "rows-lost",
        Severity.ERROR,
        "Rows whose bytes are damaged or cut off were left out of the table.",
        "Fetch the object again; if it stays so, rebuild the hour from raw objects.",
    ),
    FindingKind(
        "wrong-header",
        Severity.ERROR,
        "The first line is not a header of this stream; rows were read by their shape.",
        "Check that the key opens other objects of the study; then treat the first rows with care.",
    ),
    FindingKind("empty-text", Severity.WARNING, "The object holds no text at all, not even a header.", _RAW),
    FindingKind("header-only", Severity.INFO, "The object holds a header and no rows.", _NOTHING),
    FindingKind("old-header", Severity.INFO, "The header uses the names of an old app.", _NOTHING),
    FindingKind("spaces-in-header", Severity.INFO, "The header keeps spaces around its names.", _NOTHING),
    FindingKind("header-starts-with-comma", Severity.WARNING, "The header starts with a comma.", _NOTHING),
    FindingKind(
        "header-not-ascii",
        Severity.WARNING,
        "The header holds bytes outside ASCII; without them it is a header of this stream.",
        "Look at the first rows: the object may be damaged there.",
    ),
    FindingKind(
        "ragged-rows",
        Severity.INFO,
        "Rows have another number of fields than the header; fields that are not there are null.",
        _NOTHING,
    ),
    FindingKind(
        "unpadded-milliseconds",
        Severity.INFO,
        "The milliseconds of `UTC time` lack their leading zeros, as before 2016-09-29; the timestamp was taken.",
        "Do not read `UTC time` of the original file as a decimal fraction.",
    ),
    FindingKind(
        "repeated-utc-time",
        Severity.INFO,
        "Rows repeat `UTC time` inside, a server fault of March 2024; the repeats were taken out.",
        _NOTHING,
    ),
    FindingKind(
        "utc-time-disagrees",
        Severity.WARNING,
        "`UTC time` is not the instant of the timestamp; the timestamp was taken.",
        _RAW,
    ),
    FindingKind("out-of-hour-rows", Severity.WARNING, "Rows lie outside the hour of the file's name; kept.", _RAW),
    FindingKind(
        "timestamp-out-of-range",
        Severity.WARNING,
        "Timestamps lie before August 2014 or over 90 days ahead; kept from chunked, left out from raw as the "
        "server does.",
        "Leave these rows out, or ask when the device's clock was wrong.",
    ),
    FindingKind("duplicate-rows", Severity.INFO, "Rows repeat exactly; a consolidated table keeps one.", _NOTHING),
    FindingKind(
        "not-a-number",
        Severity.WARNING,
        "Words stand where the stream has numbers; they are null in the table.",
        "Read the original file where these matter.",
    ),
    FindingKind(
        "comma-in-model",
        Severity.INFO,
        "The device model holds a comma (as in iPhone8 1); its two halves were joined again.",
        _NOTHING,
    ),
    FindingKind("mms-without-time", Severity.INFO, "A sent MMS has no `time sent`; it is null.", _NOTHING),
    FindingKind(
        "sms-logger-error",
        Severity.WARNING,
        "The app noted that it failed to log a sent text; the note stands in the first column.",
        "Count sent texts of this hour as incomplete.",
    ),
    FindingKind(
        "app-log-comma",
        Severity.INFO,
        "Log lines carry their own time before a comma, which the server overlooked; that time was taken.",
        _NOTHING,
    ),
    FindingKind("empty-survey-id", Severity.WARNING, "The key names no survey; `survey id` is null.", _NOTHING),
    FindingKind(
        "option-index-answers",
        Severity.INFO,
        "Answers are positions among the options (from 0), as Android writes them since 2016-12-06; kept so.",
        "Look the option up in `question answer options`; a `;` may also be a comma of its text.",
    ),
    FindingKind(
        "wifi-last-row",
        Severity.INFO,
        "The last row of a raw wifi file was left out, as the server does.",
        "Read the original file if you need it.",
    ),
    FindingKind(
        "untimed-log-line",
        Severity.INFO,
        "Log lines without a time of their own took the time of the line before, as the server does.",
        _NOTHING,
    ),
)
"""Every kind by its word."""

_MOST_RANGES = 20


def finding(word: str, key: str, *, rows: Sequence[int] = (), count: int | None = None) -> Finding:
    """Make a finding of a registered kind.

    Parameters
    ----------
    word : str
        A word of `KINDS`.
    key : str
        The object's key.
    rows : sequence of int
        Rows it is about, ascending, the first below the header being 1.
    count : int, optional
        How many times; the number of `rows` by default, or 1.
    """
    times = count if count is not None else max(len(rows), 1)
    return KINDS[word].about(key, where=where_rows(rows), count=times)


def where_rows(rows: Sequence[int]) -> str:
    """Write row numbers as ranges: ``rows 4-9, 12``. Beyond twenty ranges it says how many more."""
    ranges = RowRanges()
    ranges.add(rows)
    return ranges.text()


class RowRanges:
    """Ascending row numbers, told as ranges; keeps the first twenty ranges and counts the others.

    Attributes
    ----------
    count : int
        How many rows.
    """

    def __init__(self) -> None:
        self.count = 0
        self._first: list[list[int]] = []
        self._ranges, self._last = 0, -1

    def add(self, rows: Iterable[int]) -> None:
        """Take more rows, all behind those taken before."""
        for row in rows:
            self.count += 1
            if row != self._last + 1 or not self._ranges:
                self._ranges += 1
                if self._ranges <= _MOST_RANGES:
                    self._first.append([row, row])
            elif self._ranges <= _MOST_RANGES:
                self._first[-1][1] = row
            self._last = row

    def text(self) -> str:
        """Write them; nothing where there is none."""
        if not self.count:
            return ""
        words = [str(first) if first == last else f"{first}-{last}" for first, last in self._first]
        more = f" and {self._ranges - _MOST_RANGES} more" if self._ranges > _MOST_RANGES else ""
        return f"{'row' if self.count == 1 else 'rows'} {', '.join(words)}{more}"
