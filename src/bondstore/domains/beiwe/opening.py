"""Opening a Beiwe study from Python: where it lies, which it is, and where its key is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.config.profiles import StoreSpec
from bondstore.config.resolve import resolve_store, resolve_study
from bondstore.domains.beiwe.key import key_reference
from bondstore.domains.beiwe.study import Study
from bondstore.stores import Store, open_store

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.config.secrets import Secret, SecretRef


def open_study(
    store: str | StoreSpec | Store | None = None,
    study: str | None = None,
    *,
    key: str | SecretRef | Secret | None = None,
    profile: str | None = None,
) -> Study:
    """Open a study.

    Parameters
    ----------
    store : str, StoreSpec or Store, optional
        Where it lies, such as ``"s3://bucket"``; else the profile or the environment says so, the Beiwe guide's
        variables included.
    study : str, optional
        The study's id (its folder in the bucket); else the profile's, or ``STUDY_FOLDER``.
    key : str, SecretRef or Secret, optional
        Where the decryption key is kept (``"env:NAME"``, ``"file:/path"``, ``"keyring:service/name"``), or the key
        itself; else the profile's, or ``DECRYPTION_KEY_STRING``. It is needed only to read.
    profile : str, optional
        Named settings to open the store with.

    Returns
    -------
    Study
        Nothing is fetched yet.

    Raises
    ------
    ConfigurationError
        No store or no study is named anywhere.
    """
    spec = store.spec if isinstance(store, Store) else store
    settings: str | Profile | None = profile
    if isinstance(spec, StoreSpec):
        settings = spec.profile
    else:
        spec = resolve_store(spec, profile)
    opened = store if isinstance(store, Store) else open_store(spec)
    return Study(opened, resolve_study(study, spec.profile), key_reference(key, spec), settings)
