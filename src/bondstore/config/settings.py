"""Profiles put together: flag, then environment, then ``bondstore.toml`` of the project, then the user's file.

A profile that is named (by flag or ``BONDSTORE_PROFILE``) stands above the guide's and the AWS variables, which
then only fill what it leaves open. A profile that a file names by default stands below them. Credentials are taken
from one place as a whole, never half from one and half from another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bondstore.config import aws_files, environment, files, schema
from bondstore.config.environment import Layer
from bondstore.config.profiles import Profile
from bondstore.errors import ConfigurationError, NotFoundError, UsageError

GROUPS = (
    frozenset({"access_key", "secret_key", "session_token", "anonymous", "aws_profile"}),
    frozenset({"account_key", "sas"}),
)
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """One profile as it stands in a file.

    Parameters
    ----------
    name : str
        Its name.
    path : Path
        The file it is read from.
    default : bool
        Whether it is used when none is named.
    settings : dict
        What it says; secrets as references.
    """

    name: str
    path: Path
    default: bool
    settings: dict[str, Any]


def load_profile(name: str | None = None, *, url: str | None = None) -> Profile:
    """Put together the profile that holds here and now.

    Parameters
    ----------
    name : str, optional
        A profile's name; else ``BONDSTORE_PROFILE``, else the files' default, else one called ``default``, else none.
    url : str, optional
        The store that will be opened; it decides whether the AWS settings have a say.

    Returns
    -------
    Profile
        With `Profile.sources` saying where each setting came from.

    Raises
    ------
    NotFoundError
        When the named profile is in no file.
    ConfigurationError
        When a file or variable cannot be understood.
    """
    opened = _files()
    chosen = name or environment.profile_name()
    fallback = next((file.default_profile for file in opened if file.default_profile), None)
    wanted = chosen or fallback or DEFAULT
    entry = _find(opened, wanted)
    if entry is None and (chosen or fallback):
        raise _no_profile(wanted, opened)
    own, settings = environment.own(), _layer(entry)
    tops = [_top(file) for file in opened]
    if name:
        layers = [settings, own]
    elif chosen:
        layers = [own, settings]
    else:
        layers = [own]
    layers += [environment.guide(), environment.standard(), *tops]
    if not chosen:
        # below the head of its own file, above that of the user's when the project's file holds it
        place = len(layers) - len(tops)
        place += next((i + 1 for i, file in enumerate(opened) if entry and file.path == entry.path), len(tops))
        layers.insert(place, settings)
    return _merge(wanted, layers, url)


def list_profiles() -> list[ProfileEntry]:
    """List every profile in the files, by name; one in the project's file hides the user's of the same name."""
    opened = _files()
    chosen = environment.profile_name() or next(
        (file.default_profile for file in opened if file.default_profile), DEFAULT
    )
    names = sorted({name for file in opened for name in file.profiles})
    entries = [_find(opened, name) for name in names]
    return [dataclasses.replace(entry, default=entry.name == chosen) for entry in entries if entry]


def describe_profile(name: str | None = None) -> list[dict[str, Any]]:
    """List the settings that hold here and now, defaults included, each with the place it comes from.

    Parameters
    ----------
    name : str, optional
        As in `load_profile`.

    Returns
    -------
    list of dict
        ``setting``, ``value`` (secrets as references) and ``source``.
    """
    profile = load_profile(name)
    rows: list[dict[str, Any]] = [{"kind": "setting", "setting": "name", "value": profile.name, "source": ""}]
    for field in dataclasses.fields(Profile):
        value = getattr(profile, field.name)
        if field.name not in ("name", "sources") and (value is not None or field.name == "path_style"):
            rows.append(
                {
                    "kind": "setting",
                    "setting": field.name,
                    "value": "auto" if value is None else value,
                    "source": profile.source_of(field.name),
                }
            )
    return rows


def check_profile_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Check settings given one by one, such as on a command line; references may be parsed already.

    Raises
    ------
    UsageError
        For a value of the wrong kind.
    """
    try:
        return schema.check_profile(
            {name: str(value) if name in schema.REFERENCES else value for name, value in settings.items()}, "profile"
        )
    except ConfigurationError as error:
        raise UsageError(error.message, hint=error.hint) from None


