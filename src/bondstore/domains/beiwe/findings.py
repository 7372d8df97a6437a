"""Every kind of finding about a Beiwe object: how bad, what it means, what to do.

The documentation is checked against these registries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.errors import DamagedError, NotFoundError
from bondstore.findings import GONE, NOT_FETCHED, Finding, FindingKind, Severity, registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bondstore.errors import BondstoreError

_NOTHING = "Nothing to do."
_RAW = "Compare with the raw objects of the same hours: `bondstore beiwe reconcile`."
_AGAIN = "Fetch the object again; if it stays so, ask for the server's backup."
_SALVAGE = "Its tables keep the good rows; the object itself is set aside."

ARRIVAL = registry(
    FindingKind(
        "moved-to-twin",
        Severity.INFO,
        "The key vanished between listing and reading; the object was found under its twin's name.",
        _NOTHING,
    ),
    FindingKind(
        "superseded",
        Severity.WARNING,
        "The object lies there twice, plain and compressed; the one that was written last was taken.",
        "Nothing to do, unless the contents differ: then ask the server's administrator which one is right.",
    ),
    FindingKind(
        "odd-folder",
        Severity.ERROR,
        "A folder in the key has no name, is `.` or `..`, or has a control character: the owner is unclear.",
        "Ask the server's administrator what wrote it. Its sealed bytes are set aside, and all else comes out.",
    ),
    FindingKind(
        "nothing-known",
        Severity.INFO,
        "The stream or the extension in the key is not known: the object was decrypted, and nothing could be checked.",
        "Look at the file: under a wrong key, or where it is damaged, it would be noise.",
    ),
)
"""How an object came, or did not."""

ODD_FOLDER = ARRIVAL["odd-folder"]

FOREST = registry(
    FindingKind(
        "parted-by-survey",
        Severity.INFO,
        "An hour of the layout before March 2026 holds several surveys in one file; its rows were parted by survey.",
        _NOTHING,
    ),
    FindingKind(
        "no-survey",
        Severity.WARNING,
        "Neither the key nor the rows name a survey; the file is in the folder `unknown_survey_id`.",
        "Tell the survey by its questions.",
    ),
    FindingKind(
        "duplicate-taken",
        Severity.INFO,
        "The server named the object a duplicate, and nothing else holds the same; forest reads it under a plain name.",
        _NOTHING,
    ),
    FindingKind(
        "duplicate-hidden",
        Severity.INFO,
        "The server named the object a duplicate, and another holds the same; it is in the hidden folder .duplicates.",
        _NOTHING,
    ),
    FindingKind(
        "quotation-marks",
        Severity.INFO,
        "Fields hold quotation marks, which readers of CSV take for its own; the fields were put in quotes.",
        _NOTHING,
    ),
    FindingKind(
        "commas-in-text",
        Severity.INFO,
        "Free text holds commas, which readers of CSV take for the end of a field; it was put in quotes.",
        _NOTHING,
    ),
)
"""What happens to objects on their way into the layout of forest."""

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
        "Take `answer text`; it is null where a `;` may be a comma of an option: see `question answer options`.",
    ),
    FindingKind(
        "line-break-in-answer",
        Severity.INFO,
        "A free-text answer holds line breaks, so it goes on in the next lines; they were joined again.",
        _NOTHING,
    ),
    FindingKind(
        "survey-id-disagrees",
        Severity.WARNING,
        "Rows name another survey than the object's folder does; both stand as they are.",
        "Go by `survey id` of the rows, and ask the server's administrator.",
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
"""What reading a table can meet."""

DAMAGE = registry(
    FindingKind("empty", Severity.ERROR, "The object has no bytes at all.", _AGAIN),
    FindingKind("no-iv", Severity.ERROR, "The object is no longer than its 16-byte IV.", _AGAIN),
    FindingKind(
        "undecryptable",
        Severity.ERROR,
        "The object opens to noise: the wrong key, or damage at its start.",
        "Check the key with `bondstore doctor`; if others open, this object is damaged.",
    ),
    FindingKind(
        "damaged-start",
        Severity.ERROR,
        "The first bytes are damaged and what follows is good: the key is right.",
        _SALVAGE,
    ),
    FindingKind("damaged-bytes", Severity.ERROR, "Bytes inside a stream of numbers are damaged.", _SALVAGE),
    FindingKind("bad-zstd", Severity.ERROR, "The compressed content is damaged.", _SALVAGE),
    FindingKind("truncated", Severity.ERROR, "The object is cut short.", _SALVAGE),
    FindingKind(
        "too-large",
        Severity.ERROR,
        "The content is larger than is allowed: in all, by how much it grew, or by its rows. Nothing of it was read.",
        "Ask what wrote it: objects of a study grow about fourfold. Its sealed bytes are set aside.",
    ),
    FindingKind(
        "zstd-without-suffix",
        Severity.INFO,
        "The object is compressed though its name does not say so; decompressed.",
        _NOTHING,
    ),
    FindingKind(
        "suffix-without-zstd",
        Severity.INFO,
        "The object is not compressed though its name says so; taken as it is.",
        _NOTHING,
    ),
    FindingKind(
        "suspect-rows",
        Severity.WARNING,
        "Compressed rows are not as a server writes them: their time, its digits, or the number of fields. The bytes "
        "are kept as they came; a damaged object can look like this.",
        "Compare with the raw objects of the same hours (`bondstore beiwe reconcile`), or fetch the object again. "
        "Known quirks, such as a repeated `UTC time`, are told as this as well: the tables name them.",
    ),
    KINDS["wrong-header"],
    KINDS["header-only"],
)
"""What opening an object can meet."""

_ALL = {**ARRIVAL, **FOREST, **KINDS, **DAMAGE}
_MOST_RANGES = 20


def finding(word: str, key: str, *, rows: Sequence[int] = (), where: str = "", count: int | None = None) -> Finding:
    """Make a finding; `rows` are ascending, the first below the header being 1, and stand in place of `where`."""
    times = count if count is not None else max(len(rows), 1)
    return _ALL[word].about(key, where=where_rows(rows) or where, count=times)


def damaged(word: str, key: str, detail: str = "") -> DamagedError:
    """Make the error for an object that could not be opened; `detail` stands in place of the kind's own sentence."""
    kind = _ALL[word]
    return DamagedError(f"{key}: {detail or kind.sentence}", kind=word, hint=kind.advice)


def failed_finding(error: BondstoreError, key: str) -> Finding:
    """Return the finding about an object that could not be fetched."""
    return (GONE if isinstance(error, NotFoundError) else NOT_FETCHED).about(key, message=error.message)


def finding_of(error: DamagedError, key: str) -> Finding:
    """Turn an error about damage into the finding it is recorded as."""
    return finding(error.kind, key) if error.kind in DAMAGE else Finding(error.kind, Severity.ERROR, key, error.message)


def moved_finding(key: str) -> Finding:
    """Return the finding about an object that was found under its twin's name."""
    return finding("moved-to-twin", key)


def where_rows(rows: Sequence[int]) -> str:
    """Write ascending row numbers as ranges: ``rows 4-9, 12``. Beyond twenty ranges it says how many more."""
    ranges = RowRanges()
    ranges.add(rows)
    return ranges.text()


class RowRanges:
    """Ascending row numbers, told as ranges; keeps the first twenty ranges and counts the others."""

    def __init__(self) -> None:
        self.count = 0  # rows
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
