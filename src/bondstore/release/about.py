"""What a publisher says of a release: title, licence, citation."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bondstore.errors import ConfigurationError
from bondstore.release.tomlfile import read_toml

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class About:
    """What a publisher says of a release; all of it becomes public.

    Parameters
    ----------
    title : str
        Of the landing page.
    description : str
        A few sentences.
    licence : str
        Its name, such as ``CC-BY-4.0``.
    licence_url : str
        Where it can be read.
    citation : str
        How to cite the data.
    institution : str
        Who publishes.
    contact_url : str
        A page of those who answer questions; no e-mail address.
    """

    title: str = "Released data"
    description: str = ""
    licence: str = ""
    licence_url: str = ""
    citation: str = ""
    institution: str = ""
    contact_url: str = ""

    @classmethod
    def load(cls, path: Path) -> About:
        """Read it from a TOML file with these names at its top.

        Raises
        ------
        NotFoundError
            There is no such file.
        ConfigurationError
            It is no TOML, or a name or value is not one of these.
        """
        return cls.of(read_toml(path, "--about"), str(path))

    @classmethod
    def of(cls, given: dict[str, object], where: str) -> About:
        """Check names and values, and put them together; raises `ConfigurationError` as `load`."""
        known = [field.name for field in dataclasses.fields(cls)]
        said: dict[str, str] = {}
        for name, value in given.items():
            if name not in known:
                raise ConfigurationError(f"{where}: there is no setting {name[:24]!r}.", hint=f"Known: {known}.")
            if not isinstance(value, str) or len(value) > _LONGEST or "\0" in value:
                raise ConfigurationError(f"{where}: {name} is no text of up to {_LONGEST} signs.")
            if name.endswith("_url") and value and urlsplit(value).scheme not in ("http", "https"):
                raise ConfigurationError(f"{where}: {name} is no web address.", hint="Write https://…")
            said[name] = value.strip()
        return cls(**said)

    def record(self) -> dict[str, str]:
        """Return what is said, without what is not."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}
