"""Profiles: named settings to open stores. They hold references to secrets, never secrets."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from bondstore.config.model import Setting, fields_of, from_mapping
from bondstore.config.secrets import SecretRef
from bondstore.errors import ConfigurationError, UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SIGNED = re.compile(r"[?&](?:x-amz-[a-z-]+|x-goog-[a-z-]+|sig|signature|awsaccesskeyid)=", re.IGNORECASE)
_ONE_SLASH = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/(?!/)")
BUCKET_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){1,253}[A-Za-z0-9]", re.ASCII)
"""A bucket of S3: old ones have capitals, underscores and up to 255 characters."""
_DNS_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


@cache
def store_schemes() -> frozenset[str]:
    """Return the kinds of store: each is a module named after its scheme, which is found here without being loaded."""
    kinds = Path(__file__).parents[1] / "stores" / "kinds"
    return frozenset(module.name for module in pkgutil.iter_modules([str(kinds)]))


def is_store_url(text: str) -> bool:
    """Say whether a text starts with the scheme of a kind of store."""
    scheme, separator, _ = text.partition("://")
    return bool(separator) and scheme.lower() in store_schemes()


def check_named(text: str) -> str:
    """Return what names a place; raises `UsageError` where it is blank, or begins as a URL and is none for a slip."""
    if not text.strip():
        raise UsageError(
            "A place is named, and its name is empty.",
            hint="Name a folder or a store's URL; in a script, look whether a variable is not set.",
        )
    slip = _ONE_SLASH.match(text.strip())
    if slip is None:
        return text
    scheme, rest = slip[1].lower(), text.strip()[slip.end() :]
    meant = "s3://BUCKET/PREFIX or az://CONTAINER/PREFIX"
    if scheme in store_schemes():
        meant = check_place(f"{scheme}://{'/' if scheme == 'file' else ''}{rest}")
    raise UsageError(
        f"A store's URL has two slashes behind {scheme}:, and there is one.",
        hint=f"Write {meant}. A folder of such a name is written with ./ before it.",
    )


def check_name(name: str) -> str:
    """Return a profile's name; raises `ConfigurationError` for one that cannot be."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            "A profile's name is up to 64 letters, digits, - and _, and starts with a letter or digit.",
            hint="Choose another name, such as lab-2026.",
        )
    return name


def check_endpoint(value: str, where: str = "") -> str:
    """Return an endpoint's address; raises `ConfigurationError` without a scheme and host, or with a password in it."""
    place = f"{where}: the" if where else "the"
    try:
        parts = urlsplit(value.strip())
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_ok = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        raise ConfigurationError(
            f"{place} endpoint is no address.", hint="Write it as https://host or http://host:port."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{place} endpoint holds more than an address.",
            hint="Leave out user, password, ? and #; credentials are given by reference.",
        )
    return value.strip().rstrip("/")


def check_place(url: str) -> str:
    """Return a store's URL; raises `UsageError` for one that carries credentials, and does not repeat it."""
    place = url.partition("://")[2]
    host = place.partition("/")[0]
    if "@" in host or "?" in host or _SIGNED.search(place):
        raise UsageError(
            "The store's URL holds more than a place.",
            hint="Leave out names, passwords and signatures; a profile refers to credentials.",
        )
    return url


