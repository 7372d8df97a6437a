"""The standard AWS files, ``~/.aws/config`` and ``~/.aws/credentials``: static keys, region and endpoint.

Ways of signing in that need a web browser or another program (single sign-on, assumed roles, credential processes) are
named in a clear error, with the command that turns them into variables that work everywhere.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
"""

from __future__ import annotations

import configparser
import os
from dataclasses import dataclass, field
from pathlib import Path

from bondstore.config.secrets import Secret
from bondstore.errors import ConfigurationError, CredentialsError

_INDIRECT = {
    "sso_session": "single sign-on",
    "sso_start_url": "single sign-on",
    "role_arn": "an assumed role",
    "credential_process": "a credential process",
    "web_identity_token_file": "a web identity",
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an S3 request is signed with. Cannot be pickled, because a `Secret` cannot."""

    access_key: str = field(repr=False)  # no secret, but it identifies a person: not logged
    secret: Secret
    token: Secret | None = None
    source: str = ""


def config_path() -> Path:
    """Return where the AWS config file is expected."""
    return Path(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()


def credentials_path() -> Path:
    """Return where the AWS credentials file is expected."""
    return Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials").expanduser()


def profile_names() -> list[str]:
    """List the profiles named in either file, sorted."""
    names = {_bare(section) for section in _read(config_path()) if _is_profile(section)}
    return sorted(names | set(_read(credentials_path())))


def static_keys(name: str | None = None) -> Credentials | None:
    """Find the keys of an AWS profile (else ``AWS_PROFILE``); None when none was named and ``default`` has no keys."""
    wanted = name or os.environ.get("AWS_PROFILE")
    profile = wanted or "default"
    config = _read(config_path()).get("default" if profile == "default" else f"profile {profile}", {})
    shared = _read(credentials_path()).get(profile, {})
    # the credentials file wins over the config file, as in the AWS tools
    for path, section in ((credentials_path(), shared), (config_path(), config)):
        key, secret = section.get("aws_access_key_id"), section.get("aws_secret_access_key")
        if key and secret:
            token = section.get("aws_session_token")
            return Credentials(key, Secret(secret), Secret(token) if token else None, f"{path} [{profile}]")
    for setting, way in _INDIRECT.items():
        if setting in config or setting in shared:
            raise ConfigurationError(
                f"The AWS profile {profile!r} signs in by {way}, which is not done here.",
                hint=f'Run: eval "$(aws configure export-credentials --profile {profile} --format env)"',
            )
    if wanted is None:
        return None
    known = ", ".join(profile_names()) or "none"
    if config or shared:
        raise CredentialsError(
            f"The AWS profile {profile!r} holds no keys.", hint=f"Run: aws configure --profile {profile}"
        )
    raise CredentialsError(
        f"There is no AWS profile {profile!r} in {config_path()} or {credentials_path()}.",
        hint=f"Known: {known}. Unset AWS_PROFILE, or run: aws configure --profile {profile}",
    )


def settings(name: str | None = None) -> dict[str, tuple[str | bool, str]]:
    """Read region, endpoint, path style and checksums of an AWS profile, each with the place it was found at."""
    profile = name or "default"
    sections = _read(config_path())
    section = sections.get("default" if profile == "default" else f"profile {profile}", {})
    found: dict[str, str | bool] = {}
    if section.get("region"):
        found["region"] = section["region"]
    services = _nested(sections.get(f"services {section.get('services', '')}", {}).get("s3", ""))
    endpoint = services.get("endpoint_url") or section.get("endpoint_url")
    if endpoint and os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        found["endpoint"] = endpoint
    style = _nested(section.get("s3", "")).get("addressing_style")
    if style in ("path", "virtual"):
        found["path_style"] = style == "path"
    if section.get("request_checksum_calculation", "").lower() == "when_required":
        found["checksums"] = "when_required"
    where = f"{config_path()} [{profile}]"
    return {key: (value, where) for key, value in found.items()}


def ca_bundle(name: str | None = None) -> Path | None:
    """Return the file of authorities that ``AWS_CA_BUNDLE`` names, or an AWS profile (else ``AWS_PROFILE``)."""
    profile = name or os.environ.get("AWS_PROFILE") or "default"
    section = _read(config_path()).get("default" if profile == "default" else f"profile {profile}", {})
    place = os.environ.get("AWS_CA_BUNDLE") or section.get("ca_bundle")
    if not place:
        return None
    path = Path(place).expanduser()
    if not path.is_file():
        raise ConfigurationError(
            f"The file of authorities {path} is not there.", hint="Correct or unset AWS_CA_BUNDLE (ca_bundle)."
        )
    return path


def _is_profile(section: str) -> bool:
    return section == "default" or section.startswith("profile ")


def _bare(section: str) -> str:
    return section.removeprefix("profile ").strip().strip('"')


def _nested(text: str) -> dict[str, str]:
    """Read the indented settings under a key such as ``s3 =``."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _read(path: Path) -> dict[str, dict[str, str]]:
    """Read all sections; a missing file has none."""
    parser = configparser.RawConfigParser(default_section="\0none", strict=False, allow_no_value=True)
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.strerror}).", hint=f"Run: chmod 600 '{path}'"
        ) from None
    except (configparser.Error, UnicodeDecodeError):
        # `from None`: the parser's message repeats the line, and the line may be a key
        raise ConfigurationError(
            f"{path} is not a valid AWS settings file.", hint="Every line is [section] or name = value."
        ) from None
    return {
        " ".join(section.split()): {key: value or "" for key, value in parser.items(section)}
        for section in parser.sections()
    }
