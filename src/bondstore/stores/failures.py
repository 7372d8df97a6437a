"""From what obstore and boto3 raise to our own errors, with a hint, and without anything secret.

obstore gives most failures as one class with a long text; that text quotes the server's answer. Only its status, its
error code and a region are taken out of it: the rest may repeat what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bondstore.errors import (
    AlreadyExistsError,
    ArchivedError,
    BondstoreError,
    ChangedError,
    ConfigurationError,
    CredentialsError,
    NoPlaceError,
    NoSpaceError,
    NotFoundError,
    StoreError,
    TransientStoreError,
    UnreachableError,
    UsageError,
    used_up,
)
from bondstore.stores.address import impossible

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile

_STATUS = re.compile(r"Server returned (?:non-2xx status code: |error response: )?(\d{3})?")
_CODE = re.compile(r"<Code>\s*(\w{1,80})\s*</Code>")
_REGION = re.compile(r"(?:<Region>|expecting ')([a-z0-9-]{2,40})(?:</Region>|')")
_PLAIN_REGION = re.compile(r"[a-z0-9-]{2,40}")
_KIND = re.compile(r"kind: (\w+)")
NOWHERE = "127.0.0.1:0"
"""Where requests that a redirect sends to another server end; see `remote.bound_to`."""
_BOTO3_KINDS = {
    "EndpointConnectionError": "Connect",
    "ConnectTimeoutError": "Connect",
    "ProxyConnectionError": "Connect",
    "ReadTimeoutError": "Timeout",
    "ConnectionClosedError": "Interrupted",
    "ResponseStreamingError": "Interrupted",
    "IncompleteReadError": "Interrupted",
    "HTTPClientError": "Interrupted",
    "SSLError": "Interrupted",
}
_OS = re.compile(r"\bcode: (\d+)")

LACKING = "The credentials are known but lack permission"
"""How the hint of an error begins that other credentials would not mend."""
_CREDENTIAL_HINTS = {
    "SignatureDoesNotMatch": "The secret access key does not belong to the access key id: enter both again.",
    "InvalidAccessKeyId": "This server does not know the access key id: check the key and the endpoint.",
    "RequestTimeTooSkewed": "This machine's clock is wrong: set it, with NTP for instance, and try again.",
    "RequestExpired": "This machine's clock is wrong: set it, with NTP for instance, and try again.",
    "ExpiredToken": "The session token has expired: sign in again.",
    "ExpiredTokenException": "The session token has expired: sign in again.",
    "TokenRefreshRequired": "The session token has expired: sign in again.",
    "AuthorizationQueryParametersError": "The access key id is malformed: enter it again.",
    "InvalidToken": "The session token is not valid: sign in again.",
    "AuthenticationFailed": "The account key or signature is wrong, or this machine's clock is.",
    "InvalidAuthenticationInfo": "The account key or signature is wrong, or this machine's clock is.",
    "AccessDenied": f"{LACKING}: ask for list and read on this prefix, and for write and delete where results go.",
    "AuthorizationPermissionMismatch": f"{LACKING} for this.",
    "AuthorizationFailure": f"{LACKING} for this.",
}
_NO_PLACE = {"NoSuchBucket": "bucket", "ContainerNotFound": "container", "InvalidBucketName": "bucket"}
_WRONG_REGION = {"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"}
_PASSING_CODES = {"ConditionalRequestConflict", "OperationAborted", "SlowDown", "RequestTimeout", "ServerBusy"}
_NO_CLASS = {"InvalidStorageClass", "InvalidBlobTier"}
_ARCHIVED = {"InvalidObjectState", "BlobArchived", "BlobBeingRehydrated"}


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure, understood."""

    error: BondstoreError
    passing: bool = False  # another try may help
    code: str = ""  # the server's own


_SETTINGS_OF_PROFILE = (
    (re.compile(r'Set region = "([^"]+)" in the profile\.'), r"Set AWS_REGION to \1."),
    (
        re.compile(r"Set the bucket's region in the profile\."),
        "Set AWS_REGION to the bucket's region.",
    ),
    (re.compile(r"in another region than the profile says"), "in another region than was said"),
    (re.compile(r"Set allow_http = true in the profile, or use an https:// endpoint\."), "Use an https:// endpoint."),
    (
        re.compile(r"Set the endpoint, and the region of the bucket, of that server in the profile\."),
        "Set AWS_ENDPOINT_URL, and AWS_REGION, to those of that server.",
    ),
    (re.compile(r" and the region of the profile\."), " and the region."),
    (re.compile(r": set one in the profile\."), ": set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN."),
)


def for_user_of(profile: Profile, error: BondstoreError) -> BondstoreError:
    """Return an error that speaks of variables to those who use no profile."""
    if profile.is_used:
        return error
    source = profile.source_of("region")
    variable = source if re.fullmatch(r"[A-Z][A-Z0-9_]+", source) else "AWS_REGION"
    for pattern, template in _SETTINGS_OF_PROFILE:
        words = template.replace("AWS_REGION", variable)
        error.message = pattern.sub(words, error.message)
        error.hint = pattern.sub(words, error.hint) if error.hint else error.hint
    return error