def _text(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError
    return value.strip()


def _url(value: str) -> str:
    if not is_store_url(_text(value)):
        raise ValueError
    return check_place(value.strip())


def _endpoint(value: str) -> str:
    return check_endpoint(_text(value))


_KINDS_OF_URL = "s3://bucket/prefix, az://container/prefix or file:///folder"
_SECONDS: dict[str, Any] = {"option": "", "above": 0, "at_most": 86400, "wanted": "a number of seconds above 0"}


@dataclass(frozen=True, slots=True)
class Profile:
    """Settings to open stores. Picklable, and without any secret value."""

    name: Annotated[str, Setting(internal=True, option="")] = "default"
    url: Annotated[
        str | None,
        Setting(
            "The store to open.",
            doc="The store that is opened when none is named.",
            option=("--url", "--store"),
            metavar="URL",
            check=_url,
            wanted=_KINDS_OF_URL,
        ),
    ] = None
    endpoint: Annotated[
        str | None,
        Setting(
            "The address of a service of your own.",
            doc="`http(s)://host[:port]` of an S3 or Azure service other than the provider's own.",
            metavar="URL",
            check=_endpoint,
        ),
    ] = None
    region: Annotated[str | None, Setting("The S3 region.", check=_text)] = None
    access_key: Annotated[SecretRef | None, Setting("Where the access key's id is kept.", metavar="REF")] = None
    secret_key: Annotated[SecretRef | None, Setting("Where the secret access key is kept.", metavar="REF")] = None
    session_token: Annotated[SecretRef | None, Setting("Where the session token is kept.", metavar="REF")] = None
    anonymous: Annotated[bool, Setting("Send unsigned requests.")] = False
    aws_profile: Annotated[str | None, Setting("Take keys and region from this profile of ~/.aws.", check=_text)] = None
    path_style: Annotated[
        bool | None,
        Setting(
            "Where the bucket's name goes; else decided by the endpoint.",
            doc="Put the bucket into the path, not the host name. Unset decides by endpoint and bucket.",
            option="--path-style/--virtual-host",
        ),
    ] = None
    proxy: Annotated[
        Literal["environment", "none"],
        Setting("Follow proxy variables?", doc="Follow the proxy variables, or never use a proxy."),
    ] = "environment"
    checksums: Annotated[
        Literal["auto", "when_required", "always"],
        Setting("On uploads.", doc="Whether uploads carry an additional checksum; `auto` does so at AWS only."),
    ] = "auto"
    etags: Annotated[
        Literal["auto", "opaque"],
        Setting(
            "On downloads: opaque where ETags look like an MD5 and are none.",
            doc="Whether downloads are held against the ETags that look like an MD5. `opaque`: on this server they are"
            " something else, and say nothing of the content.",
        ),
    ] = "auto"
    read_only: Annotated[bool, Setting("Refuse every write.")] = False
    plaintext: Annotated[
        Literal["allowed", "forbidden"],
        Setting("May decrypted data be written to a disk?", doc="Whether decrypted data may be written to a disk."),
    ] = "allowed"
    identified: Annotated[
        bool,
        Setting(
            "May files that name people be kept there, encrypted?",
            doc="Whether files that name people may be kept there, encrypted "
            "(`bondstore neuro deidentify SRC DEST --allow EXT`). Where the profile has a `url`, that is only so "
            "there and below.",
        ),
    ] = False
    group: Annotated[
        str | None,
        Setting(
            "A group of this machine that may read what is written to a folder; else only you may.",
            doc="A group of this machine whose members may read what is written to a folder. Unset: you alone.",
            check=_text,
            metavar="NAME",
        ),
    ] = None
    allow_http: Annotated[
        bool | None,
        Setting("Allow unencrypted connections. Unset allows them when the endpoint starts with `http://`.", option=""),
    ] = None
    account: Annotated[str | None, Setting("The Azure storage account.", check=_text)] = None
    account_key: Annotated[SecretRef | None, Setting("Where the Azure account's key is kept.", metavar="REF")] = None
    sas: Annotated[SecretRef | None, Setting("Where the Azure shared access signature is kept.", metavar="REF")] = None
    decryption_key: Annotated[
        SecretRef | None,
        Setting(
            "Where the study's key is kept: env:NAME, file:/path (mode 0600), keyring:service/name or prompt: . "
            "Never the key itself. Else DECRYPTION_KEY_STRING or the profile.",
            doc="Where the study's key is kept.",
            option="--key",
            metavar="REF",
        ),
    ] = None
    study: Annotated[
        str | None,
        Setting(
            "The study's id. Else STUDY_FOLDER or the profile say so.",
            doc="The study that is meant when none is named.",
            metavar="ID",
            check=_text,
        ),
    ] = None
    connect_timeout: Annotated[float, Setting("Seconds to wait for a connection.", **_SECONDS)] = 10.0
    stall_timeout: Annotated[
        float, Setting("Seconds a transfer may stand still before it is tried again.", **_SECONDS)
    ] = 30.0
    retries: Annotated[int, Setting("How many times a request is tried again.", option="", at_least=0, at_most=100)] = 5
    # which setting came from where, such as ("endpoint", "AWS_ENDPOINT_URL"): for people
    sources: Annotated[tuple[tuple[str, str], ...], Setting(internal=True, option="")] = field(
        default=(), compare=False, repr=False
    )

    def uses_path_style(self, bucket: str) -> bool:
        """Tell whether the bucket goes into the path of a request."""
        if self.path_style is not None:
            return self.path_style
        # capitals, underscores and dots cannot stand in a host name under one certificate
        return self.endpoint is not None or not _DNS_BUCKET.fullmatch(bucket)

    def uses_http(self) -> bool:
        """Tell whether unencrypted connections are allowed."""
        if self.allow_http is not None:
            return self.allow_http
        return self.endpoint is not None and self.endpoint.lower().startswith("http://")

    @property
    def is_used(self) -> bool:
        """Whether a person states settings in a profile: in a file, or as an object of Python."""
        return not self.sources or any("[profile." in where for _, where in self.sources)

    def source_of(self, setting: str) -> str:
        """Say where a setting came from: a variable, a file, or ``default``."""
        return dict(self.sources).get(setting, "default")

    def references(self) -> tuple[SecretRef, ...]:
        """Return the references to secrets that it names."""
        values = (getattr(self, one.name) for one in fields_of(Profile))
        return tuple(one for one in values if isinstance(one, SecretRef))


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """All that a worker needs to open a store. Picklable, and without any secret value."""

    url: str
    profile: Profile = field(default_factory=Profile)
    follow_links: bool = False
    """Of a folder: whether results may go to where a symbolic link leads."""


def check_settings(table: Mapping[str, Any], where: str, *, base: Path | None = None) -> dict[str, Any]:
    """Check those settings of a profile that a table states, and return them; raises `ConfigurationError`."""
    checked = from_mapping(Profile, table, where=where, base=base)
    return {name: getattr(checked, name) for name in table}
