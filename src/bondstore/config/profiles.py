"""Profiles: named settings to open stores. They hold references to secrets, never secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from bondstore.config.secrets import SecretRef

Proxy = Literal["environment", "none"]
Checksums = Literal["auto", "when_required", "always"]
Plaintext = Literal["allowed", "forbidden"]

_DNS_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Profile:
    """Settings to open stores. Picklable, and without any secret value.

    Parameters
    ----------
    name : str
        What it is called by ``--profile``.
    url : str, optional
        The store that is opened when none is named.
    endpoint : str, optional
        ``http(s)://host[:port]`` of an S3 or Azure service other than the provider's own.
    region : str, optional
        The S3 region.
    access_key, secret_key, session_token : SecretRef, optional
        References to the S3 credentials.
    anonymous : bool
        Send unsigned requests.
    aws_profile : str, optional
        A profile of ``~/.aws`` to take credentials and region from.
    path_style : bool, optional
        Put the bucket into the path, not the host name. ``None`` decides by endpoint and bucket.
    proxy : {"environment", "none"}
        Follow the proxy variables, or never use a proxy.
    checksums : {"auto", "when_required", "always"}
        Whether uploads carry an additional checksum; ``auto`` does so at AWS only.
    read_only : bool
        Refuse every write.
    plaintext : {"allowed", "forbidden"}
        Whether decrypted data may be written to a disk.
    allow_http : bool, optional
        Allow unencrypted connections. ``None`` allows them when the endpoint starts with ``http://``.
    account : str, optional
        The Azure storage account.
    account_key, sas : SecretRef, optional
        References to the Azure credentials.
    decryption_key : SecretRef, optional
        Reference to the study's key.
    study : str, optional
        The study that is meant when none is named.
    connect_timeout : float
        Seconds to wait for a connection.
    stall_timeout : float
        Seconds a transfer may stand still before it is tried again.
    retries : int
        How many times a request is tried again.
    sources : tuple of (str, str)
        Which setting came from where (``("endpoint", "AWS_ENDPOINT_URL")``), for people; not compared.
    """

    name: str = "default"
    url: str | None = None
    endpoint: str | None = None
    region: str | None = None
    access_key: SecretRef | None = None
    secret_key: SecretRef | None = None
    session_token: SecretRef | None = None
    anonymous: bool = False
    aws_profile: str | None = None
    path_style: bool | None = None
    proxy: Proxy = "environment"
    checksums: Checksums = "auto"
    read_only: bool = False
    plaintext: Plaintext = "allowed"
    allow_http: bool | None = None
    account: str | None = None
    account_key: SecretRef | None = None
    sas: SecretRef | None = None
    decryption_key: SecretRef | None = None
    study: str | None = None
    connect_timeout: float = 10.0
    stall_timeout: float = 30.0
    retries: int = 5
    sources: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)

    def uses_path_style(self, bucket: str) -> bool:
        """Tell whether the bucket goes into the path of a request.

        Parameters
        ----------
        bucket : str
            The bucket's name. Capitals, underscores and dots cannot stand in a host name under one certificate.
        """
        if self.path_style is not None:
            return self.path_style
        return self.endpoint is not None or not _DNS_BUCKET.fullmatch(bucket)

    def uses_http(self) -> bool:
        """Tell whether unencrypted connections are allowed."""
        if self.allow_http is not None:
            return self.allow_http
        return self.endpoint is not None and self.endpoint.lower().startswith("http://")

    def source_of(self, setting: str) -> str:
        """Say where a setting came from: a variable, a file, or ``default``."""
        return dict(self.sources).get(setting, "default")


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """All that a worker needs to open a store. Picklable, and without any secret value.

    Parameters
    ----------
    url : str
        ``s3://bucket/prefix``, ``az://container/prefix``, ``file:///folder`` or ``memory://name``.
    profile : Profile
        The settings to open it with.
    """

    url: str
    profile: Profile = field(default_factory=Profile)
