"""What stands at the end of a run over ocean profiles: where the results are, and how to look and release."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from bondstore.cli.report import Ending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.runs.destination import Destination

THINGS = ("file", "files")


def ending(params: Mapping[str, Any], destination: Destination) -> Ending:
    """Return what a run adds to its end.

    Parameters
    ----------
    params : mapping
        Of the run.
    destination : Destination
        Where its record is kept.
    """
    del destination
    dest = shlex.quote(str(params["dest"]))
    publish = f"bondstore release publish s3://PUBLIC-BUCKET --from {dest} --dry-run"
    return Ending((f"Results {params['dest']}",), (publish,))
