"""Where an object's content goes below the destination, by form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.layout import Kind, plain_name
from bondstore.runs.paths import safe_relpath

if TYPE_CHECKING:
    from bondstore.domains.beiwe.layout import BeiweObject


def original_path(obj: BeiweObject) -> str:
    """Return the path of an object in the ``original`` form.

    ``chunked/<pid>/<stream>/[<survey>/]<file>.csv`` and ``raw/<pid>/<raw stream>/[<survey>/]<file>``: as in the bucket,
    without the compression ending.
    """
    folder = obj.stream if obj.kind is Kind.CHUNKED else obj.raw_stream
    return safe_relpath("/".join([obj.source, obj.participant, folder, *_survey(obj), plain_name(obj)]))


def forest_path(obj: BeiweObject) -> str:
    """Return the path of an object in the layout that forest reads.

    ``<pid>/<stream>/[<survey>/]YYYY-MM-DD HH_MM_SS+00_00.csv``. Raw files carry milliseconds, so theirs follow the
    25 characters that forest looks at: two files of one second stay two. Duplicates, which forest would take for
    hours of their own, go to a hidden folder beside.
    """
    time_ms = obj.time_ms or 0
    name = f"{datetime.fromtimestamp(time_ms // 1000, UTC):%Y-%m-%d %H_%M_%S}+00_00"
    if time_ms % 1000:
        name += f"_{time_ms % 1000:03d}"
    path = [obj.participant, obj.stream, *_survey(obj)]
    if obj.duplicate:
        return ".duplicates/" + safe_relpath("/".join([*path, f"{name}.{obj.extension}-duplicate-{obj.duplicate}"]))
    return safe_relpath("/".join([*path, f"{name}.{obj.extension}"]))


def table_path(participant: str, stream: str, extension: str) -> str:
    """Return the path of a participant's table of one stream."""
    return safe_relpath(f"tables/{participant}/{stream}.{extension}")


def _survey(obj: BeiweObject) -> list[str]:
    return [] if obj.survey_id is None else [obj.survey_id]
