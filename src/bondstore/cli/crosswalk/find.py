"""``bondstore crosswalk find``."""

from __future__ import annotations

from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.cli.crosswalk import _shared
from bondstore.cli.from_model import with_settings
from bondstore.errors import Exit, NotFoundError, UsageError

EXAMPLES = (
    "bondstore crosswalk find",
    "bondstore crosswalk find --names patients.txt",
    "bondstore crosswalk find k3f9a2bq --reveal",
)


@with_settings(order=("code", "names", "reveal"))
def command(
    code: Annotated[str | None, typer.Argument(metavar="CODE", help="A subject's code, to see who it is.")] = None,
    *,
    names: _shared.Names = None,
    reveal: _shared.Reveal = False,
    crosswalk: _shared.CrosswalkOptions,
    json: options.Json = False,
) -> int:
    """Find the codes of people, or with a code who it is; nothing is added.

    People are told by their place in the list, not by name. One who may be somebody in the crosswalk under another
    spelling has the state doubtful, with the codes of those that it may be.
    """
    if code is not None and names is not None:
        raise UsageError("A code and names are two questions.", hint="Ask for one of them.")
    if code is not None:
        found = next((one for one in crosswalk.open().entries() if one.code == code), None)
        if found is None:
            raise NotFoundError(f"Nobody has the code {code}.", hint="bondstore crosswalk list")
        output.display_one(_shared.record_of(found, reveal=reveal), json=json)
        return Exit.DONE
    people = _shared.people_of(names)
    opened = crosswalk.open()
    opened.entries()  # raises where there is no crosswalk
    states = _shared.show_people(people, opened.preview(people), "unknown", json=json)
    return Exit.NOT_FOUND if states == {"unknown"} else Exit.DONE
