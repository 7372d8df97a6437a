"""Patterns in text: labelled cases from many countries; phonenumbers and Python's own arithmetic as oracles."""

import random
import re
import time

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.deid.text import MARKS, redact_text

# Each line is a text and what must come of it: the marks are the labels.
FOUND = {
    "EMAIL": [
        ("write to john.doe+news@mail.example.co.uk, please", "write to [EMAIL], please"),
        ("<a@b.io>;c_d@e-f.museum.", "<[EMAIL]>;[EMAIL]."),
        ("jürgen@münchen.de", "[EMAIL]"),
        ("mail.example.org/login?email=anna.lind%40example.org&x=1", "mail.example.org/login?email=[EMAIL]&x=1"),
        ("mailto:anna.lind%40example.org", "mailto:[EMAIL]"),
        ("anna.lind&#64;example.org or anna&commat;example.org", "[EMAIL] or [EMAIL]"),
        ("राम@उदाहरण.भारत", "[EMAIL]"),
        ("用户@例子.公司 你好", "[EMAIL] 你好"),
        ("user@xn--mnchen-3ya.de", "[EMAIL]"),
        ('"john doe"@example.com', "[EMAIL]"),
        ("mailto:o'brien%lists@example.org?subject=x", "mailto:[EMAIL]?subject=x"),
        ("JOHN@EXAMPLE.COM/anna@example.com", "[EMAIL]/[EMAIL]"),
        ("0301234567@example.com", "[EMAIL]"),
        ("a＠example.com", "[EMAIL]"),
        ("john (at) example (dot) com", "[EMAIL]"),
        ("bob@[192.0.2.1], not foo@[bar]", "[EMAIL], not foo@[bar]"),  # RFC 5321, 4.1.3: the host is an address
        ('"bob b"@[IPv6:2001:db8::1].', "[EMAIL]."),
        ("ａｎｎａ＠ｅｘａｍｐｌｅ．ｏｒｇ", "[EMAIL]"),
    ],
    "PHONE": [
        ("call me +49 (0)30 1234567 now", "call me [PHONE] now"),
        ("+1 (415) 555-2671 x123.", "[PHONE]."),
        ("(415) 555-2671", "[PHONE]"),
        ("415-555-2671, 415.555.2671", "[PHONE], [PHONE]"),
        ("1-800-555-0199", "[PHONE]"),
        ("4155552671", "[PHONE]"),
        ("0171/1234567", "[PHONE]"),
        ("0049 171 1234567", "[PHONE]"),
        ("020 7946 0958", "[PHONE]"),
        ("01 23 45 67 89", "[PHONE]"),
        ("06-12345678", "[PHONE]"),
        ("+33.6.12.34.56.78", "[PHONE]"),
        ("03-1234-5678", "[PHONE]"),
        ("138 1234 5678 13812345678", "[PHONE] [PHONE]"),
        ("98765 43210", "[PHONE]"),
        ("8 (912) 345-67-89", "[PHONE]"),
        ("(11) 91234-5678", "[PHONE]"),
        ("612 34 56 78", "[PHONE]"),
        ("08-123 456 78", "[PHONE]"),
        ("tlf. 34 41 23 45", "tlf. [PHONE]"),
        ("Tel.: 5551234", "Tel.: [PHONE]"),
        ("WhatsApp 2123 4567", "WhatsApp [PHONE]"),
        ("☎ 123456", "☎ [PHONE]"),
        ("٠٥٠ ١٢٣ ٤٥٦٧", "[PHONE]"),
        ("12:30 0171 1234567 13:45", "12:30 [PHONE] 13:45"),
        ("on 2024-03-01 0171 1234567", "on 2024-03-01 [PHONE]"),
        ("tel:+4915112345678", "tel:[PHONE]"),
        ("電話：０３－１２３４－５６７８", "電話：[PHONE]"),
        ("＋４９　１７１　１２３４５６７", "[PHONE]"),
        ("（０３）１２３４－５６７８", "[PHONE]"),
    ],
    "CARD": [
        ("4111 1111 1111 1111 12/27 123", "[CARD] 12/27 123"),
        ("5500-0000-0000-0004", "[CARD]"),
        ("3782 822463 10005", "[CARD]"),
        ("378282246310005", "[CARD]"),
        ("3056 930902 5904", "[CARD]"),
        ("6011000990139424.", "[CARD]."),
        ("4222222222222", "[CARD]"),
        ("6304 0000 0000 0000 000", "[CARD]"),
        ("https://shop.example/pay/4111111111111111", "https://shop.example/pay/[CARD]"),
        ("４１１１　１１１１　１１１１　１１１１", "[CARD]"),
    ],
    "IBAN": [
        ("DE89 3704 0044 0532 0130 00.", "[IBAN]."),
        ("GB82WEST12345698765432", "[IBAN]"),
        ("iban fr14 2004 1010 0505 0001 3m02 606 thanks", "iban [IBAN] thanks"),
        ("NO93-8601-1117-947", "[IBAN]"),
        ("ＤＥ８９　３７０４　００４４　０５３２　０１３０　００", "[IBAN]"),
        ("MT84 MALT 0110 0001 2345 MTLC AST0 01S", "[IBAN]"),
        ("BR18 0036 0305 0000 1000 9795 493C 1", "[IBAN]"),
    ],
    "URL": [
        ("see https://user:pw@host.example/x now", "see [URL] now"),
        ("(https://mastodon.example/@anna)", "([URL])"),
        ("www.example.com/users/42/posts.", "[URL]."),
        ("facebook.com/john.doe", "[URL]"),
        ("https://m.facebook.com/profile.php?id=1000", "[URL]"),
        ("https://wa.me/4915112345678", "[URL]"),
        ("http://cs.example.edu/~smith/", "[URL]"),
        ("https://example.com/a?x=1&email=a%40b.com", "[URL]"),
        ("https://example.com/reset?token=abc", "[URL]"),
        ("https://example.com/cb#access_token=xyz", "[URL]"),
        ("https://example.com/?q=Zm9vYmFyMTIzNDU2Nzg5MA", "[URL]"),
        ("https://www.google.com/maps/@52.52,13.40,15z", "[URL]"),
        ("app://call?to=+4915112345678", "[URL]"),
    ],
}
LEFT_ALONE = [
    "",
    "nothing to see here",
    "1700000000 1700000000123 1700000000123456",  # seconds, milliseconds, microseconds
    "2024-03-01 12:33:44.123 01.02.2024 12:33, 03/01/2024 2024/03/01 1.2.24",
    "20240301123344 20240301",
    "00000000 00012345 id 12345678",
    "abc12345678 12345678x img_4155552671.jpg A4155552671 order #4155552671",
    "550e8400-e29b-41d4-a716-446655440000 0a1b2c3d-4155-5526-7100-041712345678",
    "$4155552671 €612 345 678 612 345 678 € 1 234 567,89 € 1.234.567.890,00 1,234,567,890 Rs. 9876543210",
    "3.141592653589 0.0301234567 -0.5 1e10 99.9 %",
    "192.168.100.200 10.0.0.138:8080 v10.15.7 1080x2340 12:30-13:45",
    "2023-2024 1990 2000 2010 2020 12 2023 2024",
    "10 20 30 40 50 60 and 1 2 3 4 5 6 7 8 9 10",
    "Battery 100% 5000 mAh, 3 of 12, 7/10, room 0-15",
    "ISBN 978-3-16-148410-0",
    "4111 1111 1111 1112 4000 0000 0000 0001",  # Luhn does not hold
    "0000 0000 0000 0000",
    "NL91ABNA0417164301 GB82WEST1234569876543 GB83WEST12345698765432",  # check digits, length
    "@handle foo@bar icon@2x.png a @ b me@ @example.com a@b..c",
    "https://example.org/article/2024/01/12345678901?page=2&utm_source=x#top",
    "www.example.com/about facebook.com/login https://github.com/search?q=x and/or file.txt/",
    "content://media/external/images/media/1000012345",
]
# Known not to be found, so that nobody believes otherwise: the words around them would be needed.
MISSED = [
    "555-1234",  # seven digits, without a word before
    "21234567",  # eight digits in one piece: as likely an id
    "491711234567",  # a country code without its sign
    "john at example.com",
    "john@localhost",
    "1354 1234 5678 911",  # a card of the kind that starts with 1, as milliseconds do
    "https://example.org/annas-diary",
]


