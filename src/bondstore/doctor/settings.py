"""Checks that need no connection: mix-ups, credentials and their files, proxy, checksums, encryption of the line."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

from bondstore.config import aws_files
from bondstore.config.credentials import credentials
from bondstore.doctor.case import is_private
from bondstore.doctor.check import Check, fail, ok, warn
from bondstore.errors import BondstoreError

if TYPE_CHECKING:
    from bondstore.doctor.case import Case

_KEY_ID = re.compile(r"(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}")
_SECRET = re.compile(r"[A-Za-z0-9/+=]{40}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def look_at_settings(case: Case) -> Iterator[Check]:
    """Say which store and profile hold, and where the settings come from."""
    named = dict(case.profile.sources)
    # a key that was taken for a bucket's name is not shown
    url = f"{case.address.kind}://***" if is_key(case.address.place) else case.spec.url
    told = ", ".join(f"{name} from {named[name]}" for name in ("url", "endpoint", "region") if name in named)
    yield ok("settings", f"{url} with profile {case.profile.name}" + (f" ({told})." if told else "."))


def look_for_mix_ups(case: Case) -> Iterator[Check]:
    """Find a key where a bucket belongs, and the other way round. Values are not repeated."""
    place = case.address.place
    found = False
    if case.remote and is_key(place):
        found = True
        yield fail("mix-ups", "The bucket's name looks like an access key.", case.setting("--url s3://BUCKET"))
    if case.address.store_kind.speaks_s3:
        for message, mend in _key_mix_ups(case):
            found = True
            yield fail("mix-ups", message, mend)
    if not found:
        yield ok("mix-ups", "Bucket and keys are not mixed up.")


def is_key(place: str) -> bool:
    """Tell whether a bucket's name has the form of an access key's id or secret."""
    return bool(_KEY_ID.fullmatch(place) or (_SECRET.fullmatch(place) and re.search("[A-Z/+=]", place)))


def _key_mix_ups(case: Case) -> Iterator[tuple[str, str]]:
    try:
        pair = credentials(case.profile)
    except BondstoreError:
        return  # told by the check of the credentials
    if pair is None:
        return
    key, secret = pair.access_key, pair.secret.reveal()
    mend = case.setting("--access-key env:NAME --secret-key env:NAME")
    if key == case.address.place or (not case.profile.endpoint and _BUCKET.fullmatch(key)):
        yield "The access key's id looks like a bucket's name.", mend
    elif _KEY_ID.fullmatch(secret):
        yield "The secret key looks like an access key's id: the two are swapped.", mend
    elif key != key.strip() or secret != secret.strip():
        yield "A key starts or ends with a blank or line end.", "Store it again without it."
    if _KEY_ID.fullmatch(case.profile.study or ""):
        yield "The study's id looks like an access key.", "Set STUDY_FOLDER to the study's id."


def look_at_credentials(case: Case) -> Iterator[Check]:
    """See whether there are credentials; whether they are accepted is seen when listing."""
    if case.remote and case.profile.anonymous:
        yield ok("credentials", "None are sent: the profile is anonymous.")
        return
    found = case.address.store_kind.find_credentials(case.profile)
    if not found.setting:
        yield ok("credentials", found.message)
    else:
        yield (warn if found.in_doubt else fail)("credentials", found.message, case.setting(found.setting))


def look_at_secret_files(case: Case) -> Iterator[Check]:
    """See that files with secrets can be read by their owner only."""
    paths = {Path(ref.place) for ref in case.profile.references() if ref.scheme == "file"}
    standard = aws_files.credentials_path()
    looked, bad = 0, False
    for path in [*sorted(paths), standard]:
        if path == standard and not path.exists():
            continue
        looked += 1
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            bad = True
            report = fail if path in paths else warn
            yield report("secret-files", f"{path} can be read by others (mode {mode:04o}).", f"chmod 600 '{path}'")
    if not bad:
        yield ok("secret-files", f"{looked} found, readable by their owner only." if looked else "None in use.")


def look_at_proxy(case: Case) -> Iterator[Check]:
    """See whether a proxy variable catches an endpoint that is inside."""
    if not case.remote:
        return
    scheme = case.endpoint.partition(":")[0]
    proxies = getproxies()
    caught = bool(proxies.get(scheme) or proxies.get("all")) and not proxy_bypass(case.host)
    if case.profile.proxy == "none":
        yield ok("proxy", "None is used, as the profile says.")
    elif caught and is_private(case.host):
        yield fail(
            "proxy",
            f"Proxy variables send requests for the private endpoint {case.host} through a proxy.",
            case.setting("--proxy none"),
        )
    elif caught:
        yield ok("proxy", "Requests go through the proxy that the environment names.")
    else:
        yield ok("proxy", "None stands in between.")


def look_at_checksums(case: Case) -> Iterator[Check]:
    """See whether the checksum mode suits the endpoint."""
    if not case.address.store_kind.speaks_s3:
        return
    if case.profile.checksums == "always" and case.profile.endpoint:
        yield warn(
            "checksums",
            "Uploads carry additional checksums, which servers other than AWS may refuse.",
            case.setting("--checksums auto"),
        )
    else:
        yield ok("checksums", f"The mode is {case.profile.checksums}.")


def look_at_encryption(case: Case) -> Iterator[Check]:
    """See whether the line to the endpoint is encrypted."""
    if not case.remote:
        return
    plain = case.endpoint.lower().startswith("http://")
    if plain and not case.profile.uses_http():
        yield fail(
            "encryption", "The endpoint is http://, which the profile forbids.", case.setting("--endpoint https://HOST")
        )
    elif plain and case.host not in ("127.0.0.1", "::1", "localhost"):
        yield warn("encryption", f"The line to {case.host} is not encrypted.", case.setting("--endpoint https://HOST"))
    else:
        yield ok("encryption", "The line stays inside this machine." if plain else "The line is encrypted.")
