"""Every kind of finding that reading and plotting ocean profiles gives rise to."""

from __future__ import annotations

from bondstore.findings import FindingKind, Severity, registry

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

KINDS = registry(
    FindingKind("empty-file", _ERROR, "The file has no bytes.", "Ask for it again from where it was written."),
    FindingKind(
        "not-a-profile",
        _ERROR,
        "The file is no Moana CSV and no netCDF of profiles.",
        "If it is a table of another kind, give a column map: --columns FILE.toml",
    ),
    FindingKind(
        "header-cut",
        _ERROR,
        "The file ends, or goes wrong, before the line that names its columns.",
        "Ask for it again from where it was written.",
    ),
    FindingKind(
        "columns-missing",
        _ERROR,
        "The file lacks a column or variable that a profile must have.",
        "Look at its header; a column map can name columns of another table: --columns FILE.toml",
    ),
    FindingKind(
        "unit-unknown",
        _ERROR,
        "A column or variable is in a unit that is not known, so its numbers cannot be vouched for.",
        "Look at the header; say the unit in a column map, or tell us of it.",
    ),
    FindingKind(
        "text-damaged", _ERROR, "The text of the file cannot be decoded.", "Save it as UTF-8, or ask for it again."
    ),
    FindingKind(
        "netcdf-damaged", _ERROR, "The netCDF file cannot be read to its end.", "Ask for it again from its source."
    ),
    FindingKind(
        "too-large",
        _ERROR,
        "The file says it holds more values than any file of profiles does.",
        "Look at it with ncdump -h; split it if it is right.",
    ),
    FindingKind(
        "byte-order-mark",
        _INFO,
        "The file begins with a byte-order mark, as Windows programs write it.",
        "Nothing to do.",
    ),
    FindingKind(
        "utf-16",
        _INFO,
        "The file is written in UTF-16, not as the deck unit wrote it: another program has saved it anew.",
        "Nothing to do, if nobody edited it.",
    ),
    FindingKind(
        "not-utf8",
        _WARNING,
        "Header lines hold bytes that are no text; they stand there as marks.",
        "Compare with the object in the store, where the wording matters.",
    ),
    FindingKind(
        "truncated",
        _WARNING,
        "The file breaks off before END; the rows that are whole are kept.",
        "If it is uploaded again, the rest comes with that one.",
    ),
    FindingKind("no-levels", _WARNING, "A profile has no levels at all.", "Nothing to do, unless many are so."),
    FindingKind(
        "header-damaged",
        _WARNING,
        "A header line holds something else than its name promises; it is kept as text.",
        "Look at the header: bondstore ocean show FILE",
    ),
    FindingKind(
        "header-repeated",
        _WARNING,
        "A header line comes twice; the first one counts, the others are kept as text.",
        "Look at the header: bondstore ocean show FILE",
    ),
    FindingKind(
        "columns-unknown", _WARNING, "The file has more columns than are known; they were not read.", "Nothing to do."
    ),
    FindingKind(
        "rows-damaged",
        _ERROR,
        "Rows have another number of values than there are columns, or hold bytes that are no text; they are left out.",
        "Look at them in the file; the other rows are not affected.",
    ),
    FindingKind(
        "rows-after-end", _ERROR, "Rows stand after the line END; they are left out.", "Look at the end of the file."
    ),
    FindingKind(
        "values-damaged",
        _WARNING,
        "Values are no numbers; they count as missing.",
        "Look at the file; the flags say where: bondstore ocean show FILE --levels",
    ),
    FindingKind(
        "times-damaged",
        _WARNING,
        "Times are missing or no times; the levels are kept without one.",
        "Look at the file; the flags say where: bondstore ocean show FILE --levels",
    ),
    FindingKind(
        "flags-unreadable",
        _WARNING,
        "The file has flags of its own that do not fit its values, so they were not taken over.",
        "Look at them with ncdump; the tests' own flags stand as they are.",
    ),
    FindingKind(
        "serial-missing",
        _WARNING,
        "The file names no sensor; if its name does, that serial number counts.",
        "Without a serial number no deployment can be found for it.",
    ),
    FindingKind(
        "serial-differs",
        _WARNING,
        "The file names another sensor in its header than in its name; the header counts.",
        "Ask which of the two is right: the deployment is found by it.",
    ),
    FindingKind(
        "depth-converted",
        _INFO,
        "The file has depths in metres; pressures were computed from them and the latitude (TEOS-10).",
        "Nothing to do.",
    ),
    FindingKind(
        "deployment-missing",
        _WARNING,
        "The metadata table knows of no deployment of this sensor at this time.",
        "Add the row: serial number, date supplied, date returned.",
    ),
    FindingKind(
        "deployment-ambiguous",
        _WARNING,
        "The metadata table has several deployments of this sensor at this time; none of them is taken.",
        "Mend the dates: a sensor is on one vessel at a time.",
    ),
    FindingKind(
        "metadata-row-damaged",
        _WARNING,
        "Rows of the metadata table have no serial number, or a date that is none; they are not used.",
        "Mend the rows: dates are dd/mm/yyyy or yyyy-mm-dd.",
    ),
)
"""What reading finds, by its word."""

PLOT_KINDS = registry(
    FindingKind(
        "not-drawn",
        _ERROR,
        "The picture could not be drawn.",
        "Look at the profile: bondstore ocean show FILE; and report it if nothing is odd about it.",
    ),
)
"""What plotting finds, by its word."""

RUN_KINDS = registry(
    FindingKind(
        "not-evaluated",
        _WARNING,
        "Tests could not be evaluated; what they should have looked at does not count as good.",
        "See which, and why: bondstore ocean show FILE",
    ),
    FindingKind(
        "graded-bad", _WARNING, "Tests call levels of it bad.", "See which, and why: bondstore ocean show FILE"
    ),
    FindingKind(
        "graded-suspect", _INFO, "Tests call levels of it suspect.", "See which, and why: bondstore ocean show FILE"
    ),
    FindingKind(
        "flagged-by-source",
        _INFO,
        "The file's own flags call levels bad or suspect that no test does; these flags are kept.",
        "See which: bondstore ocean compare FILE",
    ),
    FindingKind(
        "aodn-attributes",
        _WARNING,
        "AODN asks for attributes that are not stated.",
        "State them in a TOML file: --attributes FILE",
    ),
    FindingKind(
        "platform-private",
        _INFO,
        "The platform has a name but no number. The name may be a vessel or a person, so results do not contain it.",
        'To publish the name, write in the file for --attributes: publish = ["platform"]',
    ),
    FindingKind(
        "vessel-in-name",
        _WARNING,
        "The file is named after its vessel, and its name goes public with what is released.",
        "Rename it where it is written; its folders stay private.",
    ),
    FindingKind(
        "no-date",
        _WARNING,
        "No level has a time: the file is filed under undated, and is in no monthly table.",
        "Look at the object: bondstore ocean show KEY",
    ),
)
"""What a run of quality control adds to those of the reader."""
