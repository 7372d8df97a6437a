"""From what was said (or not said) to what will be opened: the store, the study and its key."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bondstore.config.profiles import Profile, StoreSpec, check_named, check_place, is_store_url
from bondstore.config.secrets import SecretRef
from bondstore.config.settings import load_profile
from bondstore.errors import ConfigurationError, NotFoundError, UsageError


def resolve_store(store: str | None = None, profile: str | Profile | None = None) -> StoreSpec:
    """Find the store that is meant, a URL or a local folder, and the settings to open it with (see `load_profile`)."""
    url = None if store is None else store_url(store)
    settings = profile if isinstance(profile, Profile) else load_profile(profile, url=url)
    url = url or settings.url
    if url is None:
        raise ConfigurationError(
            "No store is named.",
            hint="Add --store s3://BUCKET or --profile NAME, or set BONDSTORE_STORE or S3_BUCKET.",
        )
    return StoreSpec(store_url(url), settings)


def store_params(spec: StoreSpec) -> dict[str, str]:
    """Return what a run records of its source; `recorded_store` finds it again."""
    return {"store": spec.url, "profile": spec.profile.name}


def recorded_store(params: Mapping[str, Any], profile: str | None = None, *, option: str = "--profile") -> StoreSpec:
    """Find the store that a run recorded by its ``store`` and the name of its ``profile``, or with another profile."""
    try:
        return resolve_store(
            params["store"], profile or (params["profile"] if params["profile"] != "default" else None)
        )
    except NotFoundError as error:
        if profile is not None:
            raise
        # on another machine the same settings may have another name
        hint = f"Name another: {option} NAME. {error.hint}"
        raise NotFoundError(f"{error.message} The run used it.", hint=hint) from error


def resolve_source(place: str | os.PathLike[str] | None, profile: str | Profile | None = None) -> StoreSpec:
    """Find the source that is meant: a folder by any name of it, a store's URL, or what settings say for None."""
    text = None if place is None else check_named(os.fspath(place))
    if text is None or "://" in text:
        return resolve_store(text, profile)
    return resolve_store(str(Path(text).expanduser().absolute()), profile)


def resolve_dest(place: str | os.PathLike[str], profile: str | Profile | None = None) -> StoreSpec:
    """Find the destination that is meant: a folder by any name of it, or a store's URL."""
    text = check_named(os.fspath(place))
    return resolve_store(text if "://" in text else Path(text).expanduser().absolute().as_uri(), profile)


def dest_params(dest: StoreSpec | None) -> dict[str, str]:
    """Return what a run records of its destination: nothing where that is a folder, as its record lies in it."""
    if dest is None or dest.url.startswith("file:"):
        return {}
    return {"dest": dest.url, "dest_profile": dest.profile.name}


def recorded_dest(params: Mapping[str, Any]) -> StoreSpec | None:
    """Find the destination that a run recorded; None where it wrote to the folder that holds its record."""
    if "dest" not in params:
        return None
    store = {"store": params["dest"], "profile": params["dest_profile"]}
    return recorded_store(store, option="--dest-profile")


def with_dest_profile(params: Mapping[str, Any], profile: str | None) -> Mapping[str, Any]:
    """Return what a run recorded, with another profile for its destination, where it recorded one."""
    return {**params, "dest_profile": profile} if profile and "dest_profile" in params else params


def resolve_key(key: SecretRef | str | None = None, profile: str | Profile | None = None) -> SecretRef:
    """Find the reference to the study's key; a key itself is refused."""
    if isinstance(key, SecretRef):
        return key
    if key is not None:
        return SecretRef.parse(key)
    settings = profile if isinstance(profile, Profile) else load_profile(profile)
    if settings.decryption_key is None:
        raise ConfigurationError(
            "No decryption key is named.",
            hint="Add --key env:NAME (or file:/path, prompt:), or set DECRYPTION_KEY_STRING.",
        )
    return settings.decryption_key


def resolve_study(study: str | None = None, profile: str | Profile | None = None) -> str:
    """Find the study that is meant: the name of its folder in the bucket."""
    if study is None:
        settings = profile if isinstance(profile, Profile) else load_profile(profile)
        study = settings.study
    if study is None:
        raise ConfigurationError("No study is named.", hint="Add --study ID, or set STUDY_FOLDER.")
    study = study.strip().strip("/")
    if not study or "/" in study or study in (".", "..") or not study.isprintable():
        raise UsageError(
            "The study is one folder's name in the bucket.", hint="Give its id, normally 24 letters and digits."
        )
    return study


def with_url(spec: StoreSpec, url: str) -> StoreSpec:
    """Return the same settings for another store, such as a sub-folder."""
    return dataclasses.replace(spec, url=store_url(url))


def store_url(text: str) -> str:
    """Check a store's URL; a local folder becomes a ``file://`` one. Credentials in it are refused and not repeated.

    A bare name is a folder where there is one: the name of a bucket, written without ``s3://``, is not taken for a new
    folder.
    """
    text = check_named(text).strip()
    if _is_folder(text) or text.startswith(("/", "./", "../", "~")) or text in (".", ".."):
        return "file://" + quote(str(Path(text).expanduser().resolve()))
    if not is_store_url(text):
        raise UsageError(
            "The store is no URL.",
            hint="Write s3://BUCKET/PREFIX or az://CONTAINER/PREFIX, or name a folder: a new one as ./FOLDER.",
        )
    return check_place(text)


def _is_folder(text: str) -> bool:
    """Whether a text that is no URL names a folder."""
    try:
        return "://" not in text and Path(text).is_dir()
    except (OSError, ValueError):  # a name that is too long, or holds a zero byte
        return False
