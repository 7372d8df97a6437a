"""The profile that holds: flag, then environment, then ``bondstore.toml`` of the project, then the user's file.

Settings of a profile that both files state are put together one by one. A profile that is named (by flag or
``BONDSTORE_PROFILE``) stands above the guide's and the AWS variables, which then only fill what it leaves open. A
profile that a file names by default stands below them. Credentials are taken from one place as a whole, never half
from one and half from another. Guard rails add up.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from bondstore.config import aws_files, environment, files
from bondstore.config.credentials import azure_key, azure_sas, credentials
from bondstore.config.environment import Layer
from bondstore.config.model import fields_of, from_options
from bondstore.config.profiles import Profile, check_name
from bondstore.errors import BondstoreError, ConfigurationError, NotFoundError

GROUPS = (
    frozenset({"access_key", "secret_key", "session_token", "anonymous", "aws_profile"}),
    frozenset({"account_key", "sas"}),
)
GUARD_RAILS = {"read_only": True, "plaintext": "forbidden"}
"""What no place lifts that another one sets."""
DEFAULT = "default"
_AWS_KEY = "AWS_ACCESS_KEY_ID"
_SETTINGS = tuple(one.name for one in fields_of(Profile) if not one.setting.internal)


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """One profile as it stands in a file."""

    name: str
    path: Path
    default: bool
    settings: dict[str, Any]


def load_profile(name: str | None = None, *, url: str | None = None) -> Profile:
    """Put together the profile that holds here and now.

    Without a name it is that of ``BONDSTORE_PROFILE``, else the files' default, else one called ``default``, else none.
    The URL of the store that will be opened decides whether the AWS settings have a say.
    """
    opened = _files()
    chosen = name or environment.profile_name()
    fallback = next((file.default_profile for file in opened if file.default_profile), None)
    wanted = chosen or fallback or DEFAULT
    stated = _stated(opened, wanted)
    if not any(stated) and (chosen or fallback) and _find(opened, wanted) is None:
        raise _no_profile(wanted, opened)
    own, tops = environment.own(), [_top(file) for file in opened]
    if name:
        layers = [*stated, own]
    elif chosen:
        layers = [own, *stated]
    else:
        layers = [own]
    layers += [environment.guide(), environment.standard()]
    for top, settings in zip(tops, stated, strict=True):
        layers += [top] if chosen else [top, settings]  # what a file says of a profile is below what it says for all
    return _merge(wanted, layers, url)


def list_profiles() -> list[ProfileEntry]:
    """List every profile in the files, by name, each as both files state it together."""
    opened = _files()
    chosen = environment.profile_name() or next(
        (file.default_profile for file in opened if file.default_profile), DEFAULT
    )
    names = sorted({name for file in opened for name in file.profiles})
    entries = [_find(opened, name) for name in names]
    return [dataclasses.replace(entry, default=entry.name == chosen) for entry in entries if entry]


def describe_profile(name: str | None = None) -> list[dict[str, Any]]:
    """List the settings that hold here and now, defaults included, each with the place it comes from."""
    profile = load_profile(name)
    rows = [{"kind": "setting", "setting": "name", "value": profile.name, "source": ""}]
    for one in _SETTINGS:
        value = getattr(profile, one)
        if value is not None or one == "path_style":
            value = "auto" if value is None else value
            rows.append({"kind": "setting", "setting": one, "value": value, "source": profile.source_of(one)})
    return rows


def save_profile(profile: Profile, *, replace: bool = False, default: bool = False, dry_run: bool = False) -> Path:
    """Write those settings of a profile that are not the defaults to the user's file (mode 0600), which is returned."""
    check_name(profile.name)
    path = files.user_path()
    if profile.name in files.read(path).profiles and not replace:
        raise ConfigurationError(
            f"There is a profile {profile.name!r} already, in {path}.",
            hint="Add --replace (replace=True) to overwrite it, or choose another name.",
        )
    settings = differing(profile)
    from_options(Profile, settings)
    if not dry_run:
        files.write_profile(path, profile.name, settings, default=default)
    return path


def differing(profile: Profile) -> dict[str, Any]:
    """Return the settings of a profile that are not the defaults, in the order of `Profile`'s fields."""
    usual = Profile()
    return {one: getattr(profile, one) for one in _SETTINGS if getattr(profile, one) != getattr(usual, one)}


def own_settings(name: str) -> dict[str, Any]:
    """Return what the user's file says of a profile; nothing when it has none of that name."""
    return dict(files.read(files.user_path()).profiles.get(name, {}))


def remove_profile(name: str) -> Path:
    """Take a profile out of the user's file, which is returned. Raises as `find_own` does."""
    path = find_own(name)
    files.write_profile(path, name, None)
    return path


def find_own(name: str) -> Path:
    """Return the user's file when it holds the profile; raises `NotFoundError`. A project's file is edited by hand."""
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


def _files() -> list[files.SettingsFile]:
    project = files.project_path()
    paths = ([project] if project else []) + [files.user_path()]
    return [files.read(path) for path in paths]


def _find(opened: list[files.SettingsFile], name: str) -> ProfileEntry | None:
    path = next((file.path for file in opened if name in file.profiles), None)
    if path is None:
        return None
    merged = _by_place(_stated(opened, name))
    return ProfileEntry(name, path, False, {setting: value for setting, (value, _) in merged.items()})


