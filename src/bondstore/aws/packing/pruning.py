"""What of a package a function does not need: tests, sources, documentation, formats nobody reads."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_FOLDERS = frozenset({"tests", "test", "__pycache__", "examples", "docs", "sample_data", "include", "_pyinstaller"})
_ENDS = (
    ".pyc",
    ".pyo",
    ".pyi",
    ".c",
    ".h",
    ".hpp",
    ".cpp",
    ".pyx",
    ".pxd",
    ".pxi",
    ".a",
    ".lib",
    ".md",
    ".rst",
    ".map",
)
_PLACES = re.compile(
    "|".join(
        (
            r"numpy/(f2py|distutils|_pyinstaller|doc)/.*",
            r"numpy/_core/(_simd|[a-z_]+_tests)\..*\.so",
            r"PIL/_(avif|webp|imagingtk|imagingcms).*\.so",
            r"pillow\.libs/lib(avif|webp|webpmux|webpdemux|sharpyuv|lcms2)-.*",
            r"matplotlib/mpl-data/fonts/(afm|pdfcorefonts)/.*",
            r"matplotlib/mpl-data/images/.*",
            r"matplotlib/backends/web_backend/.*",
            r"[^/]+\.dist-info/(direct_url\.json|INSTALLER|REQUESTED|sboms/.*)",
        )
    )
)


def is_kept(place: str) -> bool:
    """Tell whether a file of a package goes into a zip.

    Parameters
    ----------
    place : str
        Its path when installed, with forward slashes.
    """
    path = PurePosixPath(place)
    if ".dist-info" in path.parts[0]:
        return not _PLACES.fullmatch(place)  # licences stay, whatever their names end with
    if _FOLDERS & set(path.parts[:-1]) or place.endswith(_ENDS):
        return False
    return not _PLACES.fullmatch(place)
