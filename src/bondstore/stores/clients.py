"""obstore clients built from a store's specification: the only place where credentials meet a connection."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from bondstore.errors import CredentialsError, NotFoundError
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from obstore.store import ObjectStore

    from bondstore.config.profiles import Profile, StoreSpec
    from bondstore.stores.address import Address
    from bondstore.stores.retry import RetryRule

# What a client is for decides how it waits.
#   read:  tries again by itself for a few seconds only; the rest is spent in Python, where Ctrl-C is heard.
#   list:  has all the patience, because only it knows the token of the next page.
#   write: the same, since a stream of parts cannot be played twice; one part may take long over a slow line.
#   once:  never tries again by itself: a conditional put that did go through would then find itself in the way.
Role = Literal["read", "list", "write", "once"]

PART = 8 * 1024 * 1024
_READ_PATIENCE = 4.0
_SLOWEST_LINE = 64 * 1024  # bytes a second that an upload must make
_WHOLE_REQUEST = timedelta(
    days=1
)  # obstore limits the whole body to 30 s by default; ours is a limit on standing still
_IDLE = timedelta(seconds=20)  # older idle connections may have died in a laptop's sleep

_ROLE_VARIABLES = (
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)

_memory_stores: dict[str, ObjectStore] = {}
_lock = threading.Lock()


def build_client(spec: StoreSpec, rule: RetryRule, role: Role) -> ObjectStore:
    """Open an obstore client.

    Parameters
    ----------
    spec : StoreSpec
        Address and profile.
    rule : RetryRule
        Time-outs and patience.
    role : {"read", "list", "write", "once"}
        What it is for.

    Raises
    ------
    ConfigurationError, CredentialsError
        When the profile's secrets cannot be had.
    NotFoundError
        When a local folder to read from does not exist.
    """
    address = parse_address(spec.url)
    if address.kind == "memory":
        return _memory(address.place)
    if address.kind == "file":
        return _local(address.place, create=role in {"write", "once"})
    profile = spec.profile
    with _without_proxy(endpoint_host(address, profile), active=profile.proxy == "none"):
        options = _connection(profile, rule, role)
        return _s3(address, profile, options) if address.kind == "s3" else _azure(address, profile, options)


def endpoint_url(address: Address, profile: Profile) -> str:
    """Return the address that requests go to, without the bucket in the path."""
    if profile.endpoint:
        return profile.endpoint.rstrip("/")
    if address.kind == "az":
        return f"https://{profile.account or 'account'}.blob.core.windows.net"
    region = profile.region or "us-east-1"
    china = ".cn" if region.startswith("cn-") else ""
    if profile.uses_path_style(address.place):
        return f"https://s3.{region}.amazonaws.com{china}"
    return f"https://{address.place}.s3.{region}.amazonaws.com{china}"


def endpoint_host(address: Address, profile: Profile) -> str:
    """Return the host that requests go to."""
    return urlsplit(endpoint_url(address, profile)).hostname or ""


def _memory(name: str) -> ObjectStore:
    from obstore.store import MemoryStore

    with _lock:
        if name not in _memory_stores:
            _memory_stores[name] = MemoryStore()
        return _memory_stores[name]


def _local(folder: str, *, create: bool) -> ObjectStore:
    from pathlib import Path

    from obstore.store import LocalStore

    if not create and not Path(folder).is_dir():
        raise NotFoundError(f"There is no folder {folder}.", hint="Check the path behind file://.")
    return LocalStore(folder, mkdir=create)


def _connection(profile: Profile, rule: RetryRule, role: Role) -> dict[str, Any]:
    stall = rule.stall_timeout
    if role in {"write", "once"}:
        # The stall clock of an upload starts with the request and stops at the answer: leave time for a whole part.
        stall += PART / _SLOWEST_LINE
    patience = {"read": min(_READ_PATIENCE, rule.patience), "once": 0.0}.get(role, rule.patience)
    return {
        "client_options": {
            "allow_http": profile.uses_http(),
            "connect_timeout": timedelta(seconds=rule.connect_timeout),
            "read_timeout": timedelta(seconds=stall),
            "timeout": _WHOLE_REQUEST,
            "pool_idle_timeout": _IDLE,
            "user_agent": "bondstore",
        },
        "retry_config": rule.inside(patience),
    }


def _s3(address: Address, profile: Profile, options: dict[str, Any]) -> ObjectStore:
    from obstore.store import S3Store

    from bondstore.config.credentials import credentials

    path_style = profile.uses_path_style(address.place)
    config: dict[str, Any] = {
        "region": profile.region or "us-east-1",
        "virtual_hosted_style_request": not path_style,
        "skip_signature": profile.anonymous,
        "disable_bulk_delete": True,  # one key at a time is all we delete, and not every server has the bulk call
    }
    if profile.endpoint:
        config["endpoint"] = _with_bucket(profile.endpoint, address.place, path_style=path_style)
    if profile.checksums == "always" or (profile.checksums == "auto" and not profile.endpoint):
        config["checksum_algorithm"] = "SHA256"
    found = credentials(profile)
    if found is not None:
        config["access_key_id"] = found.access_key
        config["secret_access_key"] = found.secret.reveal()
        if found.token is not None:
            config["session_token"] = found.token.reveal()
    elif not profile.anonymous and not _may_have_role(profile):
        raise CredentialsError(
            f"No credentials were found for {address.url}.",
            hint="Name them in a profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    return S3Store(address.place, prefix=address.prefix or None, config=config, **options)  # type: ignore[arg-type]


def _may_have_role(profile: Profile) -> bool:
    """Say whether this machine itself may have credentials: a container's, a web identity's or an EC2 instance's."""
    if any(os.environ.get(name) for name in _ROLE_VARIABLES):
        return True
    disabled = os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
    return profile.endpoint is None and not disabled