@pytest.mark.parametrize(
    ("kind", "text", "expected"), [(kind, text, expected) for kind, cases in FOUND.items() for text, expected in cases]
)
def test_labelled_patterns_are_found(kind, text, expected):
    redacted, counts = redact_text(text)
    assert redacted == expected
    assert counts == {kind: expected.count(f"[{kind}]")}


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_labelled_texts_are_left_alone(text):
    assert redact_text(text) == (text, {})


WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}  # Unicode: full-width forms


@pytest.mark.parametrize("text", [text for text in LEFT_ALONE if "," not in text])
def test_what_is_left_alone_is_so_in_full_width(text):
    wide = text.translate(WIDE)
    assert redact_text(wide) == (wide, {})


@pytest.mark.parametrize("text", MISSED)
def test_what_is_known_to_be_missed(text):
    assert redact_text(text) == (text, {})


def test_several_kinds_in_one_text_are_counted():
    text = "a@b.de, DE89370400440532013000, 4111111111111111, +49 171 1234567 and x.com/anna; c@d.fr"
    redacted, counts = redact_text(text)
    assert redacted == "[EMAIL], [IBAN], [CARD], [PHONE] and [URL]; [EMAIL]"
    assert counts == {"EMAIL": 2, "IBAN": 1, "CARD": 1, "PHONE": 1, "URL": 1}
    assert set(counts) == set(MARKS)


