"""Content of every kind that can be proved: by GNU tar, gzip and zip, or by the arithmetic of a format's standard."""

from __future__ import annotations

import gzip
import io
import random
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

FILES: Mapping[str, bytes] = {
    "P1/P1_1.edf": random.Random(1).randbytes(30_000),
    "P1/day 2/P1_2.avi": random.Random(2).randbytes(70_001),
    "P1/notes.txt": b"awake\n" * 50,
    "P1/empty": b"",
}


def tree(folder: Path) -> Path:
    """Write the files below a folder."""
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def tar(folder: Path, *options: str) -> bytes:
    """Return what GNU tar makes of the files."""
    done = subprocess.run(["tar", "-C", str(tree(folder)), *options, "-cf", "-", "P1"], capture_output=True, check=True)
    return done.stdout


def avi(*sizes: int) -> bytes:
    """Return an AVI with a chunk of each size; every one after the first is of OpenDML."""
    noise, out = random.Random(3), b""
    for number, size in enumerate(sizes):
        form = b"AVIX" if number else b"AVI "
        body = form + b"LIST" + size.to_bytes(4, "little") + noise.randbytes(size)
        out += b"RIFF" + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)
    return out


def box(name: bytes, content: bytes, *, large: bool = False) -> bytes:
    """Return a box of an MP4, with a 64-bit size where it is large."""
    if large:
        return (1).to_bytes(4, "big") + name + (16 + len(content)).to_bytes(8, "big") + content
    return (8 + len(content)).to_bytes(4, "big") + name + content


def mp4() -> bytes:
    """Return the boxes of an MP4."""
    noise = random.Random(4)
    moov = box(b"moov", noise.randbytes(500))
    return box(b"ftyp", b"isom\0\0\2\0isomiso2") + box(b"mdat", noise.randbytes(40_000), large=True) + moov


def edf(
    records: int = 20, signals: int = 3, samples: int = 256, *, stated: int | None = None, bdf: bool = False
) -> bytes:
    """Return an EDF, or a BDF, of random samples; `stated` is the number of records its header gives."""
    count = records if stated is None else stated
    head = b"\xffBIOSEMI" if bdf else b"0       "
    head += b"X X X X".ljust(80) + b"Startdate X X X X".ljust(80) + b"01.01.8500.00.00"
    head += str(256 * (signals + 1)).encode().ljust(8) + b" " * 44 + str(count).encode().ljust(8)
    head += b"1       " + str(signals).encode().ljust(4)
    fields = (b"EEG", 16), (b"", 80), (b"uV", 8), (b"-1", 8), (b"1", 8), (b"-32768", 8), (b"32767", 8), (b"", 80)
    head += b"".join(value.ljust(size) * signals for value, size in fields)
    head += str(samples).encode().ljust(8) * signals + b" " * 32 * signals
    return head + random.Random(5).randbytes(records * signals * samples * (3 if bdf else 2))


def zipped() -> bytes:
    """Return a zip of the files, with a comment."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in FILES.items():
            made.writestr(name, content)
        made.comment = b"a comment"
    return out.getvalue()


def every_kind(folder: Path) -> dict[str, bytes]:
    """Return content of each kind, by a name that begins with that of its kind."""
    plain = tar(folder)
    return {
        "tar": plain,
        "tar of PAX": tar(folder, "--format=pax"),
        "tar of V7": tar(folder, "--format=v7"),
        "tar.gz": gzip.compress(plain),
        "tar.gz of two members": gzip.compress(plain[:5000]) + gzip.compress(plain[5000:]),
        "gzip": gzip.compress(FILES["P1/P1_1.edf"]),
        "AVI": avi(60_001, 20_000),
        "MP4": mp4(),
        "EDF": edf(),
        "EDF of BDF": edf(bdf=True),
        "zip": zipped(),
    }
