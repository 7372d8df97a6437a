"""What phones show besides addresses and numbers: labelled cases, the issuers' published ones where there are any."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.deid.text import MARKS, SCREEN_MARKS, redact_text

FOUND = {
    "EMAIL": [
        ("john (at) example (dot) com", "[EMAIL]"),
        ("write to anna.lind[at]example.org, please", "write to [EMAIL], please"),
        ("anna {at} mail.example.co.uk!", "[EMAIL]!"),
        ("anna(@)example[.]org", "[EMAIL]"),
        ("anna AT example DOT org", "[EMAIL]"),
        ("anna at mail dot example dot org", "[EMAIL]"),
        ("jürgen (ät) münchen (punkt) de", "[EMAIL]"),
        # Broken at one of its signs only.
        ("a@b(dot)c", "[EMAIL]"),
        ("a@b(dot)co", "[EMAIL]"),
        ("anna@example(dot)org", "[EMAIL]"),
        ("anna@mail.example [dot] org.", "[EMAIL]."),
        ("anna@example dot org", "[EMAIL]"),
        ("anna(at)example.org", "[EMAIL]"),
        ("mail anna @ example.org now", "mail [EMAIL] now"),
        ("anna@ example.org", "[EMAIL]"),
        ("anna.lind at gmail.com", "[EMAIL]"),
    ],
    "IP": [
        ("from 192.168.100.200 and 10.0.0.138:8080", "from [IP] and [IP]:8080"),
        ("http://203.0.113.9/x", "http://[IP]/x"),
        ("2001:db8::8a2e:370:7334 up", "[IP] up"),
        ("fe80:0:0:0:200:f8ff:fe21:67cf", "[IP]"),
        ("on fe80::1 and 2001::7", "on [IP] and [IP]"),
        ("192.168.001.010 and 010.000.000.138", "[IP] and [IP]"),
        ("１９２．１６８．１００．２００ １０.0.0.138", "[IP] [IP]"),
        ("２００１：ｄｂ８：：８ａ２ｅ：３７０：７３３４", "[IP]"),
        ("ｆｅ８０：：１", "[IP]"),
        ("١٩٢.١٦٨.١٠٠.٢٠٠", "[IP]"),
    ],
    "COORDINATES": [
        ("at 48.13743, 11.57549 now", "at [COORDINATES] now"),
        ("-33.8568,151.2153", "[COORDINATES]"),
        ("52.5200° N, 13.4050° E", "[COORDINATES]"),
        ('{"lat": 48.13743, "lng": 11.57549}', '{"lat": [COORDINATES], "lng": [COORDINATES]}'),
        ("latitude=48.14", "latitude=[COORDINATES]"),
        ("48°08'14.7\"N 11°34'31.8\"E", "[COORDINATES] [COORDINATES]"),
        ("geo:48.1374,11.5755", "geo:[COORDINATES]"),
        ("POINT(174.7762 -41.2865)", "POINT([COORDINATES])"),
        ('{"coordinates": [174.7762, -41.2865]}', '{"coordinates": [[COORDINATES]]}'),
        ("４８．１３７４３，１１．５７５４９", "[COORDINATES]"),
        ("S41.2865 E174.7762", "[COORDINATES]"),
    ],
    "SSN": [
        ("SSN 078-05-1120", "SSN [SSN]"),  # the number of the Woolworth wallets (SSA)
        ("SSN: 078051120.", "SSN: [SSN]."),
        ("０７８－０５－１１２０ and １２３４５６７８Ｚ", "[SSN] and [SSN]"),
        ("078 05 1120", "[SSN]"),
        ("it is 078 05 1120, keep it", "it is [SSN], keep it"),
        ("078\u201305\u20131120", "[SSN]"),
        ("078\u00a005\u00a01120", "[SSN]"),
        ("QQ 12 34 56 C is made up, AB 12 34 56 C is not", "QQ 12 34 56 C is made up, [SSN] is not"),
        ("AB123456C", "[SSN]"),
        ("2 55 08 14 168 025 38", "[SSN]"),  # INSEE's example
        ("RSSMRA85T10A562S", "[SSN]"),  # Agenzia delle Entrate: Mario Rossi
        ("12345678Z", "[SSN]"),  # DNI: 12345678 leaves 14 by 23, which is Z
        ("756.9217.0769.85", "[SSN]"),  # ZAS: the leaflet's example
        ("529.982.247-25", "[SSN]"),  # Receita Federal: the sums come to 2 and 5
        ("social insurance number 046 454 286", "social insurance number [SSN]"),
    ],
    "CODE": [
        ("Your verification code is 482913.", "Your verification code is [CODE]."),
        ("G-482913 is your Google verification code", "[CODE] is your Google verification code"),
        ("482 913 is your Instagram code", "[CODE] is your Instagram code"),
        ("Ihre TAN: 4829", "Ihre TAN: [CODE]"),
        ("OTP\n48291357", "OTP\n[CODE]"),
        ("Dein Bestätigungscode lautet 482-913", "Dein Bestätigungscode lautet [CODE]"),
        ("Tu código es 4829", "Tu código es [CODE]"),
        ("【淘宝】验证码 482913", "【淘宝】验证码 [CODE]"),
        ("Enter PIN 1234", "Enter PIN [CODE]"),
        ("code:482913 or code #4829", "code:[CODE] or code #[CODE]"),
        ("Use 482913 to log in", "Use [CODE] to log in"),
        ("482913 to verify your account", "[CODE] to verify your account"),
        ("Passwort: 4829", "Passwort: [CODE]"),
        ("Your code: 48 29 13", "Your code: [CODE]"),
        ("Your code: 4 8 2 9 1 3", "Your code: [CODE]"),
        ("验证码482913，5分钟内有效", "验证码[CODE]，5分钟内有效"),
        ("482913\nis your code", "[CODE]\nis your code"),
        ("\n482913 is your code\n", "\n[CODE] is your code\n"),
        ("code, valid 10 min: 482913", "code, valid 10 min: [CODE]"),
        ("Your Steam code is 7YKD3", "Your Steam code is [CODE]"),
        ("验证码：４８２９１３，５分钟内有效", "验证码：[CODE]，５分钟内有效"),
        ("ｃｏｄｅ：４８２９１３", "ｃｏｄｅ：[CODE]"),
    ],
}
LEFT_ALONE = [
    "look at example and then dot the i",
    "meet me (at) the station",
    "by @anna.lind or @ noon. look at bbc.co",
    "rows of 100 20 3000 40",
    "version v1.2.3.4 1.2.3 10.0.19041.3448 999.1.1.1 1.2.3.4.5",
    "version 1.02.03.04 of 01.02.24.05, 12.30.45.01",
    "12:30:45 at 10:15 std::map a::b ::1",
    "1.5, 2.5 and 0.999, 1.234.567 48.1, 11.5 99.1234, 200.1234",
    "000-12-3456 or 666-12-3456 or 2024-03-0112",
    "12345678A 756.9217.0769.84 529.982.247-24 RSSMRA85T10A562T",
    "error code 404123 zip code 90210 promo code 1234 decode 12",
    "in 2024 4829357 people",
    "Battery 100% 5000 mAh",
]


@pytest.mark.parametrize(
    ("kind", "text", "expected"), [(kind, text, expected) for kind, cases in FOUND.items() for text, expected in cases]
)
def test_what_phones_show_is_found(kind: str, text: str, expected: str) -> None:
    redacted, counts = redact_text(text, screen=True)
    assert redacted == expected
    assert counts == {kind: expected.count(f"[{kind}]")}


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert redact_text(text, screen=True) == (text, {})


def test_names_stay() -> None:
    text = "Anna Lind wrote: see you in Hamburg"
    assert redact_text(text, screen=True) == (text, {})


def test_science_keeps_its_coordinates_and_numbers() -> None:
    """Attributes of ocean files go through the same patterns: they may say where something was measured."""
    text = "48.13743, 11.57549 from 10.0.0.138, code 123456"
    assert redact_text(text) == (text, {})
    assert set(MARKS) < set(SCREEN_MARKS)


PIECES = st.sampled_from(
    [text for cases in FOUND.values() for text, _ in cases]
    + LEFT_ALONE
    + ["(at)", " dot ", "code ", "PIN", "1234", "12", ".", ":", "::", "°", "-", "lat ", "SSN ", "\n", " ", "48.137"]
)


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(PIECES, max_size=8), between=st.sampled_from(["", " ", "-", ", "]))
def test_redacting_twice_changes_nothing(pieces: list[str], between: str) -> None:
    once, _ = redact_text(between.join(pieces), screen=True)
    assert redact_text(once, screen=True) == (once, {})


@pytest.mark.parametrize(
    "seed",
    [
        *["1.2.3.", "a:b:", "48.1374,", "code ", "code 1", "1234 ", "lat ", "1°1'", "a (at) b", "a at b dot ", "AB12"],
        *["SSN 1", "12 34 ", "(at)", " dot ", "a.", "1-", "756.", "ABCDEF12", "0:", "\u200b1", "A"],
    ],
)
def test_time_grows_with_the_length_alone(seed: str) -> None:
    def seconds(length: int) -> float:
        text = (seed * length)[:length]
        start = time.process_time()
        redact_text(text, screen=True)
        return time.process_time() - start

    assert any(seconds(80_000) < 8 * max(seconds(20_000), 0.01) for _ in range(5))