# --- measured against other people's knowledge


def shares(form):
    """Of the example numbers of all countries: the share found, and the share left as they are."""
    found = left = total = 0
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                text = f"ok {phonenumbers.format_number(number, form)}, bye"
                redacted = redact_text(text)[0]
                total += 1
                found += redacted == "ok [PHONE], bye"
                left += redacted == text
    assert total > 450
    return found / total, left / total


@pytest.mark.parametrize(
    ("form", "least"),
    [
        (phonenumbers.PhoneNumberFormat.E164, 0.99),
        (phonenumbers.PhoneNumberFormat.INTERNATIONAL, 0.98),
        (phonenumbers.PhoneNumberFormat.NATIONAL, 0.70),
    ],
)
def test_the_phone_numbers_of_all_countries(form, least):
    found, left = shares(form)
    assert found >= least
    assert found + left > 0.99  # what is found is found whole


BIG = [
    "US",
    "CA",
    "GB",
    "DE",
    "FR",
    "IT",
    "ES",
    "NL",
    "BE",
    "AT",
    "CH",
    "SE",
    "NO",
    "DK",
    "FI",
    "PL",
    "CZ",
    "IE",
    "PT",
    "GR",
    "HU",
    "AU",
    "NZ",
    "JP",
    "KR",
    "CN",
    "IN",
    "BR",
    "MX",
    "ZA",
    "NG",
    "EG",
    "TR",
    "IL",
    "SG",
    "HK",
]


@pytest.mark.parametrize("region", BIG)
def test_mobile_numbers_as_they_are_written_at_home(region):
    number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert redact_text(f"hi {text}")[0] == "hi [PHONE]"


def with_luhn(digits):
    total = sum(int(d) for d in "".join(str(int(d) * (2 - at % 2)) for at, d in enumerate(reversed(digits))))
    return digits + str(-total % 10)


@settings(max_examples=200)
@given(
    digits=st.from_regex(r"[2-9][0-9]{11,17}", fullmatch=True),
    separator=st.sampled_from(["", " ", "-", "\u00a0"]),
    off=st.integers(1, 9),
)
def test_cards_are_told_by_their_sum(digits, separator, off):
    right = with_luhn(digits[:15] if separator else digits)  # of a longer one in groups, the first 16 may hold as well
    wrong = right[:-1] + str((int(right[-1]) + off) % 10)
    shown = [separator.join(re.findall(".{1,4}", number)) for number in (right, wrong)]
    a_time = re.match(r"20\d\d[01]\d[0-3]\d[0-2]\d", right)
    assert a_time or redact_text(f"card {shown[0]} ok") == ("card [CARD] ok", {"CARD": 1})
    assert "CARD" not in redact_text(f"card {shown[1]} ok")[1]


