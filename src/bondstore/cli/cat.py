"""``bondstore cat``."""

from __future__ import annotations

import base64
import codecs
import hashlib
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output
from bondstore.errors import UsageError
from bondstore.text import printable

if TYPE_CHECKING:
    from bondstore.vault.cat import Content

EXAMPLES = (
    "bondstore cat s3://BUCKET/patients/notes.txt",
    "bondstore cat 's3://VAULT/eeg#1ab2cd3e/day1.edf' --unseal --length 256 > header.edf",
    "bondstore cat s3://BUCKET/patients/table.csv.gz | zcat | head",
)


def command(
    url: Annotated[
        str, typer.Argument(metavar="URL[#PATH]", help="An object or a file; or a vault, with #PATH a file of it.")
    ],
    *,
    unseal: Annotated[bool, typer.Option("--unseal", help="Decrypt; otherwise bytes stay encrypted.")] = False,
    key: options.OwnKey = None,
    passphrase: options.Passphrase = None,
    offset: Annotated[int, typer.Option(metavar="BYTES", min=0, help="Begin behind so many bytes.")] = 0,
    length: Annotated[
        int | None, typer.Option(metavar="BYTES", min=0, help="Write so many bytes at most. Default: up to the end.")
    ] = None,
    profile: options.Profile = None,
    json: options.Json = False,
) -> int:
    """Write the bytes of one object, or of a file of a vault, to stdout; nothing is written to a disk.

    A file of a vault is held against its signed manifest. One of up to 8 MB is proved before its first byte is
    written; of a larger one each piece is decrypted and checked by itself, and what is wrong with the whole shows at
    the end, with exit code 7. Of a range only the segments that hold it are fetched and checked. Compressed files stay
    as they are. Every read is noted in your own record: bondstore audit show.
    """
    from bondstore.vault.cat import Span, read_object

    content = read_object(
        url, span=Span(offset, length), unseal=unseal, key=key, passphrase=passphrase, profile=profile
    )
    if content.is_unproved:
        output.note("Unproved: no manifest says what this object should be. Its segments are checked one by one.")
    if json:
        _write_json(url, content)
    elif sys.stdout.isatty():
        _show(url, content)
    else:
        for chunk in content.chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
    return 0


def _write_json(url: str, content: Content) -> None:
    size, hashed = 0, hashlib.sha256()
    for chunk in content.chunks:
        if data := bytes(chunk):
            output.display_one({"kind": "bytes", "base64": base64.b64encode(data).decode()}, json=True)
        size += len(data)
        hashed.update(data)
    about = {"kind": "content", "url": url, "size": size, "sha256": hashed.hexdigest()}
    output.display_one({**about, "encrypted": content.is_encrypted}, json=True)


def _show(url: str, content: Content) -> None:
    """Show text on a terminal, with what would steer it written out; refuse what is no text."""
    if content.is_encrypted:
        raise UsageError(
            f"{url} is encrypted, and does not belong on a terminal.",
            hint="Add --unseal to decrypt it with your key, or send it to a file: … > FILE",
        )
    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in content.chunks:
        try:
            text = decoder.decode(bytes(chunk))
        except UnicodeError:
            text = "\0"
        if "\0" in text:
            sys.stdout.flush()
            raise UsageError(
                f"{url} is not text, and does not belong on a terminal.", hint="Send it to a file: … > FILE"
            )
        parts = text.replace("\r\n", "\n").split("\t")
        sys.stdout.write("\t".join(printable(part, lines=True) for part in parts))
    sys.stdout.flush()
