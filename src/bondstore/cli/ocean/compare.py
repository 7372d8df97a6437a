"""``bondstore ocean compare``."""

from __future__ import annotations

import sys
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.ocean._shared import ExclusionList, Metadata
from bondstore.errors import Exit, UsageError
from bondstore.findings import Severity
from bondstore.tables.textcsv import csv_line
from bondstore.text import counted

if TYPE_CHECKING:
    from bondstore.domains.ocean.compare import Compared

EXAMPLES = (
    "bondstore ocean compare D5900865_041.nc",
    "bondstore ocean compare ./argo --exclusion-list ar_greylist.txt",
    "bondstore ocean compare s3://BUCKET/argo --format csv > agreement.csv",
)


def command(
    source: Annotated[
        str, typer.Argument(metavar="FILE|STORE-URL", help="A file, a folder, a store's URL or that of one object.")
    ],
    *,
    tests: Annotated[
        str | None,
        typer.Option(metavar="SUITE|FILE", help="The tests; when not given, those of each file's kind."),
    ] = None,
    exclusion_list: ExclusionList = None,
    metadata: Metadata = None,
    profile: options.Profile = None,
    form: Annotated[str, typer.Option("--format", metavar="table|csv", help="How the rows are written.")] = "table",
    json: options.Json = False,
) -> int:
    """Compare the flags that files bring with those of the tests: by variable, test and flag.

    The tests do not see the files' flags here, so that they can be judged by them; a float's cycle before is taken from
    the same store. Rows without a test are those of all tests together. Nothing is written. The exit code is 3 when no
    file has flags of its own, and 5 when a file cannot be read.
    """
    from bondstore.domains.ocean.compare import Agreement, compare

    if form not in ("table", "csv"):
        raise UsageError(f"The format {form!r} is unknown.", hint="Choose one of: table, csv; or --json.")
    found = compare(source, tests=tests, exclusion_list=exclusion_list, metadata=metadata, profile=profile)
    if json:
        output.display((one.record() for one in found.rows), (), json=True)
    elif form == "csv":
        sys.stdout.write(csv_line([one.name for one in fields(Agreement)]))
        for row in found.rows:
            sys.stdout.write(csv_line([str(value) for value in asdict(row).values()]))
    else:
        columns = ("variable", _test(), "file_says", "tests_say", output.number("levels"), output.number("profiles"))
        output.display((one.record() for one in found.rows), columns)
    _notes(found)
    return int(Exit.INCOMPLETE if any(one.severity is Severity.ERROR for one in found.findings) else Exit.DONE)


def _test() -> output.Column:
    return output.Column("test", show=lambda label: label or "all tests")


def _notes(found: Compared) -> None:
    output.note(f"{counted(found.files, 'file')} with flags compared.")
    if found.without:
        output.note(f"{counted(found.without, 'file')} without flags left out.")
    for finding in found.findings:
        output.note(f"{finding.severity.value}: {finding.kind}, {finding.key}: {finding.message}")