@contextmanager
def reading_an_answer() -> Iterator[None]:
    """Take an answer that breaks off, or lacks what it must have, for a broken connection: the next may be whole."""
    from http.client import HTTPException

    try:
        yield
    except (OSError, HTTPException, SyntaxError, LookupError, TypeError, ValueError):  # XML's errors are of syntax
        raise OSError("HTTP error: kind: Interrupted") from None


class Rounds:
    """What tells that a listing goes round: a mark, or the first key of a page, that was there before."""

    # The order of the keys would tell as much, but servers have orders of their own.
    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def is_again(self, first_key: str, mark: str) -> bool:
        """Whether a page was there before; the empty text is none."""
        seen = {pair for pair in (("key", first_key), ("mark", mark)) if pair[1]}
        again = not self._seen.isdisjoint(seen)
        self._seen |= seen
        return again


def no_store(place: str) -> StoreError:
    """Return the error for a page of the web where a listing was asked for."""
    return StoreError(
        f"{place} does not answer as a store: something else came than a listing.", hint="Check the endpoint."
    )


def understand(raised: BaseException, place: str, key: str | None = None) -> Failure:
    """Map an exception of obstore, of boto3 or of the operating system onto our errors, which are not yet raised."""
    if isinstance(raised, BondstoreError):
        return Failure(raised)
    what = f"{place}/{key}" if key else place
    text = str(raised)
    answered = getattr(raised, "response", None)
    if isinstance(answered, dict):
        return _by_boto3(raised, answered, what, place)
    answer = _STATUS.search(text)
    told = text[answer.start() :] if answer else ""
    code = _first(_CODE, told)
    status = int(answer.group(1)) if answer and answer.group(1) else 0
    return (
        _by_class(raised, what, code)
        or (_by_answer(status, code, _first(_REGION, told), what, place) if answer else None)
        or _by_transport(raised, text, what, place)
    )


