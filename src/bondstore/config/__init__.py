"""Profiles, the project's ``bondstore.toml``, and secrets by reference."""

from bondstore.config.credentials import Credentials, azure_key, azure_sas, credentials
from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.resolve import resolve_key, resolve_store, resolve_study
from bondstore.config.secrets import Secret, SecretRef
from bondstore.config.settings import list_profiles, load_profile, remove_profile, save_profile

__all__ = [
    "Credentials",
    "Profile",
    "Secret",
    "SecretRef",
    "StoreSpec",
    "azure_key",
    "azure_sas",
    "credentials",
    "list_profiles",
    "load_profile",
    "remove_profile",
    "resolve_key",
    "resolve_store",
    "resolve_study",
    "save_profile",
]