@settings(max_examples=200)
@given(
    country=st.sampled_from([("DE", 22), ("GB", 22), ("FR", 27), ("NO", 15), ("MT", 31), ("NL", 18)]),
    seed=st.integers(0, 10**9),
    groups=st.booleans(),
    change=st.integers(4, 14),
)
def test_ibans_are_told_by_their_check_digits(country, seed, groups, change):
    code, length = country
    body = "".join(random.Random(seed).choices("0123456789", k=length - 4))
    value = int("".join(str(int(character, 36)) for character in f"{body}{code}00"))
    iban = f"{code}{98 - value % 97:02d}{body}"
    shown = " ".join(re.findall(".{1,4}", iban)) if groups else iban
    assert redact_text(f"to {shown}.") == ("to [IBAN].", {"IBAN": 1})
    other = iban[:change] + str((int(iban[change]) + 1) % 10) + iban[change + 1 :]
    assert "IBAN" not in redact_text(f"to {other}.")[1]


# --- properties

PIECES = st.sampled_from(
    [text for cases in FOUND.values() for text, _ in cases]
    + LEFT_ALONE
    + [
        "+",
        "(",
        ")",
        "-",
        " ",
        "/",
        ".",
        "@",
        "1",
        "12",
        "0",
        "415",
        "555 2671",
        "a",
        "€",
        "tel ",
        "[PHONE]",
        "[",
        "\n",
        "#",
    ]
)


@settings(max_examples=500, deadline=None)
@given(pieces=st.lists(PIECES, max_size=8), between=st.sampled_from(["", " ", "-", ", "]))
def test_redacting_twice_changes_nothing(pieces, between):
    once, counts = redact_text(between.join(pieces))
    assert redact_text(once) == (once, {})
    assert sum(counts.values()) <= len(between.join(pieces))


@settings(max_examples=500, deadline=None)
@given(text=st.text(st.sampled_from("0123456789 -+()./@ab:x€[]٣"), max_size=60))
def test_redacting_twice_changes_nothing_in_random_text_either(text):
    once, _ = redact_text(text)
    assert redact_text(once) == (once, {})


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_is_taken(text):
    redacted, counts = redact_text(text)
    assert set(counts) <= set(MARKS)
    assert (redacted == text) == (not counts)


@pytest.mark.parametrize(
    "seed",
    [
        *[
            "a",
            "1",
            "1 ",
            "@",
            "a@",
            "a@a.",
            "a.",
            "1-",
            "+",
            "(",
            "12 ",
            "a@b.c1.",
            "www.",
            "http://a@",
            "x.com/",
            "%40",
        ],
        *[
            "DE89 3704 ",
            "4111 ",
            "415-555-2671-",
            "tel 1",
            "1.2.3.4.",
            "01.02.2024 ",
            '"@',
            "+49 ",
            "(12) ",
            "a-1-",
            "-1",
        ],
        *["1:1", "\n1", "12 34 56 78,", "DE1", "€1 "],
    ],
)
def test_time_grows_with_the_length_alone(seed):
    def seconds(length):
        text = (seed * length)[:length]
        start = time.process_time()
        redact_text(text)
        return time.process_time() - start

    # Four times the length takes four times as long, or 16 times where time grows with the square. Other work on the
    # machine may spoil a comparison, but not each of them.
    assert any(seconds(80_000) < 8 * max(seconds(20_000), 0.005) for _ in range(5))


@pytest.mark.parametrize("sign", ["\u200b", "\u200e", "\u2060", "\ufeff", "\u2400"])
def test_signs_that_are_not_seen_neither_hide_nor_join_anything(sign):
    """What a reader sees is two numbers and an address, or one address, or one number, whatever else is found."""
    text = f"415-555-2671{sign}212-555-0134 a@b.com"
    assert redact_text(text) == (f"[PHONE]{sign}[PHONE] [EMAIL]", {"PHONE": 2, "EMAIL": 1})
    assert redact_text(f"al{sign}ice@b.c{sign}om") == ("[EMAIL]", {"EMAIL": 1})
    assert redact_text(f"a@b.com, 415-555{sign}-26{sign}71")[0] == "[EMAIL], [PHONE]"
    assert redact_text(f"nothing{sign} here") == (f"nothing{sign} here", {})
