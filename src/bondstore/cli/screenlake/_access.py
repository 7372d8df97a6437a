"""Guided: with which credentials. Typed ones are remembered in memory only, under references that ask for them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.cli import asking
from bondstore.cli.asking import Choice
from bondstore.config import secrets
from bondstore.config.profiles import Profile, check_endpoint
from bondstore.config.secrets import Secret, SecretRef
from bondstore.config.settings import Found, find_settings
from bondstore.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

_KEY = SecretRef("prompt", "Access key id")
_SECRET = SecretRef("prompt", "Secret access key")
_TOKEN = SecretRef("prompt", "Session token")
_TEMPORARY = "ASIA"
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Access:
    """Credentials, and how a command line names them.

    Parameters
    ----------
    profile : Profile
        The settings.
    options : tuple of str
        What they are named by on a command line.
    variables : tuple of (str, str)
        What is set before the command.
    typed : bool
        They were typed, and are nowhere else.
    region_given : bool
        The settings name a region that stands above what a variable says.
    """

    profile: Profile
    options: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    typed: bool = False
    region_given: bool = False


def ask_access() -> Access | None:
    """Ask whose credentials to use; None for a folder of this computer, which needs none."""
    found, problems = find_settings()
    asking.title("Where are the zips?")
    for problem in problems:
        asking.complain(problem)
    choices: list[Choice[Callable[[], Access | None]]] = [Choice(_label(one), partial(_found, one)) for one in found]
    choices.append(Choice("a bucket, with an access key and a secret that I type now", _type, "type"))
    choices.append(Choice("a folder of this computer", lambda: None, "folder"))
    return asking.choose(
        "Number",
        choices,
        explain="Credentials say which bucket you may read. Those found in variables, in profiles (bondstore profile "
        "list) and in ~/.aws are listed. Keys that you type are kept in memory until this ends, and nowhere else.",
    )()


def _label(found: Found) -> str:
    if found.kind == "here":
        return f"a bucket, with the keys found in {found.said.replace(f'{Path.home()}/', '~/', 1)}"
    if found.kind == "aws":
        return f"a bucket, with the AWS profile {found.name}"
    return f"profile {found.name}" + (f" ({found.said})" if found.said else "")


def _found(found: Found) -> Access:
    profile = found.load()
    if found.kind == "profile":
        return Access(profile, ("--profile", found.name), region_given=profile.region is not None)
    return Access(profile, variables=(("AWS_PROFILE", found.name),) if found.kind == "aws" else ())


def _type() -> Access:
    key = asking.ask("Access key id", _one_word, explain="20 letters and digits, such as AKIA…; from whoever gave you "
                     "access.")  # fmt: skip
    secret = asking.ask(
        "Secret access key (not shown)",
        _one_word,
        explain="40 signs that came with the access key id. They are not shown while you type or paste them, and are "
        "kept in memory only.",
        hidden=True,
    )
    secrets.remember(_KEY, key)
    secrets.remember(_SECRET, secret)
    token = None
    if key.startswith(_TEMPORARY):
        answer = asking.ask(
            "Session token (not shown)",
            _one_word,
            explain="Keys that begin with ASIA are temporary ones; a long token came with them.",
            hidden=True,
        )
        secrets.remember(_TOKEN, Secret(answer))
        token = _TOKEN
    endpoint = asking.ask(
        "Endpoint, for another service than Amazon's (Enter for none)",
        lambda answer: check_endpoint(answer, "Endpoint") if answer else None,
        explain="The address of the S3 service, such as https://s3.example.org. Leave it empty for Amazon S3.",
    )
    region = asking.ask(
        "Region",
        _one_word,
        explain="The region of the bucket, such as eu-west-1. If you do not know it, press Enter.",
        default=os.environ.get("AWS_REGION") or REGION,
    )
    profile = Profile(endpoint=endpoint, region=region, access_key=_KEY, secret_key=_SECRET, session_token=token)
    return Access(profile, typed=True)


def _one_word(answer: str) -> str:
    if not answer:
        raise UsageError("Nothing was typed.", hint="? explains.")
    if not answer.isprintable() or any(sign.isspace() for sign in answer):
        raise UsageError("That holds blanks or signs that cannot be.", hint="Paste it again, alone.")
    return answer
