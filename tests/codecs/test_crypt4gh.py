"""Crypt4GH against the programs of its reference implementation, which open what is sealed here and the other way."""

from __future__ import annotations

import io
import os
import pickle
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.codecs.crypt4gh import Envelope, Header, PrivateKey, edited, header, new_envelope, read_header
from bondstore.codecs.crypt4gh_keys import read_private, read_public, write_private, write_public
from bondstore.codecs.segments import (
    SEALED_SEGMENT,
    SEGMENT,
    Segments,
    open_stream,
    plain_size,
    seal_stream,
    sealed_range,
    sealed_size,
)
from bondstore.config.secrets import Secret
from bondstore.errors import BondstoreError, ConfigurationError, CredentialsError, DamagedError, WrongKeyError

SIZES = (0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 16 * SEGMENT, 16 * SEGMENT + 1, 40 * SEGMENT + 7)
PASSPHRASE = "lantern over quiet water"
BIN = Path(sys.executable).parent


def some(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@dataclass(frozen=True)
class Pair:
    """A pair of key files."""

    private: Path
    public: Path

    def key(self) -> PrivateKey:
        return read_private(self.private.read_bytes(), "theirs", lambda: Secret(PASSPHRASE))


def run(program: str, *arguments: object, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "C4GH_PASSPHRASE": PASSPHRASE}
    return subprocess.run(
        [BIN / program, *map(str, arguments)], input=given, capture_output=True, env=environment, check=False
    )


def ok(program: str, *arguments: object, given: bytes = b"") -> bytes:
    done = run(program, *arguments, given=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A pair that the reference implementation made."""
    from crypt4gh.keys import c4gh

    folder = tmp_path_factory.mktemp("theirs")
    pair = Pair(folder / "theirs.sec", folder / "theirs.pub")
    c4gh.generate(pair.private, pair.public, PASSPHRASE.encode(), None)
    return pair


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A pair that was made here."""
    folder = tmp_path_factory.mktemp("ours")
    pair, key = Pair(folder / "ours.sec", folder / "ours.pub"), PrivateKey.new()
    pair.private.write_bytes(write_private(key, Secret(PASSPHRASE)))
    pair.public.write_bytes(write_public(key.public))
    return pair


def sealed(plain: bytes, *recipients: bytes, threads: int = 0) -> bytes:
    envelope = new_envelope()
    body = b"".join(seal_stream(chunks(plain), envelope.segments, threads=threads))
    return header(envelope, recipients, PrivateKey.new()) + body


def chunks(content: bytes, seed: int = 7) -> list[bytes]:
    """Cut content at odd places."""
    rng, found, at = random.Random(seed), [], 0
    while at < len(content):
        size = rng.choice([1, 13, 4096, SEGMENT, 300_000, 2_000_000])
        found.append(content[at : at + size])
        at += size
    return found


def opened(content: bytes, key: PrivateKey, threads: int = 0) -> bytes:
    found, body = read_header(chunks(content))
    envelope = found.open(key)
    return b"".join(edited(open_stream(body, envelope.segments, threads=threads), envelope.edits))


@pytest.mark.parametrize("size", SIZES)
def test_the_reference_program_opens_what_is_sealed_here(size: int, theirs: Pair, ours: Pair) -> None:
    for pair in (theirs, ours):
        file = sealed(some(size), read_public(pair.public.read_bytes(), "it"), threads=2)
        assert ok("crypt4gh", "decrypt", "--sk", pair.private, given=file) == some(size)


@pytest.mark.parametrize("size", SIZES)
def test_what_the_reference_program_seals_opens_here(size: int, theirs: Pair, ours: Pair) -> None:
    file = ok("crypt4gh", "encrypt", "--recipient_pk", theirs.public, "--recipient_pk", ours.public, given=some(size))
    for pair in (theirs, ours):
        for threads in (1, 3):
            assert opened(file, pair.key(), threads) == some(size)
    assert len(file) - read_header([file])[0].size == sealed_size(size)


@pytest.mark.parametrize("window", ["70000-70002", "0-5", "65530-65540", "65536-131072", "131071-199000"])
def test_edit_lists_of_the_reference_program_are_followed(window: str, ours: Pair) -> None:
    plain = some(200_000)
    file = ok("crypt4gh", "encrypt", "--recipient_pk", ours.public, given=plain)
    cut = ok("crypt4gh", "rearrange", "--sk", ours.private, "--range", window, given=file)
    start, _, end = window.partition("-")
    wanted = plain[int(start) : int(end) - 1]  # the program's END is one too many, in all it writes
    assert ok("crypt4gh", "decrypt", "--sk", ours.private, given=cut) == wanted
    assert opened(cut, ours.key()) == wanted
    # The header alone is made anew, with the same list: both programs still agree.
    found, body = read_header([cut])
    again = header(found.open(ours.key()), [ours.key().public], PrivateKey.new()) + b"".join(map(bytes, body))
    assert ok("crypt4gh", "decrypt", "--sk", ours.private, given=again) == wanted


def test_edit_lists_of_all_shapes(ours: Pair) -> None:
    """The plain words of the format: leave out, keep, leave out, …; behind an odd number of them all is kept."""
    plain, key = some(300_000), ours.key()
    for edits in ((0, 5), (3,), (1, 2, 3, 4), (10, 100_000, 7), (0, 300_000), (299_999,), (0, 0, 300_000)):
        at, wanted = 0, b""
        for number, length in enumerate(edits):
            wanted += plain[at : at + length] if number % 2 else b""
            at += length
        wanted += plain[at:] if len(edits) % 2 else b""
        envelope = Envelope(new_envelope().sessions, edits)
        body = b"".join(seal_stream([plain], envelope.segments))
        assert opened(header(envelope, [key.public], PrivateKey.new()) + body, key) == wanted
    with pytest.raises(DamagedError, match="ends before its edit list"):
        b"".join(map(bytes, edited([plain], (0, 300_001))))


def test_a_header_for_others_leaves_the_body_as_it_is(theirs: Pair, ours: Pair) -> None:
    file = sealed(some(100_000), theirs.key().public)
    found, body = read_header([file])
    again = header(found.open(theirs.key()), [ours.key().public], theirs.key()) + b"".join(map(bytes, body))
    assert again[-sealed_size(100_000) :] == file[-sealed_size(100_000) :]
    assert ok("crypt4gh", "decrypt", "--sk", ours.private, given=again) == some(100_000)
    sender = ok("crypt4gh", "decrypt", "--sk", ours.private, "--sender_pk", theirs.public, given=again)
    assert sender == some(100_000)
    with pytest.raises(WrongKeyError, match="does not decrypt this file"):
        opened(again, theirs.key())
    with pytest.raises(WrongKeyError):
        read_header([again])[0].open(ours.key(), writer=ours.key().public)


def test_a_range_is_opened_by_its_segments_alone() -> None:
    plain, envelope = some(1_000_000), new_envelope()
    body = b"".join(seal_stream([plain], envelope.segments))
    for start, end in ((0, 1), (65_535, 65_537), (65_536, 131_072), (999_999, 1_000_000), (123_456, 654_321)):
        first, last = sealed_range(start, end)
        piece = envelope.segments.open(body[first:last])
        skipped = start - start // SEGMENT * SEGMENT
        assert piece[skipped : skipped + end - start] == plain[start:end]
        assert last - first <= (2 + (end - start) // SEGMENT) * SEALED_SEGMENT


def test_sizes_by_arithmetic() -> None:
    # 28 bytes for each 64 KiB begun
    assert [sealed_size(one) for one in (0, 1, 65_536, 65_537, 131_072)] == [0, 29, 65_564, 65_593, 131_128]
    for size in SIZES:
        assert plain_size(sealed_size(size)) == size
    for impossible in (1, 28, SEALED_SEGMENT + 28):
        with pytest.raises(DamagedError):
            plain_size(impossible)


def test_the_same_nonces_give_the_same_bytes_and_others_others() -> None:
    plain, segments = some(200_000), new_envelope().segments
    nonces = os.urandom(12 * 4)
    assert segments.seal(plain, nonces) == segments.seal(plain, nonces)
    assert segments.seal(plain) != segments.seal(plain)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_changed_byte_never_passes(data: st.DataObject) -> None:
    """Wherever it is: in the header, a nonce, the content or a tag; nor does a file that was cut inside a segment."""
    key = PrivateKey(bytes(range(32)))
    plain = some(data.draw(st.sampled_from([1, 1000, SEGMENT + 3])))
    file = bytearray(sealed(plain, key.public))
    if data.draw(st.booleans()):
        file[data.draw(st.integers(0, len(file) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    else:
        cut = data.draw(st.integers(0, len(file) - 1).filter(lambda at: (at - 124) % SEALED_SEGMENT))
        del file[cut:]
    with pytest.raises((DamagedError, WrongKeyError)):
        opened(bytes(file), key)


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_no_bytes_make_the_header_s_reader_fail_otherwise(tail: bytes) -> None:
    for start in (b"", b"crypt4gh\x01\x00\x00\x00", b"crypt4gh\x01\x00\x00\x00\x02\x00\x00\x00"):
        try:
            found = Header.parse(start + tail)
            if found is not None:
                found.open(PrivateKey(bytes(range(32))))
        except BondstoreError:
            pass


def test_a_header_that_never_ends_is_not_read_to_its_end() -> None:
    handed = [0]

    def endless() -> object:
        yield b"crypt4gh\x01\x00\x00\x00\xff\xff\xff\xff"
        while True:
            yield b"\x6c\x00\x00\x00" + bytes(104)
            handed[0] += 108

    with pytest.raises(DamagedError, match="impossibly long"):
        read_header(endless())  # type: ignore[arg-type]
    assert handed[0] < 4 << 20
    with pytest.raises(DamagedError, match="impossibly long"):
        Header.parse(b"crypt4gh\x01\x00\x00\x00\x01\x00\x00\x00\xff\xff\xff\x7f")


def test_other_files_and_versions_are_told_apart() -> None:
    with pytest.raises(DamagedError, match="is not Crypt4GH"):
        read_header([b"Salted__"])
    with pytest.raises(DamagedError, match="another version"):
        read_header([b"crypt4gh\x02\x00\x00\x00\x00\x00\x00\x00"])
    with pytest.raises(DamagedError, match="ends inside its header"):
        read_header([b"crypt4gh\x01\x00"])


def test_keys_are_neither_shown_nor_pickled(ours: Pair) -> None:
    key = ours.key()
    envelope = new_envelope()
    for one in (key, envelope):
        assert "***" in repr(one)
    assert envelope.sessions[0].hex() not in repr(envelope)
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(key)


def test_a_key_that_makes_everybody_s_secret_the_same_is_refused() -> None:
    with pytest.raises(ValueError, match="shared key"):
        header(new_envelope(), [bytes(32)], PrivateKey.new())


# Key files


def test_key_files_of_either_side_are_read_by_the_other(theirs: Pair, ours: Pair) -> None:
    from crypt4gh.keys import get_private_key, get_public_key

    for pair in (theirs, ours):
        key = pair.key()
        assert get_private_key(pair.private, lambda: PASSPHRASE) == key.reveal()
        assert get_public_key(pair.public) == key.public == read_public(pair.public.read_bytes(), "it")


@pytest.mark.parametrize("method", [b"bcrypt", b"pbkdf2_hmac_sha256"])
def test_passphrases_stretched_in_other_ways(method: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from crypt4gh.keys import c4gh

    monkeypatch.setattr(c4gh, "scrypt_supported", method != b"bcrypt")
    if method != b"bcrypt":
        chosen = c4gh.get_kdf
        monkeypatch.setattr(c4gh, "get_kdf", lambda _: chosen(method))
        stretched = c4gh.derive_key
        monkeypatch.setattr(c4gh, "derive_key", lambda _, *rest, **more: stretched(method, *rest, **more))
    content = c4gh.encode_private_key(bytes(range(32)), PASSPHRASE.encode(), None)
    if method != b"bcrypt":
        content = content.replace(b"\x00\x06scrypt", len(method).to_bytes(2, "big") + method)
    file = write_public(content).replace(b"PUBLIC", b"PRIVATE")
    assert read_private(file, "it", lambda: Secret(PASSPHRASE)).reveal() == bytes(range(32))
    with pytest.raises(CredentialsError, match="or the file is damaged"):
        read_private(file, "it", lambda: Secret("another one"))


def test_a_key_without_a_passphrase_asks_for_none() -> None:
    from crypt4gh.keys import c4gh

    content = c4gh.encode_private_key(bytes(range(32)), None, None)
    file = write_public(content).replace(b"PUBLIC", b"PRIVATE")
    assert read_private(file, "it", lambda: pytest.fail("it asked")).reveal() == bytes(range(32))


def test_a_wrong_passphrase_and_a_damaged_file_are_two_sentences(ours: Pair, theirs: Pair) -> None:
    content = ours.private.read_bytes()
    with pytest.raises(CredentialsError, match="The passphrase does not unlock the private key mine"):
        read_private(content, "mine", lambda: Secret("another one"))
    line, comment = content.splitlines()[1], -40
    for at in range(39, 39 + len(line) + comment):  # each character of the key's line up to the comment
        changed = bytearray(content)
        changed[at] = ord("A") if changed[at] != ord("A") else ord("z")
        with pytest.raises(ConfigurationError, match=r"damaged|not a Crypt4GH") as caught:
            read_private(bytes(changed), "mine", lambda: Secret(PASSPHRASE))
        assert "lantern" not in str(caught.value)
    for cut in (0, 10, 40, 80, len(content) - 10):
        with pytest.raises(ConfigurationError):
            read_private(content[:cut], "mine", lambda: Secret(PASSPHRASE))
    with pytest.raises(ConfigurationError, match="the other half of a pair"):
        read_private(theirs.public.read_bytes(), "mine", lambda: Secret(PASSPHRASE))
    with pytest.raises(ConfigurationError, match="the other half of a pair"):
        read_public(theirs.private.read_bytes(), "mine")
    with pytest.raises(ConfigurationError, match="not a Crypt4GH key"):
        read_public(b"ssh-ed25519 AAAA", "mine")


def test_segments_take_any_buffer_and_refuse_others() -> None:
    segments = Segments([bytes(32)])
    body = segments.seal(memoryview(b"hello"))
    assert segments.open(io.BytesIO(body).getbuffer()) == b"hello"
    with pytest.raises(DamagedError, match="is damaged"):
        Segments([bytes(31) + b"\x01"]).open(body)
    assert Segments([bytes(31) + b"\x01", bytes(32)]).open(body) == b"hello"
