"""What a file may say beside its levels: what a person states of all files, what it was made from, what is known."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType
from typing import TypeGuard

from bondstore.deid.text import redact_text
from bondstore.domains.ocean.output.extents import stamp
from bondstore.domains.ocean.profiles import Header, Position, Profile
from bondstore.domains.ocean.reading.metadata import PUBLISHABLE
from bondstore.errors import ConfigurationError
from bondstore.version import TOOL

_ACDD = """
    acknowledgement comment contributor_institution contributor_name contributor_role creator_institution
    creator_name creator_type creator_url data_centre id_prefix institution instrument instrument_vocabulary
    keywords keywords_vocabulary license metadata_link naming_authority platform platform_vocabulary
    processing_level product_version program project publisher_institution publisher_name publisher_type
    publisher_url references source summary title
"""
_IMOS = "abstract author citation disclaimer principal_investigator"
NAMES = frozenset([*_ACDD.split(), *_IMOS.split()])
"""The attributes that settings may state, by their names in ACDD-1.3 and IMOS-1.4; ``id_prefix`` goes before the ``id``
of each file."""

AODN_DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "project": "Integrated Marine Observing System (IMOS)",
        "naming_authority": "IMOS",
        "data_centre": "Australian Ocean Data Network (AODN)",
        "disclaimer": 'Data, products and services from IMOS are provided "as is" without any warranty as to'
        " fitness for a particular purpose.",
    }
)
"""What stands in files for AODN where settings state nothing. Source: IMOS-1.4; a FishSOOP file as AODN has it."""

AODN_ASKS = ("acknowledgement", "author", "citation", "institution", "license", "principal_investigator", "title")
"""What AODN wants to be told, and only a person can."""

DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "keywords": "oceans, sea water temperature, sea water pressure, vertical profile",
        "license": "Not stated. Ask the data provider before any use.",
        "institution": "Not stated",
        "source": "Profiles measured in the sea",
    }
)
"""What stands where settings state nothing."""


_OF_SOURCE = (
    "data_mode",
    *("source_tests_performed", "source_tests_failed"),
    *("source_profile_pres_qc", "source_profile_temp_qc", "source_profile_psal_qc"),
)
"""What an Argo file says of its own quality control; written as it came."""


PUBLISHED = ("cycle", "direction", "platform_type", "truncated")
"""Facts and header lines that are written without being asked for, beside those that `Header` has a place for."""


PRIVATE = ("vessel", "gear", "upload_position", "download_position", "source_file", "platform")
"""What tells of a vessel, its gear or its harbour: written only where `publish` names it, as are the columns of the
table of deployments. Fishing grounds are a trade secret. Of ``source_file``, the folders are private. ``platform`` is
what a file without a number calls it: a free text, and often a vessel's name."""


_FURTHER = (
    *("input_dialect", "profile_id", "created", "wmo_instrument_type", "positioning_system", "data_centre"),
    *("vertical_sampling_scheme", "parameters", "deepest_pressure"),
)
"""Facts of a profile that may be published by name."""


_HEADER = "header:"
"""What a header line's name is written behind, where it is none of those that are known."""


_LINES = (
    *("Deck unit battery voltage", "Cellular signal strength", "Protocol Version", "Moana calibration date"),
    *("Upload signal strength", "Upload attempts", "Upload time", "Upload stats", "Download Attempts"),
    *("Moana Battery (V)",),
)
"""Header lines that Moana sensors are known to send, beside those that `Header` has a place for."""


_OWN = re.compile(r"[a-z][a-z0-9_]{0,63}")


_ADDRESS = re.compile(r"mail|phone|contact|telefax|\bfax\b|address", re.IGNORECASE)


_LONGEST = 10_000


_PERSON = re.compile(
    r"contact|name of|skipper|captain|master|owner|operator|person|crew|e-?mail|phone|mobile\b|\btel|address"
    r"|\babn\b|\bpi\b|pi_name|investigator|author|fisher(?!y|ies)",
    re.IGNORECASE,
)


_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


Fact = str | float


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a person states of all files."""

    given: Mapping[str, str] = field(default_factory=dict)  # by NAMES; what it leaves out stands as in DEFAULTS
    more: Mapping[str, str] = field(default_factory=dict)  # of one's own; they never replace those of Bondstore
    publish: tuple[str, ...] = ()
    """Header lines, columns of the table of deployments and facts that may be public, beside PUBLISHED: nobody knows
    what others hold, and those of PRIVATE are about a vessel."""

    def get(self, name: str) -> str:
        """Return an attribute; empty where nothing is stated."""
        return self.given.get(name, DEFAULTS.get(name, ""))


@dataclass(frozen=True, slots=True)
class FileSource:
    """What a file was made from and by; times are seconds since 1970-01-01 UTC."""

    store: str = ""  # its address is no part of a netCDF file: the store is private
    key: str = ""
    source_version: str = ""  # etag or version id
    source_modified: float | None = None
    source_sha256: str = ""  # empty where it was not taken
    tool: str = TOOL
    attributes: Attributes = field(default_factory=Attributes)
    style: str = "plain"  # or aodn: as AODN takes it
    version: int = 1  # of the data: 1 quality controlled, 0 not in full (IMOS file versions)
    processed: float | None = None  # None: the file's date is `source_modified`, so that its bytes are always the same

    @property
    def source(self) -> str:
        """The whole address of the object."""
        return f"{self.store.rstrip('/')}/{self.key}" if self.store else self.key

    @property
    def date(self) -> float | None:
        """What the file gives as its date."""
        return self.source_modified if self.processed is None else self.processed


def parse_attributes(text: str) -> Attributes:
    """Read what a person states of the files, from TOML.

    Attributes stand at the top, those of one's own under ``[more]``, and ``publish`` is a list of what else may be
    public: header lines, columns of the table of deployments, and the names of `PRIVATE`.
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
        tuple(_public(_text("publish", one)) for one in publish),
    )


