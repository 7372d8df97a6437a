"""Guided: where the zips are: with which credentials, in which bucket, in which folder."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.cli import questions
from bondstore.cli.questions import Choice
from bondstore.config import secrets
from bondstore.config.profiles import Profile, StoreSpec, check_endpoint
from bondstore.config.resolve import store_url
from bondstore.config.secrets import Secret, SecretRef
from bondstore.config.settings import Found, find_settings
from bondstore.errors import BondstoreError, CredentialsError, UsageError
from bondstore.stores import open_store
from bondstore.stores.address import Address, parse_address
from bondstore.stores.kinds.s3.extra import Bucket, list_buckets
from bondstore.text import number_text

if TYPE_CHECKING:
    from collections.abc import Callable

REGION = "us-east-1"
USUAL = "screenlake-zip-prod"
UP = ".."
_KEY = SecretRef("prompt", "Access key id")
_SECRET = SecretRef("prompt", "Secret access key")
_TOKEN = SecretRef("prompt", "Session token")
_TEMPORARY = "ASIA"


@dataclass(frozen=True, slots=True)
class Access:
    """Settings with credentials, and how a command line names them: by options, or by variables set before it."""

    profile: Profile
    options: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    typed: bool = False
    """The credentials are nowhere else."""
    region_given: bool = False
    """The settings name a region, which stands above what a variable says."""


@dataclass(frozen=True, slots=True)
class ZipStore:
    """Where the zips are, and how that is opened."""

    spec: StoreSpec
    access: Access


def ask_place() -> ZipStore:
    """Ask for credentials, bucket and folder; what does not work is told, and asked again."""
    while True:
        try:
            access = _ask_access()
            found = _ask_local() if access is None else _ask_in_store(access)
        except BondstoreError as error:
            questions.complain(error)
            continue
        if found is not None:
            return found


def _ask_access() -> Access | None:
    """Ask whose credentials to use; None for a folder of this computer, which needs none."""
    found, problems = find_settings()
    questions.title("Where are the zips?")
    for problem in problems:
        questions.complain(problem)
    choices: list[Choice[Callable[[], Access | None]]] = [Choice(_label(one), partial(_found, one)) for one in found]
    choices.append(Choice("a bucket, with an access key and a secret that I type now", _typed, "type"))
    choices.append(Choice("a folder of this computer", lambda: None, "folder"))
    return questions.choose(
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


def _typed() -> Access:
    """Ask for keys; they are remembered in memory only, under references that ask for them."""
    key = questions.prompt(
        "Access key id",
        questions.one_word,
        explain="20 letters and digits, such as AKIA…; from whoever gave you access.",
    )
    secret = questions.secret(
        "Secret access key",
        explain="40 signs that came with the access key id. They are not shown while you type or paste them, and are "
        "kept in memory only.",
    )
    secrets.remember(_KEY, key)
    secrets.remember(_SECRET, secret)
    token = None
    if key.startswith(_TEMPORARY):
        explain = "Keys that begin with ASIA are temporary ones; a long token came with them."
        secrets.remember(_TOKEN, Secret(questions.secret("Session token", explain=explain)))
        token = _TOKEN
    endpoint = questions.prompt(
        "Endpoint, for another service than Amazon's (Enter for none)",
        lambda answer: check_endpoint(answer, "Endpoint") if answer else None,
        explain="The address of the S3 service, such as https://s3.example.org. Leave it empty for Amazon S3.",
    )
    region = questions.prompt(
        "Region",
        questions.one_word,
        explain="The region of the bucket, such as eu-west-1. If you do not know it, press Enter.",
        default=os.environ.get("AWS_REGION") or REGION,
    )
    profile = Profile(endpoint=endpoint, region=region, access_key=_KEY, secret_key=_SECRET, session_token=token)
    return Access(profile, typed=True)


def _ask_local() -> ZipStore:
    def read(answer: str) -> Path:
        path = Path(answer).expanduser().absolute()
        if not answer or not path.is_dir():
            raise UsageError("There is no such folder.")
        return path

    explain = "A folder that holds the zips as they lie in the bucket."
    path = questions.prompt("Folder", read, explain=explain, default=".")
    return ZipStore(StoreSpec(store_url(str(path)), Profile()), Access(Profile()))


def _ask_in_store(access: Access) -> ZipStore | None:
    """Bucket by bucket, until a folder is taken; None where it is all to begin anew."""
    home = parse_address(access.profile.url) if access.profile.url else None
    if home is not None and home.folder is not None:
        return ZipStore(StoreSpec(home.url, access.profile), access)
    if home is not None and not home.store_kind.speaks_s3:
        return _walked(access, home, home.prefix)
    buckets = list_buckets(access.profile)
    while True:
        bucket = _ask_bucket(buckets, home.place if home else "")
        here = _in_region(access, bucket)
        start = home.prefix if home is not None and home.place == bucket.name else ""
        try:
            found = _walked(here, Address("s3", bucket.name), start)
        except BondstoreError as error:
            questions.complain(error)
            if isinstance(error, CredentialsError):
                return None
            continue
        if found is not None:
            return found


def _in_region(access: Access, bucket: Bucket) -> Access:
    """Follow a bucket into its own region, as the server says it."""
    if not bucket.region or access.profile.endpoint or access.region_given or bucket.region == access.profile.region:
        return access
    profile = dataclasses.replace(access.profile, region=bucket.region)
    added = () if access.typed else (("AWS_REGION", bucket.region),)
    return dataclasses.replace(access, profile=profile, variables=(*access.variables, *added))


def _ask_bucket(buckets: list[Bucket] | None, home: str) -> Bucket:
    questions.title("Which bucket?")
    explain = "The name of the bucket that the phones upload to, as you were told it; or a number from the list."
    if not buckets:
        why = "They cannot be listed with these keys" if buckets is None else "None is shown to these keys"
        questions.say(f"({why}; a name will do.)")
        return Bucket(questions.prompt("Bucket", _bucket_name, explain=explain, default=home or USUAL))
    known = {one.name: one for one in buckets}
    likely = [name for name in (home, USUAL, buckets[0].name if len(buckets) == 1 else "") if name in known]
    name = questions.pick(
        "Number or name", list(known), explain=explain, other=_bucket_name, default=likely[0] if likely else home
    )
    return known.get(name, Bucket(name))


def _bucket_name(answer: str) -> str:
    return parse_address(f"s3://{answer.removeprefix('s3://').strip('/')}").place


def _walked(access: Access, root: Address, start: str) -> ZipStore | None:
    """Walk from folder to folder; None where somebody goes up from the top."""
    store = open_store(StoreSpec(Address(root.kind, root.place).url, access.profile))
    path: str | None = start
    while path is not None:
        place = Address(root.kind, root.place, path).url
        folders, zips = [], 0
        questions.title(f"In {place}/")
        try:
            found = store.dirs(path)
        except CredentialsError as error:
            if not path and "AccessDenied" not in error.message:
                raise
            questions.complain(error)
            questions.say("It cannot be listed; you can type the path of a folder below it.", "  ")
        else:
            folders = [folder[len(path) + bool(path) :] for folder in found.prefixes]
            zips = sum(one.key.lower().endswith(".zip") for one in found.objects)
        if zips:
            questions.say(f"{number_text(zips)} zips lie right here.", "  ")
        moved = _ask_folder(path, folders)
        if not moved:
            return ZipStore(StoreSpec(place, access.profile), access)
        path = folder_after(path, moved)
    return None


def _ask_folder(path: str, folders: list[str]) -> str:
    """Ask where to go, as a path from here; empty to take this folder."""

    def other(answer: str) -> str:
        if folders:
            raise UsageError(f"No folder here has {answer!r} in its name.", hint="? explains.")
        return answer  # nothing could be listed, so nothing is known to be missing

    return questions.pick(
        "Folder to go into; Enter takes this one, .. goes up",
        folders,
        explain="All zips below the folder that you take are looked at, whatever lies between. Type a number, a name, "
        "a part of a name, or a whole path (from the top with a / before it). .. goes up; from the top it goes back to "
        f"the buckets. You are in {path or 'the top folder'}.",
        other=other,
        at_once=lambda answer: answer in ("", UP) or answer.startswith("/") or "/" in answer.rstrip("/"),
    )


def folder_after(path: str, moved: str) -> str | None:
    """Return where a move leads to; None above the top."""
    parts = [] if moved.startswith("/") else [part for part in path.split("/") if part]
    for part in moved.split("/"):
        if part == UP:
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
