"""Every kind of finding that the zips of phones give rise to, besides those of zips and images themselves."""

from __future__ import annotations

from bondstore.findings import FindingKind, Severity, registry

KINDS = registry(
    FindingKind(
        "odd-folder",
        Severity.ERROR,
        "The zip's folder has no name, is `.` or `..`, or has a control character: the owner is unclear.",
        "Ask who runs the app what wrote it. The zip stays in the store and was not opened; all else comes out.",
    ),
    FindingKind(
        "unknown-member",
        Severity.ERROR,
        "The zip holds a file that is neither an image nor a table; it was not copied.",
        "Look at it in the store; tell us if phones write such files now.",
    ),
    FindingKind(
        "could-not-look",
        Severity.ERROR,
        "An image could not be looked at, so it was not copied.",
        "It stays in the store; `bondstore run retry last --dest FOLDER` looks again.",
    ),
    FindingKind(
        "table-damaged",
        Severity.ERROR,
        "A table breaks off or cannot be read to its end; the rows before that are kept.",
        "If the zip was uploaded again, the rows come with that one.",
    ),
    FindingKind(
        "table-empty",
        Severity.WARNING,
        "A table has no bytes, or no header.",
        "Nothing to do, unless many are so: then ask who runs the app.",
    ),
    FindingKind(
        "quotes-repaired",
        Severity.INFO,
        "Values held quotes that the app does not double; the rows were read by the app's own rule.",
        "Nothing to do.",
    ),
    FindingKind(
        "rows-aside",
        Severity.ERROR,
        "Rows cannot be read under their header; they are in the table's -aside.csv, each with the reason.",
        "Look at them there; the numbers of the other rows are not affected.",
    ),
    FindingKind(
        "table-dialect",
        Severity.INFO,
        "A table is not comma-separated UTF-8 with a line feed after each row: it was read by its own encoding, line"
        " ends and separator.",
        "Nothing to do; look at the first rows if you do not expect such tables.",
    ),
    FindingKind(
        "columns-emptied",
        Severity.WARNING,
        "A table has columns that are not known. As --text drop was asked for, words in them were taken out; numbers,"
        " times and ids stay.",
        "Nothing to do; tell us if phones write such columns now.",
    ),
    FindingKind(
        "header-repeated",
        Severity.INFO,
        "The header line of a table comes again inside it; it was not taken for a row.",
        "Nothing to do.",
    ),
    FindingKind(
        "not-utf8",
        Severity.WARNING,
        "Lines of a table hold bytes that are no text; they stand there as marks, such as \\xff.",
        "Compare with the zip in the store, where the wording matters.",
    ),
    FindingKind(
        "columns-renamed",
        Severity.WARNING,
        "Columns of a table have no name, or the name of another one; they were given one.",
        "Look at the header of the table.",
    ),
    FindingKind(
        "time-unknown",
        Severity.WARNING,
        "When something was captured cannot be told, so it was kept, though only some days were asked for.",
        "Filter by hand, or select by upload.",
    ),
    FindingKind(
        "stale",
        Severity.ERROR,
        "The zip was handled otherwise by an earlier run, or what came of it was altered since, and it cannot be"
        " fetched now: what came of it is left out.",
        "Put the zip back into the store, or ask for the earlier handling: what came of it is kept.",
    ),
    FindingKind(
        "image-gone",
        Severity.ERROR,
        "Images that an earlier run wrote are gone from the folder, and the zip cannot be fetched now.",
        "Put the zip back into the store and run the same command again.",
    ),
)
"""Every kind by its word."""
