"""What may be asked of a package and of a template; the command line makes its options of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from bondstore.config.model import Setting
from bondstore.errors import UsageError

if TYPE_CHECKING:
    from bondstore.aws.handlers import Handler

PYTHONS = {"3.11": 26, "3.12": 34, "3.13": 34, "3.14": 34}
"""Lambda's Python runtimes that Bondstore runs on, with the minor version of their glibc (2.x)."""
EXTRAS = ("plots", "netcdf")
ARCHITECTURES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""As Lambda calls them, and as wheels do."""


@dataclass(frozen=True, slots=True)
class PackageOptions:
    """What to make."""

    target: Annotated[
        str, Setting("One zip with everything; or a small function and layers for the rest.", metavar="lambda|layer")
    ] = "layer"
    handler: Annotated[str, Setting("Which handler it is for.", metavar="profile|participants")] = "profile"
    extras: Annotated[
        tuple[str, ...],
        Setting("More for profiles: pictures, netCDF sources. Repeatable.", metavar="plots|netcdf", option="--with"),
    ] = ()
    python: Annotated[str, Setting("The version of Lambda's Python runtime.", metavar="3.13")] = "3.13"
    architecture: Annotated[str, Setting("The processor of the function.", metavar="x86_64|arm64", option="--arch")] = (
        "x86_64"
    )
    wheels: Annotated[Path | None, Setting("A folder of wheels to take, without any network.", metavar="DIR")] = None

    def chosen(self, handlers: Mapping[str, Handler]) -> Handler:
        """Return the handler, or raise `UsageError` for a word that is unknown."""
        known = handlers.get(self.handler)
        extras = tuple(dict.fromkeys(word for one in handlers.values() for word in one.extras))
        for name, value, words in (
            ("target", self.target, ("lambda", "layer")),
            ("handler", self.handler, tuple(handlers)),
            ("Python", self.python, tuple(PYTHONS)),
            ("architecture", self.architecture, tuple(ARCHITECTURES)),
            *(("part", one, extras) for one in self.extras),
        ):
            if value not in words:
                raise UsageError(f"There is no {name} {value!r}.", hint=f"Choose one of: {', '.join(words)}.")
        if known is None or not set(self.extras) <= set(known.extras):
            having = " and ".join(one.name for one in handlers.values() if set(self.extras) <= set(one.extras))
            raise UsageError(f"Only the {having} handler takes more parts.", hint="Leave out --with.")
        return known

    @property
    def stem(self) -> str:
        """What the names of the zips begin with."""
        return f"bondstore-{self.handler}-py{self.python}-{self.architecture}"


@dataclass(frozen=True, slots=True)
class Stack:
    """What the zips were made for, and how many layers ``bondstore aws package`` made for the profile handler."""

    python: Annotated[str, Setting("The version of Lambda's Python runtime.", metavar="3.13")] = "3.13"
    architecture: Annotated[
        str, Setting("The processor of the functions.", metavar="x86_64|arm64", option="--arch")
    ] = "x86_64"
    layers: Annotated[int, Setting("How many layers bondstore aws package made.", metavar="N")] = 2
    extras: Annotated[
        tuple[str, ...],
        Setting(
            "What the zips were made with; with netcdf, .nc files start the function too. Repeatable.",
            metavar="plots|netcdf",
            option="--with",
        ),
    ] = ()

    def checked(self) -> Stack:
        """Return it, or raise `UsageError`."""
        if self.python not in PYTHONS:
            raise UsageError(f"There is no Python {self.python!r}.", hint=f"Choose one of: {', '.join(PYTHONS)}.")
        if self.architecture not in ARCHITECTURES:
            raise UsageError("There is no such architecture.", hint=f"Choose one of: {', '.join(ARCHITECTURES)}.")
        for one in self.extras:
            if one not in EXTRAS:
                raise UsageError(f"There is no part {one!r}.", hint=f"Choose one of: {', '.join(EXTRAS)}.")
        if not 1 <= self.layers <= 5:
            raise UsageError("A function has one to five layers.", hint="Count the zips with layer in their names.")
        return self
