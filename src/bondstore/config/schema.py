"""What may stand in a settings file, and the sentences for what may not.

The checks are written out here because a general validator repeats the value it refuses, and that value may be
a secret.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bondstore.config.secrets import SCHEMES, SecretRef
from bondstore.errors import ConfigurationError

TEXT = frozenset({"url", "endpoint", "region", "aws_profile", "account", "study"})
REFERENCES = frozenset({"access_key", "secret_key", "session_token", "account_key", "sas", "decryption_key"})
SWITCHES = frozenset({"anonymous", "path_style", "read_only", "allow_http"})
SECONDS = frozenset({"connect_timeout", "stall_timeout"})
WORDS: dict[str, tuple[str, ...]] = {
    "proxy": ("environment", "none"),
    "checksums": ("auto", "when_required", "always"),
    "plaintext": ("allowed", "forbidden"),
}
KNOWN = TEXT | REFERENCES | SWITCHES | SECONDS | WORDS.keys() | {"retries"}
TOP = {"profile": "profile", "store": "url", "study": "study", "key": "decryption_key"}
"""Settings at the head of a file, and the setting of a profile each one stands for."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_URL = re.compile(r"(s3|az|file|memory)://", re.IGNORECASE)
_DESCRIBED = {"access_key": "LAB_KEY_ID", "decryption_key": "STUDY_KEY"}


def check_name(name: str) -> str:
    """Return a profile's name, or refuse it.

    Raises
    ------
    ConfigurationError
        When it has other signs than letters, digits, ``-`` and ``_``.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            "A profile's name is up to 64 letters, digits, - and _, and starts with a letter or digit.",
            hint="Choose another name, such as lab-2026.",
        )
    return name


def check_profile(table: Mapping[str, Any], where: str, *, base: Path | None = None) -> dict[str, Any]:
    """Check the settings of one profile.

    Parameters
    ----------
    table : mapping
        Settings as read from TOML.
    where : str
        The file and table, for the errors.
    base : Path, optional
        The folder that relative paths of secrets start from.

    Returns
    -------
    dict
        The same settings, references parsed.

    Raises
    ------
    ConfigurationError
        For an unknown setting, a literal secret, or a value of the wrong kind. Values are never repeated.
    """
    return {name: check_setting(name, value, where, base=base) for name, value in table.items()}


def check_setting(name: str, value: object, where: str, *, base: Path | None = None) -> Any:
    """Check one setting of a profile; see `check_profile`."""
    if name not in KNOWN:
        raise unknown(name, KNOWN, where)
    if name in REFERENCES:
        return reference(name, value, where, base=base)
    if name in SWITCHES:
        if isinstance(value, bool):
            return value
        raise _wrong(name, where, "true or false")
    if name in SECONDS:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 86400:
            return float(value)
        raise _wrong(name, where, "a number of seconds over 0")
    if name == "retries":
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100:
            return value
        raise _wrong(name, where, "a whole number from 0 to 100")
    if name in WORDS:
        if value in WORDS[name]:
            return value
        raise _wrong(name, where, "one of " + ", ".join(WORDS[name]))
    return _text(name, value, where)


def reference(name: str, value: object, where: str, *, base: Path | None = None) -> SecretRef:
    """Parse a reference to a secret, and refuse a literal one without repeating it."""
    if isinstance(value, str) and value.partition(":")[0] in SCHEMES and ":" in value:
        try:
            return SecretRef.parse(value, base=base)
        except ConfigurationError as error:
            raise ConfigurationError(f"{where}: {name}: {error.message}", hint=error.hint) from None
    variable = _DESCRIBED.get(name, f"LAB_{name.upper()}")
    raise ConfigurationError(
        f"{where}: {name} holds the secret itself; secrets are only given by reference.",
        hint=f'Write {name} = "env:{variable}", or "file:/path" (mode 0600), "keyring:service/name" or "prompt:".',
    )


def unknown(name: str, known: frozenset[str] | set[str], where: str) -> ConfigurationError:
    """Build the error for an unknown setting; it names the nearest known one."""
    nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    hint = f"Did you mean {nearest[0]}?" if nearest else "Known: " + ", ".join(sorted(known)) + "."
    # the name is cut: a pasted secret may stand where a name belongs
    return ConfigurationError(f"{where}: there is no setting {name[:24]!r}.", hint=hint)


def check_endpoint(value: str, where: str) -> str:
    """Check an endpoint: a scheme, a host, and no user name or password in it."""
    try:
        parts = urlsplit(value)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_ok = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        raise ConfigurationError(
            f"{where}: the endpoint is no address.", hint="Write it as https://host or http://host:port."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{where}: the endpoint holds more than an address.",
            hint="Leave out user, password, ? and #; credentials are given by reference.",
        )
    return value.rstrip("/")


def _text(name: str, value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise _wrong(name, where, "a text")
    value = value.strip()
    if name == "endpoint":
        return check_endpoint(value, f"{where}: {name}")
    if name == "url" and not _URL.match(value):
        raise _wrong(name, where, "s3://bucket/prefix, az://container/prefix, file:///folder or memory://name")
    return value


def _wrong(name: str, where: str, wanted: str) -> ConfigurationError:
    return ConfigurationError(f"{where}: {name} has a wrong value.", hint=f"It must be {wanted}.")
