"""What a person states of the files (title, institution, licence …), from a TOML, and what a file was made from."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bondstore.errors import ConfigurationError
from bondstore.version import TOOL

NAMES = frozenset(
    [
        "acknowledgement",
        "comment",
        "contributor_institution",
        "contributor_name",
        "contributor_role",
        "creator_institution",
        "creator_name",
        "creator_type",
        "creator_url",
        "data_centre",
        "id_prefix",
        "institution",
        "instrument",
        "instrument_vocabulary",
        "keywords",
        "keywords_vocabulary",
        "license",
        "metadata_link",
        "naming_authority",
        "platform",
        "platform_vocabulary",
        "processing_level",
        "product_version",
        "program",
        "project",
        "publisher_institution",
        "publisher_name",
        "publisher_type",
        "publisher_url",
        "references",
        "source",
        "summary",
        "title",
    ]
)
"""The attributes that settings may state, by their names in ACDD-1.3; ``id_prefix`` goes before each file's ``id``."""

DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "keywords": "oceans, sea water temperature, sea water pressure, vertical profile",
        "license": "Not stated. Ask the data provider before any use.",
        "institution": "Not stated",
        "source": "Profiles measured in the sea",
    }
)
"""What stands where settings state nothing."""

PUBLISHED = ("cycle", "direction", "platform_type", "truncated")
"""Facts and header lines that are written without being asked for, beside those that `Header` has a place for."""

_OWN = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ADDRESS = re.compile(r"mail|phone|contact|telefax|\bfax\b|address", re.IGNORECASE)
_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a person states of all files.

    Parameters
    ----------
    given : mapping of str to str
        By the names in `NAMES`; what it leaves out stands as in `DEFAULTS`.
    more : mapping of str to str
        Attributes of one's own; they never replace those that Bondstore sets.
    publish : tuple of str
        Names of header lines and facts that go into files beside `PUBLISHED`. Others stay out: nobody knows what
        somebody wrote there.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)
    publish: tuple[str, ...] = ()

    def get(self, name: str) -> str:
        """Return an attribute; empty where nothing is stated."""
        return self.given.get(name, DEFAULTS.get(name, ""))


@dataclass(frozen=True, slots=True)
class About:
    """What a file was made from and by.

    Parameters
    ----------
    store : str
        Address of the store. It is no part of a netCDF file: the store is private.
    key : str
        The object's key there.
    source_version : str
        Its etag or version id.
    source_modified : float or None
        When it was put there: seconds since 1970-01-01 UTC.
    source_sha256 : str
        Of its bytes, in hex; empty where it was not taken.
    tool : str
        What made the file, with its version.
    attributes : Attributes
        What a person states.
    processed : float or None
        Seconds since 1970-01-01 UTC that the file gives as its date; None for `source_modified`, so that the same
        object always gives the same bytes.
    """

    store: str = ""
    key: str = ""
    source_version: str = ""
    source_modified: float | None = None
    source_sha256: str = ""
    tool: str = TOOL
    attributes: Attributes = field(default_factory=Attributes)
    processed: float | None = None

    @property
    def source(self) -> str:
        """The whole address of the object."""
        return f"{self.store.rstrip('/')}/{self.key}" if self.store else self.key

    @property
    def date(self) -> float | None:
        """What the file gives as its date; seconds since 1970-01-01 UTC."""
        return self.source_modified if self.processed is None else self.processed


def parse_attributes(text: str) -> Attributes:
    """Read what a person states of the files.

    Parameters
    ----------
    text : str
        TOML: attributes at the top, those of one's own under ``[more]``, and ``publish``, a list of header lines::

            title = "Sea temperature from fishing gear"
            institution = "The Institute"
            license = "CC-BY-4.0"
            publish = ["Profile number"]

            [more]
            site_code = "NZ"

    Raises
    ------
    ConfigurationError
        It is no TOML, names an attribute that there is none of, one for an address of a person, or gives another
        value than a text.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError("The file of attributes is no valid TOML.", hint=f"Mend it: {error}.") from error
    more, publish = content.pop("more", {}), content.pop("publish", [])
    if not isinstance(more, dict) or not isinstance(publish, list):
        raise ConfigurationError("In the file of attributes, `more` must be a table and `publish` a list of names.")
    for name in (*content, *more):
        if _ADDRESS.search(name):
            raise ConfigurationError(
                f"The attribute {name} would publish how to reach a person.",
                hint="Leave it out, or give a URL instead.",
            )
    unknown = sorted(set(content) - NAMES)
    if unknown:
        raise ConfigurationError(
            f"There is no attribute named {unknown[0]}.",
            hint=f"Put one of your own under [more]; the others are {', '.join(sorted(NAMES))}.",
        )
    return Attributes(
        {name: _text(name, value) for name, value in content.items()},
        {_own(name): _text(name, value) for name, value in more.items()},
        tuple(_text("publish", one) for one in publish),
    )


def _own(name: str) -> str:
    if not _OWN.fullmatch(name):
        raise ConfigurationError(
            f"An attribute cannot be named {name!r}.", hint="Use small letters, digits and underscores."
        )
    return name


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ConfigurationError(f"The attribute {name} must be a text of up to {_LONGEST} signs.")
    return value
