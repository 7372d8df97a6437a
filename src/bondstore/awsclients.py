"""boto3 clients with Bondstore's own settings: endpoint, region, credentials by reference, bounded patience."""

from __future__ import annotations

import os
import ssl
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bondstore.config import aws_files
from bondstore.config.credentials import credentials
from bondstore.config.profiles import check_endpoint
from bondstore.config.settings import load_profile
from bondstore.errors import (
    BondstoreError,
    ConfigurationError,
    CredentialsError,
    MissingExtraError,
    NotFoundError,
    StoreError,
    TransientStoreError,
    UnreachableError,
)

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile

INSTALL = "pip install 'bondstore[aws]'"
_READ_TIMEOUT = 30.0
# where systems keep them that Python's own OpenSSL was not built for; the list is that of Go's crypto/x509
_AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_ATTEMPTS = 8
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_REFUSED = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_MISSING = {
    "AWS.SimpleQueueService.NonExistentQueue",
    "NotFoundException",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
    "TableNotFoundException",
}
_PASSING = {
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
}


def aws_client(service: str, profile: Profile | None = None, *, region: str | None = None) -> Any:
    """Open a boto3 client, such as for ``dynamodb`` or ``sesv2``, with the settings that hold here and now by default.

    Raises
    ------
    ConfigurationError
        No region is named.
    CredentialsError
        A reference to credentials leads nowhere.
    MissingExtraError
        boto3 is not installed.
    """
    profile = profile or load_profile()
    endpoint = endpoint_of(service, profile)
    region = region or profile.region
    if region is None and endpoint is None:
        hint = "Set AWS_REGION, or region in the profile." if profile.is_used else "Set AWS_REGION."
        raise ConfigurationError(f"No region is named for {service}.", hint=hint)
    if (urlsplit(endpoint or "").hostname or "") in _LOOPBACK:
        profile = replace(profile, proxy="none")
    return build_client(
        service,
        profile,
        endpoint,
        region,
        connect_timeout=profile.connect_timeout,
        read_timeout=max(_READ_TIMEOUT, profile.stall_timeout),
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS if profile.retries else 1},
    )


def build_client(
    service: str, profile: Profile, endpoint: str | None, region: str | None, *, raw_times: bool = False, **options: Any
) -> Any:
    """Build a boto3 client that follows a profile; times may stay texts; `options` are those of botocore's `Config`."""
    try:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session
    except ImportError:
        raise MissingExtraError(f"boto3, which speaks to {service}, is not installed.", hint=INSTALL) from None
    found = credentials(profile)
    if profile.proxy == "none":
        options["proxies"] = {}
    config = Config(
        # Newer boto3 adds checksums to every request; not every server of the kind understands them.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        user_agent_extra="bondstore",
        **options,
    )
    session = Session(profile=profile.aws_profile)
    session.register_component("data_loader", _loader())
    if raw_times:  # boto3's reading of times takes longer than all else of a listing
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    signed: dict[str, Any] = {}
    if found is not None:
        signed = {"aws_access_key_id": found.access_key, "aws_secret_access_key": found.secret.reveal()}
        if found.token is not None:
            signed["aws_session_token"] = found.token.reveal()
    bundle = aws_files.ca_bundle(profile.aws_profile)
    trusted = str(bundle) if bundle else _system_authorities()
    try:
        return session.create_client(
            service, region_name=region or "us-east-1", endpoint_url=endpoint, verify=trusted, config=config, **signed
        )
    except BotoCoreError as raised:
        raise ConfigurationError(
            f"boto3 refuses a setting of its own ({type(raised).__name__}).",
            hint="Check the variables that begin with AWS_ (such as AWS_RETRY_MODE), and ~/.aws/config.",
        ) from None


def _system_authorities() -> str | None:
    """Return the system's file of authorities: boto3 trusts a list of its own, which lacks a hospital's."""
    named = ssl.get_default_verify_paths().cafile  # or what SSL_CERT_FILE names
    return named or next((path for path in _AUTHORITIES if Path(path).is_file()), None)


@cache
def _loader() -> Any:
    """Return what reads boto3's descriptions of services: a tenth of a second each, once is enough."""
    from botocore.loaders import create_loader

    return create_loader()


def endpoint_of(service: str, profile: Profile) -> str | None:
    """Return the endpoint of a service, the profile's unless that was named for S3 alone; None leaves it to boto3."""
    name = service.upper().replace("-", "_")
    for variable in (f"AWS_ENDPOINT_URL_{name}", "AWS_ENDPOINT_URL"):
        value = os.environ.get(variable, "").strip()
        if value:
            return check_endpoint(value, variable)
    source = profile.source_of("endpoint")
    if source == "AWS_ENDPOINT_URL_S3" or source.startswith(str(aws_files.config_path())):
        return None
    return profile.endpoint


def failures() -> tuple[type[Exception], ...]:
    """Return the classes of exceptions that a boto3 client raises."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def code_of(raised: BaseException) -> str:
    """Return the server's code of a failure; empty where no server spoke."""
    answer = getattr(raised, "response", None)
    if not isinstance(answer, dict):
        return ""
    # SeaweedFS answers what it refuses of IAM in the form of S3, where the code is not inside an Error.
    return str(answer.get("Error", {}).get("Code") or answer.get("Code", ""))


def understand(raised: BaseException, place: str) -> BondstoreError:
    """Map an exception of boto3 onto our errors; its text may quote what was sent, and is left out."""
    code = code_of(raised)
    if code:
        status = int(raised.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))  # type: ignore[attr-defined]
        return _by_code(code, status, place)
    kind = type(raised).__name__
    if kind in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound"):
        return CredentialsError(
            f"No credentials were found for {place}.",
            hint="Name them in a profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    if kind in ("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError"):
        return UnreachableError(
            f"{place} gives no answer.",
            hint='Check the endpoint and the network; behind a proxy, a private endpoint needs proxy = "none".',
        )
    if kind in ("ConnectionClosedError", "ReadTimeoutError", "HTTPClientError", "ResponseStreamingError"):
        return TransientStoreError(f"The connection to {place} broke.", hint="Run the same command again.")
    return StoreError(f"{place} failed ({kind}).")


def _by_code(code: str, status: int, place: str) -> BondstoreError:
    if code in _REFUSED or status in (401, 403):
        return CredentialsError(f"{place} refused ({code}).", hint="Check the credentials and their permissions.")
    if code in _MISSING:
        return NotFoundError(f"There is no {place}.", hint="Check the name, the region and the endpoint.")
    if code in _PASSING or status >= 500:
        return TransientStoreError(f"{place} is too busy ({code}).", hint="Run the same command again.")
    return StoreError(f"{place} failed ({code}).")
