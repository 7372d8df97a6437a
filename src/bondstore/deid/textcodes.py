"""What phones show besides: where somebody is, and numbers that open something. Told by form, sum, or a word nearby.

``[IP]``
    Four numbers up to 255, also with zeros in front (``192.168.001.010``) where one has three digits: versions and
    dates have two. An IPv6 address that the standard library takes for one, with three groups at least, or with two of
    which the first is one that addresses of hosts begin with.
``[COORDINATES]``
    Latitude and longitude side by side, in either order, with three decimals at least; one of them behind its word;
    degrees, minutes and seconds.
``[SSN]``
    Social security numbers: US (9 digits as 3-2-4 with hyphens, dashes or spaces, or in one piece behind its word), UK,
    and those whose check digits hold: France, Italy, Spain, Switzerland, Brazil, Canada (behind its word).
``[CODE]``
    A one-time code of 4 to 8 digits, in groups or not, within 40 characters of a word such as *code*, *PIN*, *TAN*,
    *OTP*, *password*, *log in* or *verify*; letters and digits mixed right behind *code*.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\w)", re.ASCII)
_IPV6 = re.compile(r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])", re.ASCII | re.IGNORECASE)
_IPV6_HOST = re.compile(r"[23][0-9a-f]{3}:|fe[89ab][0-9a-f]:|f[cd][0-9a-f]{2}:", re.IGNORECASE)
_PAIR = re.compile(
    r"(?<![\w.])[NSEWO]?(?P<one>[-+]?\d{1,3}\.\d{3,15})°?\s?[NSEWO]?(?:\s?[,;/，]\s?|\s)"
    r"[NSEWO]?(?P<other>[-+]?\d{1,3}\.\d{3,15})°?(?:\s?[NSEWO]\b)?(?![\w.])"
)
_NAMED = re.compile(
    r"\b(?:lat(?:itude)?|lon(?:gitude)?|lng|breitengrad|längengrad)\b[\"' ]{0,2}[:= ]\s?"
    r"(?P<number>[-+]?\d{1,3}[.,]\d{2,15})",
    re.IGNORECASE,
)
_DEGREES = re.compile(
    r"\d{1,3}\s?°\s?(?:\d{1,2}(?:[.,]\d{1,6})?\s?['’′]\s?(?:\d{1,2}(?:[.,]\d{1,6})?\s?(?:[\"”″]|'')\s?)?)?[NSEWO]\b"
    r"|\d{1,3}[.,]\d{2,15}\s?°\s?[NSEWO]\b"
)
_US = re.compile(
    r"(?<![\w.-])(?<!\d[ ,])(?!000|666|9)\d{3}(?P<between>[- \u00a0\u2009\u202f\u2010-\u2015\u2212])(?!00)\d\d"
    r"(?P=between)(?!0000)\d{4}(?![\w-]|[ .,:]\d)",
    re.ASCII,
)
_UK = re.compile(
    r"\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s?\d\d\s?\d\d\s?\d\d\s?[A-D]\b", re.ASCII
)
_FRANCE = re.compile(r"(?<![\w.])[12]\s?\d\d\s?\d\d\s?(?:\d\d|2[AB])\s?\d{3}\s?\d{3}\s?\d\d(?!\w)", re.ASCII)
_ITALY = re.compile(r"\b[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]\b", re.ASCII | re.IGNORECASE)
_SPAIN = re.compile(r"(?<![\w.])(?:\d{8}|[XYZ]\d{7})-?[A-HJ-NP-TV-Z]\b", re.ASCII)
_SWISS = re.compile(r"(?<![\w.])756[. ]?\d{4}[. ]?\d{4}[. ]?\d\d(?!\w)", re.ASCII)
_BRAZIL = re.compile(r"(?<![\w.])\d{3}\.\d{3}\.\d{3}-\d\d(?!\w)", re.ASCII)
_BEHIND_WORD = re.compile(
    r"\b(?:SSN|SIN|social (?:security|insurance)|soc\.? sec\.?)(?: (?:number|no|nr))?\b[\s.:#=]{0,3}(?:is )?"
    r"(?P<number>\d{3}[- ]?\d{2,3}[- ]?\d{3,4})(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_OTHER_CODES = (
    "postal", "post", "zip", "area", "country", "dial", "dialing", "error", "status", "exit", "promo", "promotion",
    "discount", "coupon", "voucher", "color", "colour", "dress", "source", "bar", "qr",
)  # fmt: skip
_NOT_ONE_TIME = "".join(rf"(?<!\b{word}[ -])" for word in _OTHER_CODES)
_CODE_WORD = (
    rf"(?:\b{_NOT_ONE_TIME}code[sn]?\b|\w{{3,30}}[Cc]ode\b|\bkode?\b|\bc[oó]digo\b|\bcodice\b|\bкод\b|验证码|認証コード|인증번호"
    r"|验证码|驗證碼|校验码|动态码|密码|暗証番号|비밀번호|رمز|κωδικός"
    r"|\bOTP\b|\b[mp]?TAN\b|\bPIN\b|\bpasscode\b|\bone[- ]time\b|\b2FA\b|\bEinmal\w+\b"
    r"|\bpass(?:word|wort)\b|\bmot de passe\b|\bcontraseña\b|\blog[- ]?in\b|\bsign[- ]?in\b|\bverif(?:y|ication)\b"
    r"|\banmeld\w*|\bbestätig\w*)"
)
_CODE = re.compile(
    r"(?<![A-Za-z0-9_.,/-])(?<!\d[: ])(?:[A-Z]-)?"
    r"(?:\d{3,4}[ -]\d{3,4}|\d\d(?:[ -]\d\d){1,3}|\d(?:[ -]\d){3,7}|\d{4,8})(?![A-Za-z0-9_])(?![.,:/ -]\d)"
)
_MIXED = re.compile(r"\b(?i:code)(?: is| lautet)?[: ]{1,3}(?P<code>(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z\d]{4,8})\b")
_GAP = r"(?:(?!\[CODE\])[^\d]|(?<!\d)\d{1,2}(?!\d)){0,40}?"
_WORD_BEFORE = re.compile(rf"{_CODE_WORD}{_GAP}\Z", re.IGNORECASE)
_WORD_BEHIND = re.compile(rf"(?:(?!\[CODE\])[^\d]){{0,40}}?{_CODE_WORD}", re.IGNORECASE)
_REACH = 80
_CODE_HINTS = (
    "验",
    "驗",
    "码",
    "番号",
    "비밀",
    "رمز",
    "κωδ",
    "pass",
    "contras",
    "log",
    "sign",
    "verif",
    "anmeld",
    "bestätig",
    "code",
    "kod",
    "códig",
    "codig",
    "codic",
    "код",
    "验证码",
    "認証",
    "인증",
    "otp",
    "tan",
    "pin",
    "time",
    "2fa",
    "einmal",
)
_SPAIN_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_Spans = Iterator[tuple[int, int]]


def addresses(text: str) -> _Spans:
    """Yield where IP addresses start and end."""
    found = [match.span() for match in _IPV4.finditer(text) if _is_ipv4(match[0])]
    if text.count(":") > 1:
        found += [
            match.span()
            for match in _IPV6.finditer(text)
            if (sum(map(bool, match[0].split(":"))) > 2 or _IPV6_HOST.match(match[0])) and _is_ip(match[0])
        ]
    return apart(found)


def coordinates(text: str) -> _Spans:
    """Yield where coordinates start and end."""
    found = [match.span() for match in _PAIR.finditer(text) if _is_place(float(match["one"]), float(match["other"]))]
    found += [match.span("number") for match in _NAMED.finditer(text) if _is_angle(match["number"].replace(",", "."))]
    if "°" in text:
        found += [match.span() for match in _DEGREES.finditer(text)]
    return apart(found)


def social_numbers(text: str) -> _Spans:
    """Yield where social security numbers start and end."""
    found = [match.span() for pattern in (_US, _UK) for match in pattern.finditer(text)]
    for pattern, holds in _CHECKED.items():
        found += [match.span() for match in pattern.finditer(text) if holds(re.sub(r"[\s.-]", "", match[0].upper()))]
    found += [match.span("number") for match in _BEHIND_WORD.finditer(text)]
    return apart(found)


def one_time_codes(text: str) -> _Spans:
    """Yield where one-time codes start and end."""
    found: list[tuple[int, int]] = []
    # From the numbers, which are few, to the words beside them: the other way round takes ten times as long.
    for match in _CODE.finditer(text):
        start, end = match.span()
        before, behind = text[max(0, start - _REACH) : start], text[end : end + _REACH]
        if (_hints(before) and _WORD_BEFORE.search(before)) or (_hints(behind) and _WORD_BEHIND.match(behind)):
            found.append((start, end))
    found += [match.span("code") for match in _MIXED.finditer(text)]
    return apart(found)


def _hints(text: str) -> bool:
    low = text.lower()
    return any(word in low for word in _CODE_HINTS)


def apart(found: list[tuple[int, int]]) -> _Spans:
    """Yield places in their order, none of them in another one; of those that begin together, the longest."""
    done = 0
    for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
        if start >= done:
            yield start, end
            done = end


def _is_ipv4(text: str) -> bool:
    parts = text.split(".")
    padded = any(part[0] == "0" != part for part in parts)
    return all(int(part) <= 255 for part in parts) and (not padded or max(map(len, parts)) == 3)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_place(one: float, other: float) -> bool:
    """Whether two numbers may be latitude and longitude, in either order: maps say one, GeoJSON and WKT the other."""
    return min(abs(one), abs(other)) <= 90 and max(abs(one), abs(other)) <= 180


def _is_angle(text: str) -> bool:
    return abs(float(text)) <= 180


def _is_french(number: str) -> bool:
    # INSEE: the key is 97 less the rest of the number by 97; Corsica's 2A and 2B count as 19 and 18.
    digits = number.replace("2A", "19", 1).replace("2B", "18", 1)
    return digits.isdigit() and len(digits) == 15 and 97 - int(digits[:13]) % 97 == int(digits[13:])


def _is_spanish(number: str) -> bool:
    digits = number[:-1].translate(str.maketrans("XYZ", "012"))
    return _SPAIN_LETTERS[int(digits) % 23] == number[-1]


def _is_swiss(number: str) -> bool:
    # EAN-13: every second digit counts three times.
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(number)) % 10 == 0


def _is_brazilian(number: str) -> bool:
    for length in (9, 10):
        rest = sum(int(digit) * (length + 1 - place) for place, digit in enumerate(number[:length])) * 10 % 11 % 10
        if rest != int(number[length]):
            return False
    return True


def _is_italian(number: str) -> bool:
    # DM 23/12/1976: characters at odd places count by a table of their own, those at even places as they are.
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    values = [int(one) if one.isdigit() else ord(one) - 65 for one in number[:15]]
    total = sum(odd[value] if place % 2 == 0 else value for place, value in enumerate(values))
    return chr(65 + total % 26) == number[15]


_CHECKED: dict[re.Pattern[str], Callable[[str], bool]] = {
    _FRANCE: _is_french,
    _ITALY: _is_italian,
    _SPAIN: _is_spanish,
    _SWISS: _is_swiss,
    _BRAZIL: _is_brazilian,
}
