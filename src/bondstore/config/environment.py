"""Settings from the environment: our own variables, the Beiwe guide's six, and the standard AWS and Azure ones."""

from __future__ import annotations

import os
from typing import Any

from bondstore.config.profiles import check_endpoint, check_settings
from bondstore.config.secrets import SecretRef, fields_of_text
from bondstore.errors import ConfigurationError

Layer = dict[str, tuple[Any, str]]
"""Settings of a profile, each with the place it was found at."""

_AZURE = "AZURE_STORAGE_CONNECTION_STRING"
PROFILE, STORE, STUDY, KEY = "BONDSTORE_PROFILE", "BONDSTORE_STORE", "BONDSTORE_STUDY", "BONDSTORE_KEY"


def profile_name() -> str | None:
    """Return the profile that the environment names."""
    return os.environ.get(PROFILE) or None


def own() -> Layer:
    """Read ``BONDSTORE_STORE``, ``BONDSTORE_STUDY`` and ``BONDSTORE_KEY`` (a reference, never the key)."""
    layer: Layer = {}
    for setting, name in (("url", STORE), ("study", STUDY), ("decryption_key", KEY)):
        value = os.environ.get(name)
        if value:
            layer[setting] = (check_settings({setting: value}, name)[setting], name)
    return layer


def guide() -> Layer:
    """Read the six variables that the Beiwe guide keeps a researcher's access in."""
    layer = _references(
        access_key=("BEIWE_SERVER_AWS_ACCESS_KEY_ID",),
        secret_key=("BEIWE_SERVER_AWS_SECRET_ACCESS_KEY",),
        decryption_key=("DECRYPTION_KEY_STRING",),
    )
    layer |= _texts(region=("S3_REGION_NAME",), study=("STUDY_FOLDER",))
    bucket = os.environ.get("S3_BUCKET", "").strip()
    if bucket:
        bucket = bucket.removeprefix("s3://").strip("/")
        layer["url"] = (f"s3://{bucket}", "S3_BUCKET")
    return layer


def standard() -> Layer:
    """Read the variables that the AWS and Azure tools share."""
    layer = _references(
        access_key=("AWS_ACCESS_KEY_ID",),
        secret_key=("AWS_SECRET_ACCESS_KEY",),
        session_token=("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
        account_key=("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY"),
        sas=("AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY"),
    )
    layer |= _texts(
        aws_profile=("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
        region=("AWS_REGION", "AWS_DEFAULT_REGION"),
        endpoint=("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
        account=("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"),
    )
    if os.environ.get(_AZURE, "").strip():
        for setting in ("account", "account_key", "sas"):
            layer.pop(setting, None)
        layer = {**_connection_string(), **layer}
    if "endpoint" in layer:
        value, name = layer["endpoint"]
        layer["endpoint"] = (check_endpoint(value, name), name)
    if "access_key" in layer and "secret_key" in layer:
        # as in the AWS tools: keys in the environment win over a profile named there
        layer.pop("aws_profile", None)
    elif "access_key" in layer or "secret_key" in layer:
        if "aws_profile" not in layer:
            have, lacks = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
            if "access_key" not in layer:
                have, lacks = lacks, have
            raise ConfigurationError(f"{have} is set but {lacks} is not.", hint=f"Set {lacks}, or unset {have}.")
        for half in ("access_key", "secret_key", "session_token"):
            layer.pop(half, None)
    return layer


def _connection_string() -> Layer:
    """Read Azure's connection string: it says everything at once, so that no other variable has a say."""
    said = fields_of_text(os.environ[_AZURE])
    account = said.get("AccountName", "")
    endpoint = said.get("BlobEndpoint", "")
    if not endpoint and "EndpointSuffix" in said and account:
        endpoint = f"{said.get('DefaultEndpointsProtocol', 'https')}://{account}.blob.{said['EndpointSuffix']}"
    if not account and not endpoint:
        raise ConfigurationError(
            f"{_AZURE} names no account.", hint="Copy it again from the storage account's access keys."
        )
    layer: Layer = {}
    if account:
        layer["account"] = (account, _AZURE)
    if endpoint and endpoint != f"https://{account}.blob.core.windows.net":
        layer["azure_endpoint"] = (check_endpoint(endpoint, _AZURE), _AZURE)
    for setting, name in (("account_key", "AccountKey"), ("sas", "SharedAccessSignature")):
        if said.get(name):
            layer[setting] = (SecretRef("env", f"{_AZURE}#{name}"), _AZURE)
            break
    return layer


def aws_profile() -> str | None:
    """Return the profile of ``~/.aws`` that the environment names: its region holds also where keys are variables."""
    name = _first(("AWS_PROFILE", "AWS_DEFAULT_PROFILE"))
    return os.environ[name].strip() if name else None


def _references(**wanted: tuple[str, ...]) -> Layer:
    found = {setting: _first(names) for setting, names in wanted.items()}
    return {setting: (SecretRef("env", name), name) for setting, name in found.items() if name}


def _texts(**wanted: tuple[str, ...]) -> Layer:
    found = {setting: _first(names) for setting, names in wanted.items()}
    return {setting: (os.environ[name].strip(), name) for setting, name in found.items() if name}


def _first(names: tuple[str, ...]) -> str | None:
    return next((name for name in names if os.environ.get(name, "").strip()), None)
