"""Containers of Azure's Blob Storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bondstore.config.credentials import azure_key, azure_sas
from bondstore.errors import ConfigurationError, CredentialsError
from bondstore.stores.address import Address, Client, CredentialsFound, Role, StoreKind, register
from bondstore.stores.redirects import bound_to
from bondstore.stores.remote import client_options, own_environment

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.stores.retry import RetryRule


class AzureKind(StoreKind):
    """``az://container/prefix``."""

    schemes = ("az",)
    example = "az://container/prefix"
    rank = 2
    holder = "container"
    ignores_offset = True  # Azure's own parameter for it is newer than some servers
    hides_objects = True
    has_odd_keys = True
    has_classes = True
    has_parts = True

    def endpoint(self, address: Address, profile: Profile) -> str:  # noqa: ARG002 - one host for all containers
        """Return the profile's endpoint, else Azure's own for the account."""
        if profile.endpoint:
            return profile.endpoint.rstrip("/")
        return f"https://{profile.account or 'account'}.blob.core.windows.net"

    def client(self, address: Address, profile: Profile, rule: RetryRule, role: Role) -> Client:
        """Open a container by account key, shared access signature, or without credentials."""
        from obstore.store import AzureStore

        if not profile.account and not profile.endpoint:
            raise ConfigurationError(
                f"No storage account is named for {address.url}.",
                hint="Add account = NAME to the profile, or set AZURE_STORAGE_ACCOUNT or "
                "AZURE_STORAGE_CONNECTION_STRING.",
            )
        if role == "odd":
            from bondstore.stores.kinds.az.extra import OddBlobs

            return OddBlobs(address, profile, rule)
        if role == "archive":
            from bondstore.stores.kinds.az.archive import ArchivedBlobs

            return ArchivedBlobs(address, profile, rule)
        if role == "parts":
            from bondstore.stores.kinds.az.parts import BlockUploads

            return BlockUploads(address, profile, rule)
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
        options = client_options(profile, rule, role)
        by_role = not profile.anonymous and key is None and sas is None
        options["client_options"] |= bound_to(self.endpoint(address, profile), profile, by_role=by_role)
        with own_environment("AZURE"):
            return AzureStore(address.place, prefix=address.prefix or None, config=config, **options)  # type: ignore[arg-type]

    def resumes(self, profile: Profile) -> bool:
        """Say no where a role of this machine opens the container: blocks are put by requests that it cannot sign."""
        return profile.anonymous or azure_key(profile) is not None or azure_sas(profile) is not None

    def find_credentials(self, profile: Profile) -> CredentialsFound:
        """Look for an account and its key or signature."""
        if not profile.account and not profile.endpoint:
            return CredentialsFound("The storage account is not named.", "--account NAME")
        if azure_key(profile) or azure_sas(profile):
            return CredentialsFound("Found for the storage account.")
        return CredentialsFound("There are none.", "--account-key env:NAME")


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


register(AzureKind())
