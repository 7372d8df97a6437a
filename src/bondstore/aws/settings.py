"""Settings of the handlers, from environment variables: a Lambda function has nothing else.

Secrets come by reference; those that AWS keeps are got here.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bondstore.config.secrets import Secret, SecretRef, remember
from bondstore.errors import ConfigurationError, CredentialsError
from bondstore.stores.address import parse_address

STATE = "/tmp/bondstore"  # noqa: S108 - the one place a Lambda function may write to
VARIABLES: Mapping[str, str] = {
    "BONDSTORE_SOURCE": "Where profiles arrive: one or more store URLs with blanks between. All buckets when not set.",
    "BONDSTORE_DEST": "Where results go: the URL of a private store. Needed for profiles.",
    "BONDSTORE_TESTS": "The tests: a suite's name, or the path of a TOML file. Else moana.",
    "BONDSTORE_FORM": "netcdf, parquet or both. Else netcdf. Tables are made by the next run over all profiles.",
    "BONDSTORE_NAMES": "plain or aodn. Else plain.",
    "BONDSTORE_PLOTS": "yes or no: draw each profile. Else yes.",
    "BONDSTORE_METADATA": "The table of deployments (CSV): a path, or s3://BUCKET/KEY.",
    "BONDSTORE_ATTRIBUTES": "Licence, creator and so on (TOML): a path, or s3://BUCKET/KEY.",
    "BONDSTORE_COLUMNS": "A map of the columns of plain CSVs (TOML): a path, or s3://BUCKET/KEY.",
    "BONDSTORE_PUBLIC": "The URL of the public store: release after each event. Not released when not set.",
    "BONDSTORE_REQUIRE": "What a file must meet to be released: good, good:SHARE or suspect. Else good.",
    "BONDSTORE_ABOUT": "What the landing page says (TOML): a path.",
    "BONDSTORE_TRANSPORT": "How mail leaves: ses://REGION or smtp://HOST:587. No mail when not set.",
    "BONDSTORE_MAIL_FROM": "Who sends: an address, or NAME <ADDRESS>.",
    "BONDSTORE_NOTIFY": "More settings for mail (TOML): a path.",
    "BONDSTORE_UNSUBSCRIBE_URL": "The page to unsubscribe at: https://…/{token}.",
    "BONDSTORE_UNSUBSCRIBE_MAIL": "An address that somebody reads, for those who unsubscribe by mail.",
    "BONDSTORE_MAIL_SECRET": "Reference to the secret of unsubscribe links. Else env:BONDSTORE_NOTIFY_SECRET.",
    "BONDSTORE_SMTP_USER": "The user for SMTP.",
    "BONDSTORE_SMTP_PASSWORD": "Reference to the password for SMTP.",
    "BONDSTORE_DATABASE": "Where tables are: dynamodb://REGION, sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
    "BONDSTORE_TABLE": "The table of participants. Else participant-information.",
    "BONDSTORE_PARTICIPANTS": "The participants' CSV, s3://BUCKET/KEY: other objects are passed over. Needed for them.",
    "BONDSTORE_KEY_COLUMNS": "Columns that tell participants apart, with ; between. Else as at the last sync.",
}
"""Every variable with what it says; secrets only by reference (``env:``, ``file:``, ``aws-secret:``, ``ssm:``)."""

_AWS = ("aws-secret", "ssm")
_SWITCH = {"": True, "yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class HandlerSettings:
    """What the handlers are told: the variables of `VARIABLES` that are set and not empty."""

    given: Mapping[str, str]

    def get(self, name: str, default: str = "") -> str:
        """Return a variable by its name without ``BONDSTORE_``."""
        return self.given.get(f"BONDSTORE_{name}", default)

    def need(self, name: str) -> str:
        """Return a variable that must be set; `ConfigurationError` where it is not."""
        value = self.get(name)
        if not value:
            variable = f"BONDSTORE_{name}"
            raise ConfigurationError(f"{variable} is not set.", hint=VARIABLES[variable])
        return value

    @property
    def sources(self) -> tuple[str, ...]:
        """Addresses of the stores that profiles arrive in, the most special first; none stands for all."""
        return tuple(sorted((parse_address(url).url for url in self.get("SOURCE").split()), key=len, reverse=True))

    @property
    def plots(self) -> bool:
        """Whether each profile is drawn."""
        value = self.get("PLOTS").lower()
        if value not in _SWITCH:
            raise ConfigurationError("BONDSTORE_PLOTS has a wrong value.", hint="Write yes or no.")
        return _SWITCH[value]

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns that tell participants apart."""
        return tuple(one.strip() for one in re.split(r"[;\n]", self.get("KEY_COLUMNS")) if one.strip())


def load_settings(environment: Mapping[str, str] | None = None) -> HandlerSettings:
    """Read the variables, of this process where no others are given."""
    found = os.environ if environment is None else environment
    return HandlerSettings({name: found[name].strip() for name in VARIABLES if found.get(name, "").strip()})


def prepare_lambda() -> None:
    """Point state and caches at the only folder that a Lambda function may write to; elsewhere nothing is changed."""
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return
    for name, folder in (("XDG_STATE_HOME", "state"), ("XDG_CACHE_HOME", "cache"), ("MPLCONFIGDIR", "matplotlib")):
        os.environ.setdefault(name, f"{STATE}/{folder}")


def reference(text: str) -> SecretRef:
    """Read a reference to a secret; one to AWS is resolved here and now, and kept in this process alone.

    Beside the usual ones there are ``ssm:/name/of/parameter``, ``aws-secret:NAME``, and ``aws-secret:NAME#FIELD`` for
    one field of a secret that is JSON.
    """
    scheme, _, place = text.partition(":")
    if scheme not in _AWS:
        return SecretRef.parse(text)
    ref = SecretRef(scheme, place.strip())
    name, _, field = ref.place.partition("#") if scheme == "aws-secret" else (ref.place, "", "")
    value = _kept_by_aws(scheme, name)
    if field:
        try:
            value = json.loads(value)[field]
        except (ValueError, KeyError, TypeError):
            raise CredentialsError(
                f"The secret {name} has no field of that name.", hint="Check what is behind #."
            ) from None
    if not isinstance(value, str) or not value:
        raise CredentialsError(f"The secret {name} is empty.", hint="Store it as text.")
    remember(ref, Secret(value))
    return ref


def _kept_by_aws(scheme: str, name: str) -> Any:
    from bondstore.awsclients import aws_client, failures, understand

    what = f"parameter {name} in SSM" if scheme == "ssm" else f"secret {name} in Secrets Manager"
    try:
        if scheme == "ssm":
            return aws_client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
        return aws_client("secretsmanager").get_secret_value(SecretId=name).get("SecretString", "")
    except failures() as error:
        raise understand(error, what) from None