def save_profile(profile: Profile, *, replace: bool = False, default: bool = False, dry_run: bool = False) -> Path:
    """Write a profile to the user's file.

    Parameters
    ----------
    profile : Profile
        What to write; only settings that differ from the defaults are.
    replace : bool
        Overwrite a profile of the same name.
    default : bool
        Use it when none is named.
    dry_run : bool
        Only check that it could be written.

    Returns
    -------
    Path
        The file written, mode 0600.

    Raises
    ------
    ConfigurationError
        When there is one of that name already, or the file cannot be written.
    """
    schema.check_name(profile.name)
    path = files.user_path()
    if profile.name in files.read(path).profiles and not replace:
        raise ConfigurationError(
            f"There is a profile {profile.name!r} already, in {path}.",
            hint="Add --replace (replace=True) to overwrite it, or choose another name.",
        )
    settings = differing(profile)
    check_profile_settings(settings)
    if not dry_run:
        files.write_profile(path, profile.name, settings, default=default)
    return path


def own_settings(name: str) -> dict[str, Any]:
    """Return what the user's file says of a profile; nothing when it has none of that name."""
    return dict(files.read(files.user_path()).profiles.get(name, {}))


def remove_profile(name: str) -> Path:
    """Take a profile out of the user's file, which is returned. Raises as `find_own` does."""
    path = find_own(name)
    files.write_profile(path, name, None)
    return path


def find_own(name: str) -> Path:
    """Return the user's file when it holds the profile.

    Raises
    ------
    NotFoundError
        When the user's file has no such profile; a project's file is edited by hand.
    """
    path = files.user_path()
    if name not in files.read(path).profiles:
        opened = _files()
        entry = _find(opened, name)
        if entry is not None:
            raise NotFoundError(
                f"The profile {name!r} is not in your own file but in {entry.path}.",
                hint=f"Edit that file by hand: the profile is the table [profile.{name}].",
            )
        raise _no_profile(name, opened)
    return path


def differing(profile: Profile) -> dict[str, Any]:
    """Return the settings of a profile that are not the defaults, in the order of `Profile`'s fields."""
    return {
        field.name: getattr(profile, field.name)
        for field in dataclasses.fields(Profile)
        if field.name not in ("name", "sources") and getattr(profile, field.name) != field.default
    }


def _files() -> list[files.SettingsFile]:
    project = files.project_path()
    paths = ([project] if project else []) + [files.user_path()]
    return [files.read(path) for path in paths]


def _find(opened: list[files.SettingsFile], name: str) -> ProfileEntry | None:
    # whole profiles, never merged: a project's file must not bend the user's credentials to its own endpoint
    for file in opened:
        if name in file.profiles:
            return ProfileEntry(name, file.path, False, file.profiles[name])
    return None


def _no_profile(name: str, opened: list[files.SettingsFile]) -> NotFoundError:
    known = ", ".join(sorted({known for file in opened for known in file.profiles}))
    hint = f"Known: {known}." if known else f"Run: bondstore profile add {name} --url s3://BUCKET"
    return NotFoundError(f"There is no profile {name!r}.", hint=hint)


def _layer(entry: ProfileEntry | None) -> Layer:
    if entry is None:
        return {}
    where = f"{entry.path} [profile.{entry.name}]"
    return {name: (value, where) for name, value in entry.settings.items()}


def _top(file: files.SettingsFile) -> Layer:
    return {name: (value, str(file.path)) for name, value in file.top.items()}


def _merge(name: str, layers: list[Layer], url: str | None) -> Profile:
    merged: Layer = {}
    for layer in layers:
        taken = {name for group in GROUPS if any(merged.get(n, (None,))[0] for n in group) for name in group}
        for setting, found in layer.items():
            if setting not in merged and setting not in taken:
                merged[setting] = found
    scheme = (url or merged.get("url", ("",))[0] or "s3").partition(":")[0].lower()
    if scheme == "s3":
        aws = merged.get("aws_profile")
        # keys that come by reference do not bring the region of an unrelated AWS profile along
        if aws or "access_key" not in merged:
            for setting, found in aws_files.settings(aws[0] if aws else None).items():
                merged.setdefault(setting, found)
    elif merged.get("endpoint", ("", ""))[1].startswith("AWS_"):
        del merged["endpoint"]
    sources = tuple((setting, where) for setting, (_, where) in merged.items())
    return Profile(name=name, sources=sources, **{setting: value for setting, (value, _) in merged.items()})
