"""Buckets of Amazon S3 and of all servers that speak its protocol."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bondstore.config import aws_files
from bondstore.config.credentials import Credentials, credentials
from bondstore.errors import CredentialsError
from bondstore.stores.address import Address, Client, CredentialsFound, Role, StoreKind, register
from bondstore.stores.redirects import bound_to
from bondstore.stores.remote import client_options, own_environment

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.stores.retry import RetryRule

_ROLES = (
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
_ROLE_VARIABLES = (
    *_ROLES,
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IMDSV1_FALLBACK",
    "AWS_METADATA_ENDPOINT",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
)


class S3Kind(StoreKind):
    """``s3://bucket/prefix``."""

    schemes = ("s3", "s3a")
    example = "s3://bucket/prefix"
    rank = 1
    speaks_s3 = True
    has_odd_keys = True
    has_parts = True
    copies_parts = True
    may_encrypt = True
    has_classes = True

    def endpoint(self, address: Address, profile: Profile) -> str:
        """Return the profile's endpoint, else that of AWS for the region and the bucket."""
        if profile.endpoint:
            return profile.endpoint.rstrip("/")
        region = profile.region or "us-east-1"
        china = ".cn" if region.startswith("cn-") else ""
        bucket = "" if profile.uses_path_style(address.place) else f"{address.place}."
        return f"https://{bucket}s3.{region}.amazonaws.com{china}"

    def has_md5(self, address: Address) -> bool:
        """Directory buckets (S3 Express) have ETags of their own, which say nothing of the content."""
        return not address.place.endswith("--x-s3")

    def front(self, address: Address, profile: Profile) -> str:
        """Return the bucket's URL, by its path or by its host."""
        bucket = address.place if profile.uses_path_style(address.place) else ""
        return f"{_endpoint(address, profile)}/{bucket}"

    def authorities(self, profile: Profile) -> str | None:
        """Return what `AWS_CA_BUNDLE` or `~/.aws/config` names."""
        bundle = aws_files.ca_bundle(profile.aws_profile)
        return str(bundle) if bundle else None

    def is_ordered(self, profile: Profile) -> bool:
        """AWS is; other servers have orders of their own (one puts ``/`` before all else)."""
        return profile.endpoint is None

    def client(self, address: Address, profile: Profile, rule: RetryRule, role: Role) -> Client:
        """Open a bucket; odd keys, archived objects and uploads that can be resumed are for boto3."""
        if role == "odd":
            from bondstore.stores.kinds.s3.emptiness import Emptiness
            from bondstore.stores.kinds.s3.extra import OddKeys

            _signing(address, profile)  # raises where there is nothing to sign with
            emptiness = Emptiness(self.front(address, profile), profile, rule, self.authorities(profile))
            return OddKeys(address, profile, rule, emptiness)
        if role == "archive":
            from bondstore.stores.kinds.s3.archive import ArchivedObjects

            _signing(address, profile)
            return ArchivedObjects(address, profile, rule)
        if role == "parts":
            from bondstore.stores.kinds.s3.parts import MultipartUploads

            _signing(address, profile)
            checked = _sends_checksums(profile)
            etags = self.has_md5(address) and profile.etags != "opaque"
            return MultipartUploads(address, profile, rule, has_checksums=checked, has_md5=etags)
        from obstore.store import S3Store

        options = client_options(profile, rule, role)
        if bundle := aws_files.ca_bundle(profile.aws_profile):
            options["client_options"]["root_certificate"] = bundle.read_bytes()
        config = _config(address, profile)
        keep = () if profile.anonymous or "access_key_id" in config else _ROLE_VARIABLES
        options["client_options"] |= bound_to(_endpoint(address, profile), profile, by_role=bool(keep))
        with own_environment("AWS", keep=keep):
            return S3Store(address.place, prefix=address.prefix or None, config=config, **options)  # type: ignore[arg-type]

    def find_credentials(self, profile: Profile) -> CredentialsFound:
        """Look for an access key, or for a role that this machine may have."""
        pair = credentials(profile)
        setting = "--access-key env:NAME --secret-key env:NAME"
        if pair is not None:
            kind = " (temporary)" if pair.token is not None else ""
            return CredentialsFound(f"Found in {pair.source or 'the profile'}{kind}.")
        if profile.endpoint:
            return CredentialsFound("There are none.", setting)
        return CredentialsFound("There are none; only a role of this machine could help.", setting, in_doubt=True)


def _endpoint(address: Address, profile: Profile) -> str:
    """Return the URL that obstore's requests go to."""
    endpoint = address.endpoint(profile)
    if not profile.endpoint:
        return endpoint.removesuffix(".cn")  # obstore knows no other ending
    return with_bucket(endpoint, address.place, path_style=profile.uses_path_style(address.place))


def _config(address: Address, profile: Profile) -> dict[str, Any]:
    path_style = profile.uses_path_style(address.place)
    config: dict[str, Any] = {
        "region": profile.region or "us-east-1",
        "virtual_hosted_style_request": not path_style,
        "skip_signature": profile.anonymous,
        "disable_bulk_delete": True,  # one key at a time is all we delete, and not every server has the bulk call
    }
    if profile.endpoint:
        config["endpoint"] = _endpoint(address, profile)
    if _sends_checksums(profile):
        config["checksum_algorithm"] = "SHA256"
    found = _signing(address, profile)
    if found is not None:
        config["access_key_id"] = found.access_key
        config["secret_access_key"] = found.secret.reveal()
        if found.token is not None:
            config["session_token"] = found.token.reveal()
    return config


def _sends_checksums(profile: Profile) -> bool:
    return profile.checksums == "always" or (profile.checksums == "auto" and not profile.endpoint)


def _signing(address: Address, profile: Profile) -> Credentials | None:
    """Return what requests are signed with; None: nothing, or what a role of this machine brings."""
    found = credentials(profile)
    if found is None and not profile.anonymous and not _may_have_role(profile):
        raise CredentialsError(
            f"No credentials were found for {address.url}.",
            hint="Name them in a profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    return found


def _may_have_role(profile: Profile) -> bool:
    """Say whether this machine itself may have credentials: a container's, a web identity's or an EC2 instance's."""
    if any(os.environ.get(name) for name in _ROLES):
        return True
    disabled = os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
    return profile.endpoint is None and not disabled


def with_bucket(endpoint: str, bucket: str, *, path_style: bool) -> str:
    """Put the bucket into the host name where the style asks for it: obstore leaves that to its caller."""
    endpoint = endpoint.rstrip("/")
    parts = urlsplit(endpoint)
    if path_style or (parts.hostname or "").startswith(f"{bucket}."):
        return endpoint
    return f"{parts.scheme}://{bucket}.{parts.netloc}{parts.path}"


register(S3Kind())
