"""The program ``openssl``: what it seals is what old archives are."""

from __future__ import annotations

import os
import subprocess


def seal(plain: bytes, passphrase: str, *options: str) -> bytes:
    """Seal bytes as ``openssl enc`` does with some options; single DES is in its legacy provider only."""
    done = subprocess.run(
        ["openssl", "enc", *options, "-e", "-pass", "env:P", "-provider", "legacy", "-provider", "default"],
        input=plain,
        capture_output=True,
        env=os.environ | {"P": passphrase},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def unseal(sealed: bytes, passphrase: str, *options: str) -> tuple[int, bytes]:
    """Open bytes as ``openssl enc -d`` does; return its exit code and what came out."""
    done = subprocess.run(
        ["openssl", "enc", "-d", *options, "-pass", "env:P", "-provider", "legacy", "-provider", "default"],
        input=sealed,
        capture_output=True,
        env=os.environ | {"P": passphrase},
        check=False,
    )
    return done.returncode, done.stdout