def _stated(opened: list[files.SettingsFile], name: str) -> list[Layer]:
    """Return what each file says of a profile, in the files' order; nothing where it says nothing.

    A project's file must not bend the user's credentials to an endpoint of its own: where it names one, it brings
    the credentials too, or there are none.
    """
    layers: list[Layer] = []
    elsewhere = False
    for file in opened:
        where = f"{file.path} [profile.{name}]"
        layer: Layer = {setting: (value, where) for setting, value in file.profiles.get(name, {}).items()}
        if elsewhere:
            layer = {setting: found for setting, found in layer.items() if not any(setting in one for one in GROUPS)}
        elsewhere = elsewhere or "endpoint" in layer
        layers.append(layer)
    return layers


def _no_profile(name: str, opened: list[files.SettingsFile]) -> NotFoundError:
    known = ", ".join(sorted({known for file in opened for known in file.profiles}))
    hint = f"Known: {known}." if known else f"Run: bondstore profile add {name} --url s3://BUCKET"
    return NotFoundError(f"There is no profile {name!r}.", hint=hint)


def _top(file: files.SettingsFile) -> Layer:
    return {name: (value, str(file.path)) for name, value in file.top.items()}


def _by_place(layers: list[Layer]) -> Layer:
    """Put settings together, the strongest place first; credentials as a whole, guard rails from anywhere."""
    merged: Layer = {}
    for layer in layers:
        taken = {name for group in GROUPS if any(merged.get(n, (None,))[0] for n in group) for name in group}
        for setting, found in layer.items():
            if setting not in merged and setting not in taken:
                merged[setting] = found
    for setting, strict in GUARD_RAILS.items():
        for layer in layers:
            if layer.get(setting, (None,))[0] == strict:
                merged[setting] = layer[setting]
                break
    return merged


def _merge(name: str, layers: list[Layer], url: str | None) -> Profile:
    merged = _by_place(layers)
    scheme = (url or merged.get("url", ("",))[0] or "s3").partition(":")[0].lower()
    if scheme == "s3":
        aws = merged.get("aws_profile")
        # as in the AWS tools: the keys of the environment leave region and endpoint to the files; keys that come by
        # reference do not bring the region of an unrelated AWS profile along
        if aws or merged.get("access_key", (None, _AWS_KEY))[1] == _AWS_KEY:
            for setting, found in aws_files.settings(aws[0] if aws else environment.aws_profile()).items():
                merged.setdefault(setting, found)
    elif merged.get("endpoint", ("", ""))[1].startswith("AWS_"):
        del merged["endpoint"]
    azure = merged.pop("azure_endpoint", None)
    if azure and scheme == "az":
        merged.setdefault("endpoint", azure)
    sources = (("name", ""), *((setting, where) for setting, (_, where) in merged.items()))
    return Profile(name=name, sources=sources, **{setting: value for setting, (value, _) in merged.items()})


@dataclass(frozen=True, slots=True)
class Found:
    """Settings to choose from: those that hold without a word, a profile of ours, or one of ``~/.aws``."""

    kind: Literal["here", "profile", "aws"]
    name: str  # of the profile; empty for what holds without a word
    said: str  # where they are from, for people

    def load(self) -> Profile:
        """Put the settings together; raises `ConfigurationError`."""
        if self.kind == "here":
            return load_profile()
        if self.kind == "profile":
            return load_profile(self.name)
        fields = {setting: value for setting, (value, _) in aws_files.settings(self.name).items()}
        for setting in ("region", "endpoint"):  # as in the AWS tools, variables stand above the files
            if setting in (layer := environment.standard()):
                fields[setting] = layer[setting][0]
        return Profile(aws_profile=self.name, **cast("dict[str, Any]", fields))


def find_settings() -> tuple[list[Found], list[BondstoreError]]:
    """List the settings to choose from, those that hold here first, and what kept some from being found."""
    found: list[Found] = []
    problems: dict[str, BondstoreError] = {}
    for look in (_here, _profiles, _aws):
        try:
            found += look()
        except BondstoreError as error:
            problems.setdefault(error.message, error)
    holds = {one.said for one in found if one.kind == "here"}
    return [one for one in found if one.kind != "aws" or one.said not in holds], list(problems.values())


def _here() -> list[Found]:
    """What holds without a word, unless that is a profile or leads nowhere."""
    profile = load_profile()
    if any(entry.name == profile.name for entry in list_profiles()):
        return []
    keys = credentials(profile)
    if keys is not None:
        return [Found("here", "", keys.source)]
    if azure_key(profile) is not None or azure_sas(profile) is not None:
        return [Found("here", "", profile.source_of("account"))]
    return []


def _profiles() -> list[Found]:
    entries = sorted(list_profiles(), key=lambda entry: not entry.default)
    return [
        Found("profile", entry.name, str(entry.settings.get("url") or entry.settings.get("endpoint") or ""))
        for entry in entries
    ]


def _aws() -> list[Found]:
    """The profiles of ``~/.aws``; none where variables would win over them."""
    if "access_key" in environment.standard() | environment.guide():
        return []
    path = aws_files.credentials_path()
    return [Found("aws", name, f"{path} [{name}]") for name in aws_files.profile_names()]