def _by_boto3(raised: BaseException, answered: dict[str, Any], what: str, place: str) -> Failure:
    """Understand a server's refusal as boto3 gives it: an answer without a body has its status for a code."""
    error = answered.get("Error", {})
    status = int(answered.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = _first(_CODE, f"<Code>{error.get('Code', '')}</Code>")
    code = "" if code.isdigit() else code
    if status == 412:
        return Failure(ChangedError(f"The object {what} is not the version it was."), code=code)
    if 300 <= status < 400:
        code = code or "PermanentRedirect"
    region = _first(_REGION, f"<Region>{error.get('Region', '')}</Region>")
    return (
        _by_class(raised, what, code)
        or _by_answer(status, code, region, what, place)
        or Failure(StoreError(f"The store failed at {what}."), code=code)
    )


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found.group(1) if found else ""


def _by_class(raised: BaseException, what: str, code: str) -> Failure | None:  # noqa: PLR0911 - one line a case
    from obstore import exceptions

    if code in _PASSING_CODES:
        return Failure(TransientStoreError(f"The store was too busy to serve {what}."), passing=True, code=code)
    if isinstance(raised, FileNotFoundError) and code not in _NO_PLACE:
        return Failure(NotFoundError(f"There is no object {what}."), code=code)
    if code in _ARCHIVED:  # Azure's 409, of which obstore says that the object exists
        return Failure(_archived(what), code=code)
    if isinstance(raised, exceptions.AlreadyExistsError):
        return Failure(AlreadyExistsError(f"There is an object {what} already."), code=code)
    if isinstance(raised, exceptions.PreconditionError):
        return Failure(ChangedError(f"The object {what} is not the version it was."), code=code)
    if isinstance(raised, exceptions.NotSupportedError):
        return Failure(StoreError(f"This kind of store cannot do that to {what}."), code=code)
    if isinstance(raised, exceptions.InvalidPathError) or (
        isinstance(raised, ValueError) and "parse path" in str(raised)
    ):
        return Failure(impossible(what))
    return None


def _archived(what: str) -> ArchivedError:
    hint = "Restore it before it is read or replaced: bondstore restore URL"
    return ArchivedError(f"The object {what} is archived.", hint=hint)


def _by_answer(  # noqa: PLR0911 - one line a case
    status: int, code: str, region: str, what: str, place: str
) -> Failure | None:
    if code in _NO_PLACE:
        return Failure(no_place(_NO_PLACE[code], place), code=code)
    if code in _WRONG_REGION:
        hint = f'Set region = "{region}" in the profile.' if region else "Set the bucket's region in the profile."
        return Failure(ConfigurationError(f"{place} is in another region than the profile says.", hint=hint), code=code)
    if 300 <= status < 400:
        return Failure(elsewhere(place), code=code)
    if code in _ARCHIVED:
        return Failure(_archived(what), code=code)
    if code in _NO_CLASS:
        hint = "Choose a class that this server has, or leave it out."
        return Failure(UsageError(f"The server does not know the storage class for {what}.", hint=hint), code=code)
    if code in _CREDENTIAL_HINTS or status in {401, 403}:
        hint = _CREDENTIAL_HINTS.get(code, "Check the access key, the secret and their permissions.")
        reason = f" ({code})" if code else ""
        return Failure(CredentialsError(f"{what} was refused{reason}.", hint=hint), code=code)
    if status == 404:
        return Failure(NotFoundError(f"There is no {what}."), code=code)
    if status in {408, 429} or status >= 500:
        return Failure(TransientStoreError(f"The store answered {status} for {what}."), passing=True, code=code)
    if status:
        reason = f" ({code})" if code else ""
        return Failure(StoreError(f"The store answered {status}{reason} for {what}."), code=code)
    return None


def _by_transport(  # noqa: PLR0911 - one line a case
    raised: BaseException, text: str, what: str, place: str
) -> Failure:
    name = type(raised).__name__
    if (exhausted := used_up(raised)) is not None:
        return Failure(exhausted)
    if f"{NOWHERE}," in text:
        return Failure(elsewhere(place))
    if "169.254.169.254" in text or "169.254.170.2" in text or "Credential" in name:
        hint = "Name them in a profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        return Failure(CredentialsError(f"No credentials were found for {place}.", hint=hint))
    if "InvalidListResponse" in text:
        return Failure(no_store(place))
    if "BareRedirect" in text or "incorrectly configured region" in text:
        hint = "Set the bucket's region in the profile."
        return Failure(ConfigurationError(f"{place} is in another region than the profile says.", hint=hint))
    if "BadScheme" in text:
        hint = "Set allow_http = true in the profile, or use an https:// endpoint."
        return Failure(ConfigurationError(f"The endpoint of {place} is not encrypted.", hint=hint))
    if "certificate" in text.lower() or "UnknownIssuer" in text:
        hint = "Check the endpoint, and whether a proxy stands in between."
        return Failure(UnreachableError(f"The certificate of {place} is not trusted.", hint=hint))
    local = _by_system(raised, text, what)
    if local is not None:
        return local
    kind = _first(_KIND, text) or _BOTO3_KINDS.get(name)
    if kind == "Connect":
        return Failure(unreachable(place), passing=True)
    if kind == "Timeout":
        return Failure(TransientStoreError(f"The transfer of {what} stood still."), passing=True)
    if kind in {"Interrupted", "Request", "Decode"} or "HTTP error" in text:
        return Failure(TransientStoreError(f"The connection broke at {what}."), passing=True)
    if name == "ResponseParserError":
        return Failure(StoreError(f"{place} answers with something else.", hint="Check the endpoint."))
    return Failure(StoreError(f"The store failed at {what} ({name})."))


def _by_system(raised: BaseException, text: str, what: str) -> Failure | None:
    """Understand what a local disk says."""
    if "ConnectError" in text or "hyper" in text or "reqwest" in text:
        return None
    number = raised.errno if isinstance(raised, OSError) and raised.errno else int(_first(_OS, text) or 0)
    if number in {28, 122}:  # ENOSPC, EDQUOT
        return Failure(NoSpaceError(f"No space is left for {what}.", hint="Free some, or choose another place."))
    if number in {1, 13, 30}:  # EPERM, EACCES, EROFS
        return Failure(CredentialsError(f"{what} may not be read or written by this user."))
    if number in {20, 21}:  # ENOTDIR, EISDIR: a folder is no object
        return Failure(NotFoundError(f"There is no object {what}."))
    if number == 36:
        return Failure(UsageError(f"The key of {what} is too long for this disk."))
    return None


def elsewhere(place: str, region: str = "") -> ConfigurationError:
    """Return the error for a server that sends requests on to another one, with the region it names."""
    hint = f'Set region = "{region}" in the profile.' if _PLAIN_REGION.fullmatch(region) else ""
    return ConfigurationError(
        f"{place} sends requests on to another server. No redirect is followed, as requests carry credentials.",
        hint=hint or "Set the endpoint, and the region of the bucket, of that server in the profile.",
    )


def no_place(holder: str, place: str) -> NoPlaceError:
    """Return the error for a bucket that is not there."""
    return NoPlaceError(
        f"There is no {holder} for {place}.",
        hint=f"Check the {holder}'s name, the endpoint and the region of the profile.",
    )


def unreachable(place: str, why: str = "") -> UnreachableError:
    """Return the error for an endpoint that gives no answer."""
    reason = f" ({why})" if why else ""
    return UnreachableError(
        f"{place} gives no answer{reason}.",
        hint='Check the endpoint and the network; behind a proxy, a private endpoint needs proxy = "none".',
    )
