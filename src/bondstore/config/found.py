"""Which credentials there are to choose from: those that hold here, profiles, and those of ``~/.aws``."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from bondstore.config import aws_files, environment
from bondstore.config.credentials import azure_key, azure_sas, credentials
from bondstore.config.profiles import Profile
from bondstore.config.settings import list_profiles, load_profile
from bondstore.errors import BondstoreError


@dataclass(frozen=True, slots=True)
class Found:
    """Settings that could be used.

    Parameters
    ----------
    kind : {"here", "profile", "aws"}
        What holds without a word, a profile of ours, or one of ``~/.aws``.
    name : str
        Of the profile; empty for what holds without a word.
    said : str
        Where they are from, for people.
    """

    kind: Literal["here", "profile", "aws"]
    name: str
    said: str

    def load(self) -> Profile:
        """Put the settings together.

        Raises
        ------
        ConfigurationError
            They cannot be understood.
        """
        if self.kind == "here":
            return load_profile()
        if self.kind == "profile":
            return load_profile(self.name)
        fields = {setting: value for setting, (value, _) in aws_files.settings(self.name).items()}
        for setting in ("region", "endpoint"):  # as in the AWS tools, variables stand above the files
            if setting in (layer := environment.standard()):
                fields[setting] = layer[setting][0]
        known = {field.name for field in dataclasses.fields(Profile)}
        return Profile(aws_profile=self.name, **{name: value for name, value in fields.items() if name in known})  # type: ignore[arg-type]


def find_settings() -> tuple[list[Found], list[BondstoreError]]:
    """List the settings to choose from, those that hold here first.

    Returns
    -------
    tuple of (list of Found, list of BondstoreError)
        What there is, and what kept some of it from being found: a file that cannot be read, say.
    """
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
