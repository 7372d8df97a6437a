"""Late resolution of S3 and Azure credentials: secrets are fetched where a store is opened, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.config.aws_files import Credentials, static_keys
from bondstore.errors import CredentialsError

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.config.secrets import Secret, SecretRef

__all__ = ["Credentials", "azure_key", "azure_sas", "credentials"]


def credentials(profile: Profile) -> Credentials | None:
    """Fetch the S3 credentials of a profile.

    None for an anonymous one, and when nothing is configured anywhere: then only the machine's own role (instance or
    container metadata) is left to try.
    """
    if profile.anonymous:
        return None
    if profile.access_key is not None or profile.secret_key is not None:
        key = _half(profile.access_key, profile, "access_key")
        secret = _half(profile.secret_key, profile, "secret_key")
        token = profile.session_token.resolve() if profile.session_token is not None else None
        return Credentials(key.reveal().strip(), secret, token, profile.source_of("access_key"))
    return static_keys(profile.aws_profile)


def azure_key(profile: Profile) -> Secret | None:
    """Fetch the Azure account key of a profile, or ``None`` when it has none."""
    return profile.account_key.resolve() if profile.account_key is not None else None


def azure_sas(profile: Profile) -> Secret | None:
    """Fetch the Azure shared access signature of a profile, or ``None`` when it has none."""
    return profile.sas.resolve() if profile.sas is not None else None


def _half(ref: SecretRef | None, profile: Profile, name: str) -> Secret:
    if ref is None:
        raise CredentialsError(
            f"The profile {profile.name!r} has only one half of its credentials: {name} is missing.",
            hint=f'Set {name} by reference, such as {name} = "env:NAME".',
        )
    return ref.resolve()
