"""What a file may say of its profiles beside their levels: cleaned of addresses, phone numbers and persons."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeGuard

from bondstore.deid.text import redact_text
from bondstore.domains.ocean.output.attributes import PUBLISHED, Attributes
from bondstore.domains.ocean.output.extents import stamp
from bondstore.domains.ocean.profiles import Header, Position, Profile

Fact = str | float

_PERSON = re.compile(
    r"contact|name of|skipper|captain|master|owner|operator|person|crew|e-?mail|phone|mobile\b|\btel|address"
    r"|\babn\b|\bpi\b|pi_name|investigator|author|fisher(?!y|ies)",
    re.IGNORECASE,
)
_LONGEST = 2000
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """Return a text from outside as it may be published: without addresses and phone numbers, on one line.

    Parameters
    ----------
    text : str
        Anything; of a very long one, only the beginning is kept.
    """
    return redact_text(_CONTROL.sub(" ", text).strip()[:_LONGEST])[0].encode("utf-8", "replace").decode()


def facts(profile: Profile, attributes: Attributes) -> dict[str, Fact]:
    """Return what is known of a profile, by names fit for attributes; what is unknown is left out.

    Parameters
    ----------
    profile : Profile
        Whose header, deployment and facts are meant.
    attributes : Attributes
        Names the further header lines that may be published.
    """
    header, deployment = profile.header, profile.deployment
    found: dict[str, Fact | None] = {
        "platform_code": profile.platform,
        "source_file": profile.key,
        "input_dialect": header.dialect,
        **_instrument(header),
    }
    if deployment is not None:
        found["vessel"] = deployment.vessel
        found["gear"] = deployment.gear
        found["deployment_supplied"] = stamp(deployment.supplied)
        found["deployment_returned"] = stamp(deployment.returned)
        found |= _further("deployment", deployment.other, tuple(deployment.other))
    allowed = (*PUBLISHED, *attributes.publish)
    found |= _further("header", header.other, allowed) | _further("profile", profile.known, allowed)
    cleaned = {name: clean(value) if isinstance(value, str) else value for name, value in found.items()}
    return {name: value for name, value in cleaned.items() if _is_said(value)}


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
        **_place("upload", header.upload_position),
        **_place("download", header.download_position),
        "download_time": stamp(header.download_time),
    }


def _place(what: str, position: Position | None) -> dict[str, Fact | None]:
    if position is None:
        return {}
    if not math.isfinite(position.latitude + position.longitude):  # half a place is none
        return {}
    return {f"{what}_latitude": float(position.latitude), f"{what}_longitude": float(position.longitude)}


def _further(prefix: str, said: Mapping[str, str], allowed: tuple[str, ...]) -> dict[str, Fact | None]:
    """Return further lines under names that are safe; a line about a person never, whoever allowed it."""
    return {
        f"{prefix}_{safe}": said[name]
        for name in sorted(said)
        if name in allowed and not _PERSON.search(name) and (safe := _identifier(clean(name)))
    }


def _identifier(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:64]