def _with_bucket(endpoint: str, bucket: str, *, path_style: bool) -> str:
    """Put the bucket into the host name where the style asks for it: obstore leaves that to its caller."""
    endpoint = endpoint.rstrip("/")
    parts = urlsplit(endpoint)
    if path_style or (parts.hostname or "").startswith(f"{bucket}."):
        return endpoint
    return f"{parts.scheme}://{bucket}.{parts.netloc}{parts.path}"


def _azure(address: Address, profile: Profile, options: dict[str, Any]) -> ObjectStore:
    from obstore.store import AzureStore

    from bondstore.config.credentials import azure_key, azure_sas

    config: dict[str, Any] = {"skip_signature": profile.anonymous}
    if profile.account:
        config["account_name"] = profile.account
    if profile.endpoint:
        config["endpoint"] = profile.endpoint.rstrip("/")
    key, sas = azure_key(profile), azure_sas(profile)
    if key is not None:
        config["account_key"] = _base64(key.reveal())
    elif sas is not None:
        config["sas_key"] = sas.reveal().removeprefix("?")
    return AzureStore(address.place, prefix=address.prefix or None, config=config, **options)  # type: ignore[arg-type]


def _base64(key: str) -> str:
    """Check an Azure key here: the error of obstore would quote it."""
    import base64
    import binascii

    try:
        base64.b64decode(key, validate=True)
    except binascii.Error:
        raise CredentialsError(
            "The Azure account key is not valid base64.", hint="Copy it again from the storage account's access keys."
        ) from None
    return key


@contextmanager
def _without_proxy(host: str, *, active: bool) -> Iterator[None]:
    """Name a host in NO_PROXY while a client is built: it reads the variables then, and has no other switch."""
    if not active:
        yield
        return
    with _lock:
        before = {name: os.environ.get(name) for name in ("NO_PROXY", "no_proxy")}
        listed = [part for value in before.values() if value for part in value.split(",")]
        for name in before:
            os.environ[name] = ",".join(dict.fromkeys([*listed, host]))
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
