"""URLs with a user in them.

A URL starts with a scheme and ``://``, with ``www.``, or with the name of a well-known site and a slash. It has a user
in it if one of these holds:

- credentials or anything else before an ``@``, or an ``@`` anywhere (an ``@handle``, an e-mail address, a place on
  a map);
- a part of the path that starts with ``~``, or that follows ``user``, ``profile``, ``member`` and their like;
- it is a page on a well-known site where the first part of the path is an account;
- a parameter, also behind ``#``, that by its name holds a person, an address or a secret, or whose value looks like a
  token: 20 characters or more of letters and digits mixed;
- a telephone number after ``+``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SITES = _words(
    "facebook.com fb.com fb.me m.me instagram.com threads.net twitter.com x.com tiktok.com snapchat.com "
    "linkedin.com pinterest.com reddit.com tumblr.com github.com gitlab.com medium.com patreon.com onlyfans.com "
    "twitch.tv vk.com ok.ru weibo.com t.me telegram.me wa.me soundcloud.com flickr.com paypal.me venmo.com "
    "cash.app strava.com linktr.ee quora.com bsky.app steamcommunity.com deviantart.com last.fm"
)
_NO_ACCOUNT = _words(
    "about ads business careers developers docs download explore events games groups hashtag help home i intent "
    "jobs legal login logout marketplace messages notifications pages policies press pricing privacy r search "
    "security settings share sharer sharer.php signup stories support tag terms topics trending watch"
)
_BEFORE_A_USER = _words(
    "account accounts author authors contacts customer customers employee employees friend friends "
    "member members patient patients people person persons profil profile profiles u user users usr"
)
_PRIVATE = _words(
    "account acct apikey api_key auth author authorization card cardnumber client_secret code credential "
    "credentials customer email e-mail first_name firstname fname full_name fullname handle iban id_token invite "
    "jwt key last_name lastname lname login mail member mobile msisdn name nick nickname otp pass passwd password "
    "patient person phone phone_number phonenumber pin profile profile_id pwd recipient screen_name secret "
    "session session_id sessionid sid sig signature tel telephone to token uid user user_id user_name userid "
    "username usr whatsapp"
)
_HOSTS = "|".join(re.escape(site) for site in sorted(_SITES))
URL_PATTERN = (
    r"(?<!\w)(?:[A-Za-z][A-Za-z0-9+.-]{0,20}://|(?<![.-])www\.(?=\w)"
    rf"|(?<![.@-])(?:m\.|mobile\.)?(?:{_HOSTS})(?=/))"
    r"""[^\s<>"`{}|\\^\[\]]+"""
)
"""Matches a URL to its end and maybe some punctuation behind it."""
_URL = re.compile(URL_PATTERN, re.IGNORECASE)
_MAY_HOLD = re.compile(r"://|www\.|\.[a-z]{2,3}/", re.IGNORECASE)
_PARTS = re.compile(r"(?:[^:/?#]*://)?([^/?#]*)([^?#]*)(.*)", re.DOTALL)
_TOKEN = re.compile(r"(?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])[\w.=~+-]{20,}", re.ASCII)
_TELEPHONE = re.compile(r"\+\d{8}")
_BEHIND = ".,;:!?)'*"


def urls(text: str) -> Iterator[tuple[int, int]]:
    """Yield where URLs start and end that have a user in them."""
    if not may_hold_url(text):
        return
    for match in _URL.finditer(text):
        url = match[0].rstrip(_BEHIND)
        if has_user(url):
            yield match.start(), match.start() + len(url)


def may_hold_url(text: str) -> bool:
    """Whether it is worth looking for URLs in a text."""
    return _MAY_HOLD.search(text) is not None


def has_user(url: str) -> bool:
    """Whether a URL has a user in it."""
    parts = _PARTS.match(url)
    if parts is None:
        return False
    host, path, rest = parts[1].lower(), unquote(parts[2]), parts[3]
    if "@" in url or "%40" in url or _TELEPHONE.search(unquote(url)):
        return True
    steps = [step for step in path.split("/") if step]
    return _is_account(host, steps) or _names_user(steps) or _has_private(re.split("[?#&;]", rest))


def _is_account(host: str, steps: list[str]) -> bool:
    labels = host.partition(":")[0].split(".")
    known = ".".join(labels[-2:]) in _SITES
    return known and bool(steps) and steps[0].lower() not in _NO_ACCOUNT


def _names_user(steps: list[str]) -> bool:
    if any(step[0] == "~" and len(step) > 1 for step in steps):
        return True
    return any(step.lower() in _BEFORE_A_USER for step in steps[:-1])


def _has_private(parameters: Iterable[str]) -> bool:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        name = unquote(name).lower().rpartition("[")[0] or unquote(name).lower()
        if value and (name in _PRIVATE or name.endswith(("token", "password", "email", "phone"))):
            return True
        if _TOKEN.fullmatch(unquote(value or name)):
            return True
    return False
