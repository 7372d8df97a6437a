"""Options that the commands over hospital recordings share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options
from bondstore.cli.from_model import Bundle

if TYPE_CHECKING:
    from bondstore.domains.neuro.job import CrosswalkRef

Source = Annotated[
    str, typer.Argument(metavar="SRC", help="A folder, or a store's URL, with a folder for each patient.")
]
Names = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="People to take out besides, one a line, such as staff and relatives."),
]
Code = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="The code of the only patient in SRC. Else the crosswalk's, or drawn."),
]
Dates = Annotated[
    str,
    typer.Option(
        metavar="keep|shift|floor",
        help="Start dates: keep them, shift them by the person's own weeks, or write 1 January 1985.",
    ),
]
Annotations = Annotated[
    str, typer.Option(metavar="scrub|drop", help="Blank names in annotations, or remove all annotations.")
]
Faces = Annotated[
    str,
    typer.Option(
        metavar="keep|fill", help="Faces in videos: copy pictures as they are, or cover faces and encode again."
    ),
]


@dataclass(frozen=True, slots=True)
class CrosswalkOptions(Bundle):
    """Which crosswalk is meant, and the key that opens it."""

    crosswalk: options.Crosswalk = None
    crosswalk_profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Named settings to open the crosswalk with, where it is an object."),
    ] = None
    key: options.OwnKey = None
    passphrase: options.Passphrase = None

    def reference(self) -> CrosswalkRef:
        """Return it as runs record it."""
        from bondstore.domains.neuro.job import CrosswalkRef

        passphrase = None if self.passphrase is None else str(self.passphrase)
        return CrosswalkRef(self.crosswalk, self.key, passphrase, self.crosswalk_profile)

    @property
    def is_given(self) -> bool:
        """Whether anything was said of it."""
        return self != CrosswalkOptions()
