"""``bondstore beiwe surveys``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options
from bondstore.cli.beiwe._shared import StudyOptions, show_overview, tell
from bondstore.cli.from_model import with_settings

if TYPE_CHECKING:
    from bondstore.findings import Finding

EXAMPLES = (
    "bondstore beiwe surveys --study STUDY",
    "bondstore beiwe surveys --store s3://BUCKET --study STUDY --participant 1ab2cd3e --json",
    "bondstore beiwe surveys --study STUDY --by-stream --read",
)


@with_settings
def command(
    *,
    study: StudyOptions,
    participant: options.Participants = None,
    by_stream: Annotated[
        bool, typer.Option("--by-stream", help="Count by stream and survey, as in surveyAnswers/ID.")
    ] = False,
    read: Annotated[
        bool, typer.Option("--read", help="Decrypt old hours that hold several surveys, and count each of those.")
    ] = False,
    json: options.Json = False,
) -> int:
    """Count every survey's objects, with bytes and the first and last time in their names.

    Made from the listing alone: nothing is read or decrypted, unless --read says so. Hours of survey timings from
    before March 2026 hold several surveys; from the listing they are counted as "(several)".
    """
    by = "survey-folder" if by_stream else "survey"
    findings: list[Finding] = []
    counted = study.open().overview(by, participant or (), read=read, findings=findings)
    show_overview("survey", counted, json=json)
    return tell(findings)