def _public(name: str) -> str:
    """Return a name of `publish` as it is known; one that is not known, or is about a person, is refused."""
    line = name.removeprefix(_HEADER).strip()
    if _PERSON.search(line):
        raise ConfigurationError(
            f"In the attributes file, {line!r} in `publish` is about a person. It is never published.",
            hint="Remove it from the list.",
        )
    if name.startswith(_HEADER):
        return line
    known = {_identifier(one): one for one in (*PRIVATE, *PUBLISHED, *_FURTHER, *PUBLISHABLE, *_LINES)}
    if _identifier(name) in known:
        return known[_identifier(name)]
    near = get_close_matches(_identifier(name), known, 1, cutoff=0.8)
    raise ConfigurationError(
        f"In the attributes file, `publish` has the unknown name {name!r}."
        + (f" Did you mean {known[near[0]]!r}?" if near else ""),
        hint=f'Known are: {", ".join(known.values())}. For another header line, write: publish = ["{_HEADER} {name}"]',
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


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """Return a text from outside as it may be published: one line without addresses and phone numbers, not too long."""
    return redact_text(_CONTROL.sub(" ", text).strip()[:_LONGEST])[0].encode("utf-8", "replace").decode()


def facts(profile: Profile, attributes: Attributes) -> dict[str, Fact]:
    """Return what is known of a profile, by names fit for attributes; what is unknown is left out."""
    header, deployment = profile.header, profile.deployment
    found: dict[str, Fact | None] = {
        "platform_code": profile.platform,
        "source_file": profile.key if "source_file" in attributes.publish else _last(profile.key),
        "input_dialect": header.dialect,
        **_instrument(header),
        **{name: profile.known.get(name, "") for name in _OF_SOURCE},
    }
    named = {_identifier(one) for one in attributes.publish}
    for what, position in (("upload", header.upload_position), ("download", header.download_position)):
        if f"{what}_position" in named:
            found |= _place(what, position)
    allowed = {_identifier(one) for one in (*PUBLISHED, *attributes.publish)}
    if deployment is not None:
        found |= {name: getattr(deployment, name) for name in ("vessel", "gear") if name in named}
        found["deployment_supplied"] = stamp(deployment.supplied)
        found["deployment_returned"] = stamp(deployment.returned)
        found |= _further("deployment", deployment.other, named)
    found |= _further("header", header.other, allowed) | _further("profile", profile.known, allowed)
    cleaned = {name: clean(value) if isinstance(value, str) else value for name, value in found.items()}
    return {name: value for name, value in cleaned.items() if _is_said(value)}


def _last(key: str) -> str:
    """Return a key without its folders, which may be named after vessels."""
    return key.rstrip("/").rpartition("/")[2]


def _is_said(value: Fact | None) -> TypeGuard[Fact]:
    return value is not None and (value != "" if isinstance(value, str) else math.isfinite(value))


def _instrument(header: Header) -> dict[str, Fact | None]:
    return {
        "sensor_serial_number": header.sensor_serial,
        "sensor_firmware": header.sensor_firmware,
        "sensor_battery_percent": header.sensor_battery,
        "sensor_reset_codes": ", ".join(header.reset_codes),
        "sensor_max_lifetime_depth_dbar": header.max_lifetime_depth,
        "sensor_baseline_dbar": header.baseline,
        "sensor_depth_rating_m": header.depth_rating,
        "deck_unit_serial_number": header.deck_unit_serial,
        "deck_unit_firmware": header.deck_unit_firmware,
        "deck_unit_battery_percent": header.deck_unit_battery,
        "download_time": stamp(header.download_time),
    }


def _place(what: str, position: Position | None) -> dict[str, Fact | None]:
    if position is None:
        return {}
    if not math.isfinite(position.latitude + position.longitude):  # half a place is none
        return {}
    return {f"{what}_latitude": float(position.latitude), f"{what}_longitude": float(position.longitude)}


def _further(prefix: str, said: Mapping[str, str], allowed: Collection[str]) -> dict[str, Fact | None]:
    """Return further lines under names that are safe; a line about a person never, whoever allowed it."""
    return {
        f"{prefix}_{safe}": said[name]
        for name in sorted(said)
        if _identifier(name) in allowed and not _PERSON.search(name) and (safe := _identifier(clean(name)))
    }


def _identifier(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:64]
